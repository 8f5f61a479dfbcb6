"""Mattermost's REST API v4, as far as Tocsin uses it. Written from its published OpenAPI document."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Fake, Handler, Shown
from adapters.fakes.github import rendered
from domain.priority import Priority

TOKEN, CHANNEL = "mm-token-0123456789", "c" * 26
_MOST = 16_383
_NEW = {"channel_id", "message", "root_id", "props", "pending_post_id"}
_PATCH = {"message", "props"}


class FakeMattermost(Fake):
    """One channel."""

    type = "mattermost"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    longest: ClassVar[int] = 12_000
    extra_field: ClassVar[str] = "service"

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.posts: dict[str, dict[str, Any]] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get("/api/v4/users/me", self._me),
            web.post("/api/v4/posts", self._create),
            web.get("/api/v4/posts/{id}", self._show),
            web.put("/api/v4/posts/{id}/patch", self._patch),
            web.get("/api/v4/channels/{channel}/posts", self._list),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {"type": "mattermost", "url": url, "token": TOKEN, "channel": CHANNEL}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "another"}

    def limited(self) -> Answer:
        """Ask for fewer requests: the time to wait is in seconds."""
        return Answer(429, "limit exceeded", {"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "7"})

    def ids(self) -> list[str]:
        """List the posts that are no replies."""
        return [id_ for id_, post in self.posts.items() if not post["root_id"]]

    def look(self, id_: str) -> Shown:
        """See a post in the channel."""
        post = self.posts[id_]
        head, _, rest = post["message"].partition("**\n\n")
        _, priority, title = rendered(head.removeprefix("**")).split(" ", 2)
        state = rendered(rest).rpartition("state ")[2].partition(" · ")[0]
        replies = tuple(rendered(one["message"]) for one in self.posts.values() if one["root_id"] == id_)
        is_open = state not in {"resolved", "closed"}
        return Shown(
            title, rendered(rest), is_open, priority, comments=replies, state=state, fields=post["props"]
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, and that the bot is a member of the channel."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "Invalid or expired session, please login again.")
        if request.match_info.get("channel", CHANNEL) != CHANNEL:
            return _error(403, "You do not have the appropriate permissions.")
        return await handler(request)

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response({"id": "b" * 26, "username": "tocsin", "is_bot": True})

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data.keys() - _NEW or len(data["message"]) > _MOST:
            return _error(400, "Invalid or missing parameter in request body.")
        if data["channel_id"] != CHANNEL or data.get("root_id", "") not in {"", *self.posts}:
            return _error(403, "You do not have the appropriate permissions.")
        post = {
            "id": f"{len(self.posts):026d}",
            "create_at": round(time.time() * 1000),
            "delete_at": 0,
            "root_id": data.get("root_id", ""),
            "channel_id": CHANNEL,
            "message": data["message"],
            "props": data.get("props", {}),
        }
        self.posts[post["id"]] = post
        return web.json_response(post, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._post(request))

    async def _patch(self, request: web.Request) -> web.Response:
        post, data = self._post(request), await request.json()
        if data.keys() - _PATCH or len(data["message"]) > _MOST:
            return _error(400, "Invalid or missing parameter in request body.")
        post |= data
        return web.json_response(post)

    async def _list(self, request: web.Request) -> web.Response:
        size, page = int(request.query["per_page"]), int(request.query["page"])
        newest = list(reversed(self.posts))[page * size : (page + 1) * size]
        return web.json_response({"order": newest, "posts": {id_: self.posts[id_] for id_ in newest}})

    def _post(self, request: web.Request) -> dict[str, Any]:
        post = self.posts.get(request.match_info["id"])
        if post is None:
            raise web.HTTPNotFound(
                text='{"message":"Unable to get the post."}', content_type="application/json"
            )
        return post


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"id": "api.error", "message": message, "status_code": status}, status=status)
