"""Zammad through its REST API (docs.zammad.org, "REST API"): one ticket per incident.

Our key is in an attribute of tickets, made in the object manager and found by the search. Traps: the search is
Elasticsearch's, so it sees a new ticket late, and takes a word that it does not know for text to look for in
all fields: hits count only if our key is in them. A customer must exist; ``guess:`` makes one. Merged tickets
keep their number, in the state "merged". The signature of a callback is an HMAC-SHA1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions, Duration, lasting
from adapters.tickets.fields import FieldMap
from adapters.tickets.signatures import check_hmac
from adapters.tickets.zammad_tickets import (
    LINKS,
    MERGED,
    STATES,
    Me,
    Posted,
    Raw,
    Ticket,
    Word,
    to_article,
    to_changes,
    to_new,
    to_seen,
    to_told,
)
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

PAGE = 100
PAGES = 50

Attribute = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class ZammadConfig(DestinationOptions):
    """Settings of one group of a Zammad."""

    type: Literal["zammad"]
    url: Address = Field(description="Where Zammad's pages are, e.g. https://help.example.org")
    token: SecretStr = Field(
        description="Access token with ticket.agent, of an agent with full access to the group."
    )
    group: str = Field(description="Group that gets the tickets.", min_length=1)
    customer: str = Field(
        description="E-mail address of the customer of our tickets; made if it is not there."
    )
    key_field: Attribute = Field(
        default="tocsin_key", description="Text attribute of tickets that holds our key."
    )
    impact_field: Attribute | None = Field(
        default=None, description="Attribute with values high, medium, low."
    )
    urgency_field: Attribute | None = Field(
        default=None, description="Attribute with values high, medium, low."
    )
    priorities: dict[Priority, str] = Field(
        default={}, description="Others than 3 high, 3 high, 2 normal, 1 low, 1 low."
    )
    states: dict[TicketState, str] = Field(
        default={}, description="Others than new, open, open, pending reminder, closed, closed."
    )
    pending: Duration = lasting("1d", "When a ticket on hold reminds its owner.", gt=0)
    teams: dict[str, str] = Field(default={}, description="Groups of teams that have their own.")
    problem_tag: str = Field(default="problem", description="Tag of problems: Zammad has no records of them.")
    search_lag: Duration = lasting("10s", "How long the search may not see a new ticket.")
    callback_secret: SecretStr | None = Field(
        default=None, description="HMAC SHA1 signature token of the webhook."
    )
    fields: FieldMap

    def build(self, http: Http) -> Zammad:
        """Make the ticket system of these settings."""
        return Zammad(self, http)

    def word(self, state: TicketState) -> str:
        """Return the state of Zammad that stands for *state*."""
        return {**STATES, **self.states}[state]


class Zammad(Adapter):
    """The tickets of one group."""

    capabilities = frozenset(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT}

    def __init__(self, config: ZammadConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._me: Me | None = None
        self.search_lag = config.search_lag / 1000
        self._client = http.client(
            f"{self._pages}/api/v1",
            headers={"Authorization": f"Token token={token}"},
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket that has *key* in it."""
        if not re.fullmatch(r"[A-Za-z0-9]+", key):
            return None  # none of ours; it would mean something in a query
        rows = await self._search(f"{self._config.key_field}:{key}", order="asc", size=PAGE)
        hits = [row for row in rows if row.get(self._config.key_field) == key and row.get("state") != MERGED]
        return self._ref(hits[0]["id"]) if hits else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket, with its state."""
        body = to_new(self._config, ticket, self._clock())
        return self._ref((await self._send("POST", "/tickets", body)).read(Raw).id)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs; what is news to people is an article."""
        before, shown = await self._load(ref)
        changes = to_changes(self._config, ticket, action, before, shown, self._clock())
        if changes:
            after = (await self._send("PUT", f"{_path(ref)}?expand=true", changes)).read(Ticket)
            if "state" in changes and after.state != changes["state"]:
                message = f"Zammad ticket {ref.id} kept its state {after.state!r}"
                raise PermanentError(message, Reason.REJECTED)
        return self._ref(before.id)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write an internal note."""
        await self._send("POST", "/ticket_articles", {"ticket_id": int(ref.id), **to_article(note.text)})

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate two tickets: the one by its id, the other by its number."""
        number = (await self._load(other))[0].number
        body = {
            "link_type": LINKS[kind],
            "link_object_target": "Ticket",
            "link_object_target_value": int(ref.id),
            "link_object_source": "Ticket",
            "link_object_source_number": number,
        }
        await self._send("POST", "/links/add", body)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            ticket, _ = await self._load(ref)
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        return to_seen(self._config, ticket)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand the webhook of a trigger."""
        if self._config.callback_secret is None:
            raise CallbackRefused(
                "set callback_secret to the HMAC SHA1 signature token of the webhook in Zammad"
            )
        secret = self._config.callback_secret.get_secret_value()
        check_hmac(secret, call.body, call.headers.get("x-hub-signature", ""), "sha1")
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallbackRefused(f"not what a webhook of Zammad posts: {error}") from error
        own = await self._own() if posted.article is not None else Me("")
        return [to_told(self._config, posted, own)]

    async def poll(self, cursor: str) -> Polled:
        """List what changed, from the newest on; articles are told by the webhook."""
        if not cursor:
            newest = await self._search("*", order="desc", size=1, by="updated_at")
            return Polled([], newest[0]["updated_at"] if newest else "1970-01-02T00:00:00Z")
        since = datetime.fromisoformat(cursor) - timedelta(seconds=5 + self.search_lag)
        query = f"updated_at:[{since:%Y-%m-%dT%H:%M:%SZ} TO *] AND _exists_:{self._config.key_field}"
        found: dict[int, Ticket] = {}
        for number in range(1, PAGES + 1):
            rows = await self._search(query, order="desc", size=PAGE, by="updated_at", page=number)
            found |= {
                row["id"]: msgspec.convert(row, Ticket) for row in rows if row.get(self._config.key_field)
            }
            if len(rows) < PAGE:
                break
        seen = sorted((to_seen(self._config, ticket) for ticket in found.values()), key=lambda one: one.at)
        newest_at = max(
            (ticket.updated_at for ticket in found.values()), default=datetime.fromisoformat(cursor)
        )
        return Polled(seen, newest_at.isoformat())

    async def ping(self) -> None:
        """Check the token, the group, and that a search for nothing finds nothing."""
        self._me = None
        await self._own()
        groups = {one.name for one in (await self._client.send("GET", "/groups")).read(list[Word])}
        wanted = [self._config.group, *self._config.teams.values()]
        missing = [
            f"there is no group {name!r}, or we may not see it" for name in wanted if name not in groups
        ]
        if missing:
            raise PermanentError(f"Zammad: {'; '.join(missing)}", Reason.REJECTED)
        if await self._search(f"{self._config.key_field}:probe{token_hex(8)}", order="asc", size=1):
            message = (
                f"Zammad: a search for a random {self._config.key_field} found tickets; make that attribute"
            )
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _own(self) -> Me:
        if self._me is None:
            self._me = (await self._client.send("GET", "/users/me")).read(Me)
        return self._me

    async def _search(
        self, query: str, *, order: str, size: int, by: str = "created_at", page: int = 1
    ) -> list[dict[str, Any]]:
        params = {
            "query": query,
            "expand": "true",
            "sort_by": by,
            "order_by": order,
            "page": str(page),
            "per_page": str(size),
        }
        reply = await self._client.send("GET", "/tickets/search", params=params)
        reply.read(list[Ticket])  # so that no other shape is believed
        return reply.read(list[dict[str, Any]])

    async def _load(self, ref: TicketRef) -> tuple[Ticket, dict[str, Any]]:
        reply = await self._client.send("GET", _path(ref), params={"expand": "true"})
        return reply.read(Ticket), reply.read(dict[str, Any])

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode(body))

    def _ref(self, id_: int) -> TicketRef:
        return TicketRef(str(id_), f"{self._pages}/#ticket/zoom/{id_}")


def _path(ref: TicketRef) -> str:
    return f"/tickets/{quote(ref.id, safe='')}"
