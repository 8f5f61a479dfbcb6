"""Slack (Web API, docs.slack.dev): a message for each incident, kept up to date, with a thread for what happens.

Our key is in the message's metadata, and found again in the channel's history. Traps: failures are a 200 with
``ok: false``; the history has metadata only where it is asked for; limits are about one message a second and
channel; text is read as markup, so ours goes into blocks of plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints

from adapters.http import EXCERPT, Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.chat import facts, headline
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.signatures import check_any_hmac
from adapters.tickets.text import clean, cut
from domain.errors import CallbackRefused, DeliveryError, Handshake, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, Capability
from domain.ticket import Comment, DesiredTicket, Note, TicketAction, TicketSeen, TicketState

HEADLINE_LENGTH = 150
TEXT_LENGTH = 2_900  # of the 3,000 of a section
NOTE_LENGTH = 12_000
PAGE = 200
MOST_PAGES = 10
EVENT = "tocsin_incident"
_AUTHENTICATION = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
}
_NOT_FOUND = {"channel_not_found", "message_not_found", "is_archived", "not_in_channel", "thread_not_found"}
_TEMPORARY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
REACTIONS = {
    "eyes": TicketState.ACKNOWLEDGED,
    "hammer_and_wrench": TicketState.IN_PROGRESS,
    "white_check_mark": TicketState.RESOLVED,
}

ChannelId = Annotated[str, StringConstraints(pattern=r"^[CGD][A-Z0-9]{6,}$")]


class SlackConfig(DestinationOptions):
    """Settings of messages to one channel, or to one a team."""

    type: Literal["slack"]
    url: Address = Field(default=HttpUrl("https://slack.com/api"), description="Of the Web API.")
    token: SecretStr = Field(
        description="Bot token (xoxb-) with chat:write and channels:history or groups:history."
    )
    channel: ChannelId = Field(description="Id of the channel, like C0123456789; not its name.")
    teams: dict[str, ChannelId] = Field(default={}, description="By team: another channel.")
    reactions: dict[str, TicketState] = Field(
        default=REACTIONS, description="What a person says of the incident by a reaction to its message."
    )
    callback_secret: SecretStr | None = Field(default=None, description="Signing secret of the Slack app.")
    fields: FieldMap

    def build(self, http: Http) -> Slack:
        """Make the ticket system of these settings."""
        return Slack(self, http)


class Told(msgspec.Struct):
    """What stands in every answer."""

    ok: bool
    error: str = ""
    needed: str = ""


class Sent(msgspec.Struct):
    """The answer to a message."""

    channel: str
    ts: str


class Payload(msgspec.Struct):
    """Our own metadata."""

    key: str = ""


class Metadata(msgspec.Struct):
    """Metadata of a message."""

    event_type: str = ""
    event_payload: Payload | None = None


class Message(msgspec.Struct):
    """A message of the history."""

    ts: str
    metadata: Metadata | None = None

    @property
    def key(self) -> str:
        """Our key in it."""
        known = self.metadata is not None and self.metadata.event_type == EVENT
        return (
            self.metadata.event_payload.key if known and self.metadata and self.metadata.event_payload else ""
        )


class Next(msgspec.Struct):
    """Where the next page is."""

    next_cursor: str = ""


class History(msgspec.Struct):
    """A page of the history, the newest first."""

    messages: list[Message]
    response_metadata: Next | None = None


class Item(msgspec.Struct):
    """What a reaction is to."""

    channel: str = ""
    ts: str = ""


class Event(msgspec.Struct):
    """Something that happened in a channel."""

    type: str
    user: str = ""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    text: str = ""
    subtype: str = ""
    bot_id: str | None = None
    reaction: str = ""
    item: Item | None = None
    event_ts: str = ""


class Posted(msgspec.Struct):
    """The body of an event, or of Slack's question whether the address is ours."""

    type: Literal["event_callback", "url_verification"]
    event: Event | None = None
    challenge: str = ""


class Slack(Adapter):
    """Messages in the channels. A ticket's id is its channel and the time stamp of its message."""

    capabilities = frozenset(
        {
            Capability.FIND,
            Capability.UPDATE,
            Capability.COMMENT,
            Capability.CALLBACK,
            Capability.TRANSITION,
            Capability.REOPEN,
            Capability.PING,
        }
    )

    def __init__(self, config: SlackConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self._client = http.client(
            str(config.url).rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Look through the latest messages of each channel: what is looked for was sent just now."""
        for channel in self._channels():
            ts = await self._find_in(channel, key)
            if ts:
                return TicketRef(f"{channel}/{ts}")
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Post a message."""
        channel = self._config.teams.get(ticket.team, self._config.channel)
        message = {"channel": channel, **to_message(self._config, ticket), "unfurl_links": False}
        sent = (await self._send("chat.postMessage", message)).read(Sent)
        return TicketRef(f"{sent.channel}/{sent.ts}")

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:  # noqa: ARG002 - a message just shows the ticket
        """Write the message anew."""
        channel, _, ts = ref.id.partition("/")
        await self._send("chat.update", {"channel": channel, "ts": ts, **to_message(self._config, ticket)})
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Reply in the thread."""
        channel, _, ts = ref.id.partition("/")
        text = escaped(cut(clean(note.text), NOTE_LENGTH))
        reply = {"channel": channel, "thread_ts": ts, "text": text, "mrkdwn": False, "unfurl_links": False}
        await self._send("chat.postMessage", reply)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand an event: a reply in a thread, or a reaction to a message."""
        if self._config.callback_secret is None:
            raise CallbackRefused(
                "set callback_secret to the signing secret of the Slack app", is_forged=True
            )
        stamp = call.headers.get("x-slack-request-timestamp", "")
        signed = b"v0:" + stamp.encode() + b":" + call.body
        given = call.headers.get("x-slack-signature", "")
        check_any_hmac(self._config.callback_secret.get_secret_value(), signed, given, "v0")
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
            seen = told_of(posted.event, self._config.reactions) if posted.event else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise CallbackRefused(f"not an event of Slack: {error}") from error
        if posted.challenge:
            raise Handshake(posted.challenge)
        return [seen] if seen else []

    async def ping(self) -> None:
        """Check the token and that the channels can be read; nothing is posted."""
        await self._send("auth.test", {})
        for channel in self._channels():
            try:
                found = await self._find_in(channel, f"probe{token_hex(8)}", pages=1)
            except PermanentError as error:
                message = (
                    f"{error}; invite the bot into {channel}, and give it channels:history or groups:history"
                )
                raise PermanentError(message, error.reason) from error
            if found:
                raise PermanentError(f"Slack: a random key was found in {channel}", Reason.BAD_ANSWER)

    def _channels(self) -> list[str]:
        return list(dict.fromkeys([self._config.channel, *self._config.teams.values()]))

    async def _find_in(self, channel: str, key: str, pages: int = MOST_PAGES) -> str:
        cursor = ""
        for _ in range(pages):
            asked = {"channel": channel, "limit": str(PAGE), "include_all_metadata": "true"}
            params = {**asked, "cursor": cursor} if cursor else asked
            history = believed(await self._client.send("GET", "/conversations.history", params=params)).read(
                History
            )
            found = next((one.ts for one in history.messages if key and one.key == key), "")
            cursor = history.response_metadata.next_cursor if history.response_metadata else ""
            if found or not cursor:
                return found
        return ""

    async def _send(self, method: str, body: Mapping[str, Any]) -> Reply:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return believed(
            await self._client.send("POST", f"/{method}", body=msgspec.json.encode(body), headers=headers)
        )


def believed(reply: Reply) -> Reply:
    """Return an answer that says ok.

    Raises:
        DeliveryError: it says what went wrong, in a 200.
    """
    told = reply.read(Told)
    if told.ok:
        return reply
    needed = f" (needs {told.needed})" if told.needed else ""
    raise meaning(told.error, f"{reply.call.what} answered {told.error[:EXCERPT]}{needed}")


def meaning(word: str, message: str) -> DeliveryError:
    """Say what one of Slack's words for an error means.

    >>> meaning("ratelimited", "").reason
    <Reason.RATE_LIMITED: 'rate_limited'>
    """
    if word in {"ratelimited", "rate_limited", "message_limit_exceeded"}:
        return TemporaryError(message, Reason.RATE_LIMITED)
    if word in _TEMPORARY:
        return TemporaryError(message, Reason.SERVER_ERROR, unknown=True)
    if word in _AUTHENTICATION:
        return PermanentError(message, Reason.AUTHENTICATION)
    return PermanentError(message, Reason.NOT_FOUND if word in _NOT_FOUND else Reason.REJECTED)


def to_message(config: SlackConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into a message: blocks for the eye, a text for notifications, metadata for us."""
    head = headline(ticket, HEADLINE_LENGTH)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": plain(head)}]
    text = cut(clean(ticket.description), TEXT_LENGTH)
    if text.strip():
        blocks.append({"type": "section", "text": plain(text)})
    blocks.append({"type": "context", "elements": [plain(facts(ticket, TEXT_LENGTH))]})
    if ticket.url:
        link = {"type": "mrkdwn", "text": f"<{escaped(ticket.url).replace('|', '%7C')}|Incident in Tocsin>"}
        blocks.append({"type": "context", "elements": [link]})
    return {
        "text": escaped(head),
        "blocks": blocks,
        "metadata": {"event_type": EVENT, "event_payload": {"key": ticket.key, "version": ticket.version}},
        **render_fields(config.fields, ticket),
    }


def plain(text: str) -> dict[str, Any]:
    """Make a piece of plain text: nothing in it is markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Escape what Slack reads in every text (docs.slack.dev, "Formatting message text").

    >>> escaped("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def told_of(event: Event, reactions: Mapping[str, TicketState]) -> TicketSeen | None:
    """Translate an event into what was seen; None for what says nothing of a ticket. Bots say nothing."""
    if event.type == "reaction_added" and event.item is not None and event.reaction in reactions:
        ref = f"{event.item.channel}/{event.item.ts}"
        return TicketSeen(ref, _millis(event.event_ts), event.user, reactions[event.reaction])
    is_reply = event.type == "message" and event.thread_ts not in {"", event.ts}
    if not is_reply or event.subtype or event.bot_id:
        return None
    comment = Comment(event.ts, event.user, event.text, _millis(event.ts))
    return TicketSeen(f"{event.channel}/{event.thread_ts}", comment.at, event.user, comments=(comment,))


def _millis(ts: str) -> int:
    return round(float(ts) * 1000)
