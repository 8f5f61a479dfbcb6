"""Slack's Web API, as far as Tocsin uses it, with its traps. Written from docs.slack.dev.

The traps: every failure is a 200 with ``ok: false``; metadata is in the history only where it is asked for;
text is markup, but in blocks of plain text.
"""

from __future__ import annotations

import hmac
import html
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

TOKEN, CHANNEL, SECRET = "xoxb-0123456789", "C0123456789", "8f742231b10e8888abcd99yyyzzz85a5"
_MESSAGE = {
    "channel",
    "text",
    "blocks",
    "metadata",
    "thread_ts",
    "mrkdwn",
    "unfurl_links",
    "username",
    "icon_emoji",
    "ts",
}
_REACTIONS = {
    TicketState.ACKNOWLEDGED: "eyes",
    TicketState.IN_PROGRESS: "hammer_and_wrench",
    TicketState.RESOLVED: "white_check_mark",
    TicketState.CLOSED: "white_check_mark",
}


@dataclass(slots=True)
class Message:
    """A message and its thread."""

    ts: str
    data: dict[str, Any]
    replies: list[str] = field(default_factory=list)
    event: dict[str, Any] = field(default_factory=dict)


class FakeSlack(Fake):
    """One channel."""

    type = "slack"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    longest: ClassVar[int] = 2_900
    extra_field: ClassVar[str] = "username"
    deeds: ClassVar[frozenset[str]] = frozenset({"state", "comment"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.messages: dict[str, Message] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.post("/api/chat.postMessage", self._post),
            web.post("/api/chat.update", self._update),
            web.get("/api/conversations.history", self._history),
            web.post("/api/auth.test", self._test),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "slack",
            "url": f"{url}/api",
            "token": TOKEN,
            "channel": CHANNEL,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "xoxb-another"}

    def limited(self) -> Answer:
        """Ask for fewer requests in the way that is easily overlooked."""
        return Answer(200, '{"ok": false, "error": "ratelimited"}')

    def ids(self) -> list[str]:
        """List all messages."""
        return [f"{CHANNEL}/{ts}" for ts in self.messages]

    def look(self, id_: str) -> Shown:
        """See a message in the channel."""
        message = self.messages[id_.partition("/")[2]]
        head, *others = message.data["blocks"]
        _, priority, title = _shown(head["text"]).split(" ", 2)
        texts = [_shown(part) for block in others for part in (block.get("elements") or [block["text"]])]
        facts = next(text for text in texts if text.startswith("state "))
        state = facts.removeprefix("state ").partition(" · ")[0]
        return Shown(
            title=title,
            text="\n".join(texts),
            is_open=state not in {"resolved", "closed"},
            priority=priority,
            comments=tuple(message.replies),
            state=state,
            fields=message.data,
        )

    def act(self, id_: str, deed: Deed) -> None:
        """React to a message, or reply in its thread."""
        ts = id_.partition("/")[2]
        now = f"{time.time():.6f}"
        if deed.state is not None:
            self.messages[ts].event = {
                "type": "reaction_added",
                "user": deed.actor,
                "reaction": _REACTIONS[deed.state],
                "item": {"type": "message", "channel": CHANNEL, "ts": ts},
                "event_ts": now,
            }
        if deed.comment is not None:
            self.messages[ts].replies.append(deed.comment)
            self.messages[ts].event = {
                "type": "message",
                "user": deed.actor,
                "channel": CHANNEL,
                "ts": now,
                "thread_ts": ts,
                "text": deed.comment,
                "event_ts": now,
            }

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the Events API would post."""
        event = self.messages[id_.partition("/")[2]].event
        body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _failed("invalid_auth")
        return await handler(request)

    async def _test(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"ok": True, "team": "Acme", "user_id": "U0123456789", "bot_id": "B0123456789"}
        )

    async def _post(self, request: web.Request) -> web.Response:
        data = await request.json()
        if wrong := _mistake(data):
            return _failed(wrong)
        if thread := data.get("thread_ts"):
            self.messages[thread].replies.append(html.unescape(data["text"]))
            return web.json_response({"ok": True, "channel": CHANNEL, "ts": f"{thread}1"})
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages[ts] = Message(ts, data)
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": ts, "message": {"ts": ts}})

    async def _update(self, request: web.Request) -> web.Response:
        data = await request.json()
        if wrong := _mistake(data):
            return _failed(wrong)
        if data["ts"] not in self.messages:
            return _failed("message_not_found")
        self.messages[data["ts"]].data = data
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": data["ts"], "text": data["text"]})

    async def _history(self, request: web.Request) -> web.Response:
        query = request.query
        if query["channel"] != CHANNEL:
            return _failed("channel_not_found")
        start, size = int(query.get("cursor", "0")), int(query["limit"])
        newest = list(reversed(self.messages.values()))
        with_metadata = query.get("include_all_metadata") == "true"
        page = [
            {"type": "message", "ts": one.ts, "text": one.data["text"]}
            | ({"metadata": one.data["metadata"]} if with_metadata and "metadata" in one.data else {})
            for one in newest[start : start + size]
        ]
        more = start + size < len(newest)
        following = {"next_cursor": str(start + size) if more else ""}
        return web.json_response(
            {"ok": True, "messages": page, "has_more": more, "response_metadata": following}
        )


def _shown(text: dict[str, Any]) -> str:
    return str(text["text"]) if text["type"] == "plain_text" else html.unescape(text["text"])


def _mistake(data: dict[str, Any]) -> str:
    if data.keys() - _MESSAGE:
        return "invalid_arguments"
    if data["channel"] != CHANNEL:
        return "channel_not_found"
    for block in data.get("blocks", ()):
        most = {"header": 150, "section": 3_000}.get(block["type"], 3_000)
        for part in block.get("elements") or [block["text"]]:
            if not 0 < len(part["text"]) <= most:
                return "invalid_blocks"
    return "" if data.get("text") or data.get("blocks") else "no_text"


def _failed(word: str) -> web.Response:
    return web.json_response({"ok": False, "error": word})
