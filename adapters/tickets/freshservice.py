"""Freshservice through its REST API version 2 (api.freshservice.com).

Our key is in a tag: of texts the filter of tickets takes those, not custom fields. Traps: the filter may lag, so
``search_lag`` can be set; a list shows no tags, so a hit is looked at once more; writing ``tags`` writes all of them;
a ticket in the trash is still shown; agents and groups are numbers; with a priority matrix Freshservice computes the
priority itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import aiohttp
import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions, Duration, lasting
from adapters.tickets.fields import FieldMap, StateFields, render_fields, state_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.polling import OVERLAP, PAGE, PAGES, polled, since
from adapters.tickets.priorities import priority_of
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import one_line, to_html_within, with_link
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import to_text

SUBJECT_LENGTH = 255
HTML_BYTES = 200_000
KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
LEVELS = {Level.LOW: 1, Level.MEDIUM: 2, Level.HIGH: 3}
PRIORITIES = {Priority.P1: 4, Priority.P2: 3, Priority.P3: 2, Priority.P4: 1, Priority.P5: 1}
STATES = {
    TicketState.OPEN: 2,
    TicketState.ACKNOWLEDGED: 2,
    TicketState.IN_PROGRESS: 2,
    TicketState.ON_HOLD: 3,
    TicketState.RESOLVED: 4,
    TicketState.CLOSED: 5,
}
SENT = {
    "subject",
    "description",
    "requester",
    "status",
    "priority",
    "impact",
    "urgency",
    "source",
    "ticket_type",
}
"""Fields of the form that every ticket of ours has."""

TagPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$", max_length=20)]


class FreshserviceConfig(DestinationOptions):
    """Settings of one Freshservice account."""

    type: Literal["freshservice"]
    url: Address = Field(description="The account, e.g. https://acme.freshservice.com")
    api_key: SecretStr = Field(description="Of an agent that may see and edit all tickets.")
    requester: str = Field(description="E-mail address in whose name tickets are.", min_length=3)
    tag_prefix: TagPrefix = Field(default="tocsin-", description="What stands before our key in the tag.")
    priorities: dict[Priority, int] = Field(default={}, description="Others than 4, 3, 2, 1, 1.")
    states: dict[TicketState, int] = Field(default={}, description="Statuses, others than 2, 2, 2, 3, 4, 5.")
    closed: tuple[int, ...] = Field(default=(), description="More statuses in which a ticket is over.")
    state_fields: StateFields
    teams: dict[str, int] = Field(default={}, description="Group id of each team.")
    group: int | None = Field(default=None, description="Group id for all other teams.")
    search_lag: Duration = lasting("30s", "How long the filter may not see a new ticket.")
    callback_secret: SecretStr | None = Field(default=None, description="What the workflow automator sends.")
    fields: FieldMap

    def build(self, http: Http) -> Freshservice:
        """Make the ticket system of these settings."""
        return Freshservice(self, http)

    def state(self, word: int) -> TicketState | None:
        """Return what a status means."""
        closed = TicketState.CLOSED if word in self.closed else None
        return state_of(word, {**STATES, **self.states}) or closed


class Ticket(msgspec.Struct):
    """A ticket as Freshservice shows it; tags only where they were asked for."""

    id: int
    status: int = 0
    updated_at: str = ""
    priority: int | None = None
    subject: str | None = None
    responder_id: int | None = None
    group_id: int | None = None
    tags: list[str] = []
    deleted: bool = False


class One(msgspec.Struct):
    """An answer with a ticket."""

    ticket: Ticket


class Many(msgspec.Struct):
    """An answer with tickets."""

    tickets: list[Ticket]


class Person(msgspec.Struct):
    """An agent or a group."""

    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None


class Asked(msgspec.Struct):
    """An answer with an agent or a group."""

    agent: Person | None = None
    group: Person | None = None


class FormField(msgspec.Struct):
    """A field of the ticket form."""

    name: str
    required_for_agents: bool = False


class Form(msgspec.Struct):
    """The ticket form."""

    ticket_fields: list[FormField]


class Freshservice(Adapter):
    """The tickets of one account."""

    capabilities = frozenset(Capability) - {
        Capability.ATTACH,
        Capability.IDEMPOTENT,
        Capability.LINK,
        Capability.PROBLEM,
    }

    def __init__(self, config: FreshserviceConfig, http: Http) -> None:
        key = config.api_key.get_secret_value()
        login = aiohttp.encode_basic_auth(key, "X")
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._names: dict[str, str] = {}
        self.search_lag = config.search_lag / 1000
        self._client = http.client(
            f"{self._pages}/api/v2",
            headers={"Authorization": login},
            secrets=[key, login.split()[1]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket that has our tag."""
        if not KEY.fullmatch(key):
            return None  # no key of ours: it would be another query
        tag = self._config.tag_prefix + key
        params = {"query": f"\"tag:'{tag}'\""}
        found = (await self._client.send("GET", "/tickets/filter", params=params)).read(Many).tickets
        for one in sorted(found, key=lambda one: one.id):
            if tag in (await self._load(TicketRef(str(one.id)))).tags:
                return self._ref(one)
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket."""
        made = (await self._send("POST", "/tickets", to_new(self._config, ticket))).read(One).ticket
        ref = self._ref(made)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._write(ref, to_state(self._config, ticket, ticket.state))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the ticket and its status."""
        shown = await self._load(ref)
        if shown.deleted:
            raise PermanentError(f"Freshservice ticket {ref.id} is in the trash", Reason.NOT_FOUND)
        changes = to_fields(self._config, ticket)
        wanted = wanted_state(action, ticket.state, self._config.state(shown.status))
        if wanted is not None:
            changes |= to_state(self._config, ticket, wanted)
        await self._write(ref, changes)
        return self._ref(shown)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a private note."""
        body = {"body": to_html_within(note.text, HTML_BYTES), "private": True}
        await self._send("POST", f"{_path(ref)}/notes", body)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            return await self._seen(await self._load(ref))
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what the workflow automator posts."""
        news = told(call, self._config.callback_secret)
        words = {**STATES, **self._config.states}
        states = {str(word): self._config.state(word) for word in [*words.values(), *self._config.closed]}
        numbers = {**PRIORITIES, **self._config.priorities}
        priorities = {str(number): priority_of(number, numbers) for number in numbers.values()}
        return [news.seen(call, states, priorities)]

    async def poll(self, cursor: str) -> Polled:
        """List what changed."""
        if not cursor:
            newest = {"per_page": "1", "order_by": "updated_at", "order_type": "desc"}
            rows = (await self._client.send("GET", "/tickets", params=newest)).read(Many).tickets
            now = int(self._clock() * 1000)
            return polled("", [], (await self._seen(rows[0])).at if rows else now)
        from_ = to_text(max(0, since(cursor) - OVERLAP))[:19] + "Z"
        rows = []
        for page in range(1, PAGES + 1):
            params = {"updated_since": from_, "per_page": str(PAGE), "page": str(page), "order_type": "asc"}
            got = (await self._client.send("GET", "/tickets", params=params)).read(Many).tickets
            rows += got
            if len(got) < PAGE:
                break
        return polled(cursor, [await self._seen(row) for row in rows], 0)

    async def ping(self) -> None:
        """Check credentials and required fields, and that a search for nothing finds nothing."""
        form = (await self._client.send("GET", "/ticket_form_fields")).read(Form)
        missing = what_is_missing(self._config, form)
        if missing:
            message = f"Freshservice: the ticket form requires {', '.join(missing)}; set them in fields"
            raise PermanentError(message, Reason.REJECTED)
        params = {"query": f"\"tag:'{self._config.tag_prefix}probe{token_hex(8)}'\""}
        if (await self._client.send("GET", "/tickets/filter", params=params)).read(Many).tickets:
            raise PermanentError("Freshservice: a search for a random tag found tickets", Reason.BAD_ANSWER)

    async def _load(self, ref: TicketRef) -> Ticket:
        return (await self._client.send("GET", _path(ref), params={"include": "tags"})).read(One).ticket

    async def _write(self, ref: TicketRef, changes: Mapping[str, Any]) -> None:
        status = (await self._send("PUT", _path(ref), changes)).read(One).ticket.status
        if changes.get("status", status) != status:
            raise PermanentError(f"Freshservice {ref.id} stayed in status {status}", Reason.REJECTED)

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode(body))

    async def _seen(self, row: Ticket) -> TicketSeen:
        return TicketSeen(
            id=str(row.id),
            at=shown_moment(f"Freshservice {row.id}", row.updated_at),
            state=self._config.state(row.status),
            title=row.subject,
            priority=priority_of(row.priority, {**PRIORITIES, **self._config.priorities}),
            assignee=await self._holder(row),
            is_deleted=row.deleted,
        )

    async def _holder(self, row: Ticket) -> str:
        if row.responder_id is not None:
            return await self._name(f"/agents/{row.responder_id}", str(row.responder_id))
        return "" if row.group_id is None else await self._name(f"/groups/{row.group_id}", str(row.group_id))

    async def _name(self, path: str, number: str) -> str:
        """Return the name behind a number, asked once; the number itself where we may not know."""
        if path not in self._names:
            try:
                asked = (await self._client.send("GET", path)).read(Asked)
            except PermanentError:
                return number
            who = asked.agent or asked.group or Person()
            self._names[path] = who.name or f"{who.first_name or ''} {who.last_name or ''}".strip() or number
        return self._names[path]

    def _ref(self, ticket: Ticket) -> TicketRef:
        return TicketRef(str(ticket.id), f"{self._pages}/a/tickets/{ticket.id}")


def to_new(config: FreshserviceConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what Freshservice creates."""
    group = config.teams.get(ticket.team, config.group)
    return {
        "email": config.requester,
        "type": "Incident",
        "source": 2,
        "status": {**STATES, **config.states}[TicketState.OPEN],
        "tags": [config.tag_prefix + ticket.key],
        **({"group_id": group} if group is not None else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: FreshserviceConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    return {
        "subject": one_line(ticket.title, SUBJECT_LENGTH),
        "description": to_html_within(with_link(ticket), HTML_BYTES) or "-",
        "priority": {**PRIORITIES, **config.priorities}[ticket.priority],
        "impact": LEVELS[ticket.impact],
        "urgency": LEVELS[ticket.urgency],
        **render_fields(config.fields, ticket),
    }


def to_state(config: FreshserviceConfig, ticket: DesiredTicket, state: TicketState) -> dict[str, Any]:
    """Return the fields that make a state."""
    word = {**STATES, **config.states}[state]
    return {"status": word, **state_fields({}, config.state_fields, ticket, state)}


def what_is_missing(config: FreshserviceConfig, form: Form) -> list[str]:
    """List the fields that the form requires and nobody sets."""
    custom = config.fields.get("custom_fields", {})
    given = {*SENT, *config.fields, *(custom if isinstance(custom, dict) else ())}
    return sorted(one.name for one in form.ticket_fields if one.required_for_agents and one.name not in given)


def _path(ref: TicketRef) -> str:
    return f"/tickets/{quote(ref.id, safe='')}"
