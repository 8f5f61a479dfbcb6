"""Mattermost (REST API v4, api.mattermost.com): a post for each incident, kept up to date, with a thread.

Our key is in the post's ``props``, and found again in the channel's posts: the search of Mattermost looks at
words only, and lags where Elasticsearch does it. Text is Markdown, with mentions.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.chat import facts, headline
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.issues import fitted
from adapters.tickets.text import to_markdown
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Capability
from domain.ticket import DesiredTicket, Note, TicketAction

MESSAGE_LENGTH = 16_383
HEADLINE_LENGTH = 300
PAGE = 200
MOST_PAGES = 10
PROPERTY = "tocsin_key"

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{26}$")]


class MattermostConfig(DestinationOptions):
    """Settings of posts to one channel, or to one a team."""

    type: Literal["mattermost"]
    url: Address = Field(description="Of the server.")
    token: SecretStr = Field(description="Of a bot account that is a member of the channels.")
    channel: Id = Field(description="Id of the channel (View Info), 26 letters and digits.")
    teams: dict[str, Id] = Field(default={}, description="By team: another channel.")
    fields: FieldMap

    def build(self, http: Http) -> Mattermost:
        """Make the ticket system of these settings."""
        return Mattermost(self, http)


class Post(msgspec.Struct):
    """A post as Mattermost shows it."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    props: dict[str, Any] | None = None
    delete_at: int = 0


class Posts(msgspec.Struct):
    """A page of posts, the newest first."""

    order: list[str]
    posts: dict[str, Post]


class Mattermost(Adapter):
    """Posts in the channels. A ticket's id is that of its post."""

    capabilities = frozenset(
        {
            Capability.FIND,
            Capability.UPDATE,
            Capability.COMMENT,
            Capability.TRANSITION,
            Capability.REOPEN,
            Capability.PING,
        }
    )

    def __init__(self, config: MattermostConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._client = http.client(
            f"{self._pages}/api/v4",
            headers={"Authorization": f"Bearer {token}"},
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Look through the latest posts of each channel: what is looked for was posted just now."""
        for channel in self._channels():
            found = await self._find_in(channel, key)
            if found is not None:
                return found
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Post a message."""
        channel = self._config.teams.get(ticket.team, self._config.channel)
        # Mattermost takes a second post with the same pending id for the first, for a short while.
        made = await self._send(
            "POST",
            "/posts",
            {
                "channel_id": channel,
                "pending_post_id": f"tocsin:{ticket.key}",
                **to_post(self._config, ticket),
            },
        )
        return self._ref(made.read(Post))

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:  # noqa: ARG002 - a post just shows the ticket
        """Write the post anew."""
        await self._send("PUT", f"/posts/{quote(ref.id, safe='')}/patch", to_post(self._config, ticket))
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Reply in the thread."""
        post = (await self._send("GET", f"/posts/{quote(ref.id, safe='')}")).read(ChannelPost)
        reply = {
            "channel_id": post.channel_id,
            "root_id": ref.id,
            "message": fitted(note.text, MESSAGE_LENGTH),
        }
        await self._send("POST", "/posts", reply)

    async def ping(self) -> None:
        """Check the token and that the channels can be read; nothing is posted."""
        await self._send("GET", "/users/me")
        for channel in self._channels():
            try:
                found = await self._find_in(channel, f"probe{token_hex(8)}", pages=1)
            except PermanentError as error:
                message = f"{error}; make the bot a member of channel {channel}"
                raise PermanentError(message, error.reason) from error
            if found is not None:
                raise PermanentError(f"Mattermost: a random key was found in {channel}", Reason.BAD_ANSWER)

    def _channels(self) -> list[str]:
        return list(dict.fromkeys([self._config.channel, *self._config.teams.values()]))

    async def _find_in(self, channel: str, key: str, pages: int = MOST_PAGES) -> TicketRef | None:
        for page in range(pages):
            params = {"page": str(page), "per_page": str(PAGE)}
            reply = await self._client.send("GET", f"/channels/{channel}/posts", params=params)
            posts = reply.read(Posts)
            mine = (posts.posts[id_] for id_ in posts.order if id_ in posts.posts)
            found = next((one for one in mine if _is_of(one, key)), None)
            if found is not None or len(posts.order) < PAGE:
                return self._ref(found) if found else None
        return None

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        return await self._client.send(
            method, path, body=msgspec.json.encode(body) if body is not None else None
        )

    def _ref(self, post: Post) -> TicketRef:
        return TicketRef(post.id, f"{self._pages}/_redirect/pl/{post.id}")


class ChannelPost(msgspec.Struct):
    """Where a post is."""

    channel_id: str


def to_post(config: MattermostConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into a post."""
    head = f"**{to_markdown(headline(ticket, HEADLINE_LENGTH))}**"
    foot = to_markdown(facts(ticket, HEADLINE_LENGTH))
    link = f" · [Incident in Tocsin](<{ticket.url.replace('>', '%3E')}>)" if ticket.url else ""
    rest = MESSAGE_LENGTH - len(head) - len(foot) - len(link) - 10
    message = f"{head}\n\n{fitted(ticket.description, rest)}\n\n{foot}{link}"
    return {"message": message, "props": {PROPERTY: ticket.key, **render_fields(config.fields, ticket)}}


def _is_of(post: Post, key: str) -> bool:
    return bool(key) and not post.delete_at and (post.props or {}).get(PROPERTY) == key
