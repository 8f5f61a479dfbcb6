"""Zendesk Support through its REST API version 2 (developer.zendesk.com, "Ticketing").

Our key is in ``external_id``, which has a list of its own that does not lag. Traps: ``closed`` is final, so an
incident that is back gets a follow-up ticket; a description is the first comment and cannot be rewritten; a ticket
that nobody is assigned to may not be solvable; solving a problem solves its incidents; the export of changes shows
nothing of the last minute and wants an administrator; without credentials one is an anonymous user, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec.structs import replace
from pydantic import Field, SecretStr

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, StateFields, state_fields
from adapters.tickets.signatures import check_base64_hmac
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import with_link
from adapters.tickets.zendesk_tickets import (
    ALSO,
    CLOSED,
    STATES,
    Many,
    Me,
    One,
    Posted,
    Ticket,
    Uploaded,
    names,
    private,
    to_fields,
    to_new,
    to_news,
    to_seen,
)
from domain.errors import CallbackRefused, DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

PAGES = 8
"""Pages of changes that one poll asks for: Zendesk allows ten a minute."""
SINCE = 120
"""Seconds: where polling begins must be more than a minute ago."""


class ZendeskConfig(DestinationOptions):
    """Settings of one Zendesk account."""

    type: Literal["zendesk"]
    url: Address = Field(description="The account, e.g. https://acme.zendesk.com")
    email: str | None = Field(
        default=None, description="Agent whose API token it is; without it the token is OAuth's."
    )
    token: SecretStr = Field(description="API token, or OAuth access token.")
    priorities: dict[Priority, str] = Field(
        default={}, description="Others than urgent, high, normal, low, low."
    )
    states: dict[TicketState, str] = Field(
        default={}, description="Statuses, others than open, open, open, hold, solved, solved."
    )
    state_fields: StateFields
    teams: dict[str, int] = Field(default={}, description="Group id of each team.")
    group: int | None = Field(default=None, description="Group id for all other teams.")
    tags: list[str] = Field(default=["tocsin"], description="Tags of new tickets.")
    callback_secret: SecretStr | None = Field(
        default=None, description="Signing secret of the webhook in Zendesk."
    )
    fields: FieldMap

    def build(self, http: Http) -> Zendesk:
        """Make the ticket system of these settings."""
        return Zendesk(self, http)

    def word(self, state: TicketState) -> str:
        """Return the status that stands for *state*."""
        return {**STATES, **self.states}[state]

    def state(self, word: str) -> TicketState | None:
        """Return what a status means."""
        return state_of(word, {**STATES, **self.states}) or ALSO.get(word)


class Zendesk(Adapter):
    """The tickets of one account."""

    capabilities = frozenset(Capability) - {Capability.IDEMPOTENT}

    def __init__(self, config: ZendeskConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        login = f"Bearer {token}"
        if config.email is not None:
            login = aiohttp.encode_basic_auth(f"{config.email}/token", token)
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._me = ""
        self._client = http.client(
            f"{self._pages}/api/v2",
            headers={"Authorization": login},
            secrets=[token, login.split()[1]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the newest ticket that has *key*, one that is not closed before others."""
        if not key:
            return None  # it would be a list of all
        reply = await self._client.send("GET", "/tickets.json", params={"external_id": key})
        found = [one for one in reply.read(Many).tickets if one.external_id == key]
        found.sort(key=lambda one: (one.status != CLOSED, one.id))
        return self._ref(found[-1].id) if found else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket, with a key that makes a copy of the request harmless for two hours."""
        return await self._open(ticket, to_new(self._config, ticket))

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the ticket and its status. Nothing of a closed one can be written: back again it has a follow-up."""
        shown = await self._load(ref)
        now = self._config.state(shown.status)
        if shown.status == CLOSED:
            return await self._followed(ref, ticket) if action is TicketAction.REOPEN else ref
        changes = to_fields(self._config, ticket)
        wanted = wanted_state(action, ticket.state, now)
        if wanted is not None:
            changes |= await self._to_state(ticket, wanted, shown)
            changes |= {"comment": private(with_link(ticket))}
        await self._write(ref, changes)
        return self._ref(shown.id)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a private comment."""
        await self._write(ref, {"comment": private(note.text)})

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Name the problem, which Zendesk knows; a parent it does not, so that is a tag."""
        if kind is LinkKind.CAUSED_BY:
            await self._write(ref, {"problem_id": int(other.id), "type": "incident"})
        else:
            tags = msgspec.json.encode({"tags": [f"child_of_{other.id}"]})
            await self._client.send("PUT", f"{_path(ref)}/tags.json", body=tags)

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Upload a file, and name it in a private comment."""
        reply = await self._client.send(
            "POST",
            "/uploads.json",
            params={"filename": name},
            body=content,
            headers={"Content-Type": media_type},
        )
        token = reply.read(Uploaded).upload.token
        await self._write(ref, {"comment": {**private(name), "uploads": [token]}})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            reply = await self._client.send("GET", f"{_path(ref)}.json", params={"include": "users,groups"})
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        shown = reply.read(One)
        return to_seen(self._config, shown.ticket, names(shown))

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook that is connected to ticket events."""
        if self._config.callback_secret is None:
            raise CallbackRefused("set callback_secret to the signing secret of the webhook in Zendesk")
        stamp = call.headers.get("x-zendesk-webhook-signature-timestamp", "")
        check_base64_hmac(
            self._config.callback_secret.get_secret_value(),
            stamp.encode(errors="replace") + call.body,
            call.headers.get("x-zendesk-webhook-signature", ""),
        )
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
            seen = to_news(self._config, posted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise CallbackRefused(f"not what a webhook of Zendesk posts: {error}") from error
        said = posted.event.comment
        if said is not None and str(said.author.id) == await self._own_id():
            seen = replace(seen, comments=())
        return [seen]

    async def poll(self, cursor: str) -> Polled:
        """List our tickets that changed, from the export of changes."""
        if not cursor:
            return Polled((), f"from {int(self._clock()) - SINCE}")
        seen: list[TicketSeen] = []
        for _ in range(PAGES):
            start = {"start_time": cursor.removeprefix("from ")}
            params = start if cursor.startswith("from ") else {"cursor": cursor}
            reply = await self._client.send(
                "GET", "/incremental/tickets/cursor.json", params={**params, "include": "users,groups"}
            )
            page = reply.read(Many)
            ours = [one for one in page.tickets if one.external_id]
            seen += [to_seen(self._config, one, names(page)) for one in ours]
            cursor = page.after_cursor or cursor
            if page.end_of_stream:
                break
        return Polled(seen, cursor)

    async def ping(self) -> None:
        """Check credentials and role, and that a search for nothing finds nothing."""
        me = (await self._client.send("GET", "/users/me.json")).read(Me).user
        if me.id is None:
            raise PermanentError(
                "Zendesk takes us for an anonymous user: check email and token", Reason.AUTHENTICATION
            )
        if me.role == "end-user":
            raise PermanentError(
                f"Zendesk: {me.name} is an end user; make an agent of it", Reason.AUTHENTICATION
            )
        if me.role != "admin" and self._config.poll is not None:
            message = f"Zendesk: {me.name} may not list changes; make it an administrator, or set poll: null"
            raise PermanentError(message, Reason.REJECTED)
        if await self.find(f"probe{token_hex(8)}") is not None:
            raise PermanentError("Zendesk: a list by a random external_id has tickets", Reason.BAD_ANSWER)

    async def _open(self, ticket: DesiredTicket, new: Mapping[str, Any]) -> TicketRef:
        body = msgspec.json.encode({"ticket": new})
        key = {"Idempotency-Key": f"{ticket.key}-{sha256(body).hexdigest()[:16]}"}
        made = (await self._client.send("POST", "/tickets.json", body=body, headers=key)).read(One).ticket
        ref = self._ref(made.id)
        if made.external_id != ticket.key:
            raise PermanentError(f"Zendesk made {made.id} but did not keep its external_id", Reason.REJECTED)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._write(ref, await self._to_state(ticket, ticket.state, made))
        return ref

    async def _followed(self, ref: TicketRef, ticket: DesiredTicket) -> TicketRef:
        """Open a follow-up of a closed ticket, unless that was done before."""
        found = await self.find(ticket.key)
        if found is not None and found.id != ref.id:
            return found
        return await self._open(
            ticket, {**to_new(self._config, ticket), "via_followup_source_id": int(ref.id)}
        )

    async def _load(self, ref: TicketRef) -> Ticket:
        return (await self._client.send("GET", f"{_path(ref)}.json")).read(One).ticket

    async def _to_state(self, ticket: DesiredTicket, state: TicketState, shown: Ticket) -> dict[str, Any]:
        changes = {
            "status": self._config.word(state),
            **state_fields({}, self._config.state_fields, ticket, state),
        }
        if state.is_over and shown.assignee_id is None and "assignee_id" not in changes:
            changes["assignee_id"] = int(await self._own_id(ask=True))
        return changes

    async def _write(self, ref: TicketRef, changes: Mapping[str, Any]) -> Reply:
        reply = await self._client.send(
            "PUT", f"{_path(ref)}.json", body=msgspec.json.encode({"ticket": changes})
        )
        status = reply.read(One).ticket.status
        if changes.get("status", status) != status:
            raise PermanentError(f"Zendesk {ref.id} stayed {status}", Reason.REJECTED)
        return reply

    async def _own_id(self, *, ask: bool = False) -> str:
        """Who we are, asked once. Where it only helps to know, not to be told is no trouble."""
        if not self._me:
            try:
                self._me = str((await self._client.send("GET", "/users/me.json")).read(Me).user.id)
            except DeliveryError:
                if ask:
                    raise
        return self._me

    def _ref(self, id_: int) -> TicketRef:
        return TicketRef(str(id_), f"{self._pages}/agent/tickets/{id_}")


def _path(ref: TicketRef) -> str:
    return f"/tickets/{quote(ref.id, safe='')}"
