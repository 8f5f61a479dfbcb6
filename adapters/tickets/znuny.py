"""Znuny 6 and 7, and OTRS 6, through a web service of their Generic Interface (HTTP::REST).

Addresses are whatever the web service says: the one in docs/destinations/znuny.md takes all by POST. The stock
one does not do, as it searches by GET, where the filter is ignored and every ticket is found. Every error is a
200 with an ``Error``; a ticket that is not there is "access denied", like one that we may not see. Dynamic
fields in an update that has an article are taken for the article's. Times are in the server's time zone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http
from adapters.tickets.base import Adapter, Address, DestinationOptions, Duration, Settings, lasting
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.moments import TimeZone
from adapters.tickets.session import Session
from adapters.tickets.states import wanted_state
from adapters.tickets.text import clean, one_line, with_link
from adapters.tickets.znuny_callbacks import check_caller, to_heard
from adapters.tickets.znuny_tickets import (
    LEVELS,
    PRIORITIES,
    STATES,
    Answer,
    Failure,
    Found,
    Opened,
    Row,
    Shown,
    Words,
    Written,
    to_seen,
)
from domain.errors import DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketKind, TicketSeen, TicketState

TITLE = 255  # of the column title
MOST_HITS = 10
"""More tickets with one key than this are a search that ignores its filter."""
PAGE = 100
OVERLAP = timedelta(seconds=5)
"""What a poll looks at again: a change is seen only when its transaction is through."""
PREFIX = "DynamicField_"

T = TypeVar("T", bound="Answer")


DynamicField = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]
Route = Annotated[str, StringConstraints(pattern=r"^/[^?#:]*$")]


class Routes(Settings):
    """Where the web service has its operations, each by POST with a JSON body."""

    session_create: Route = "/SessionCreate"
    ticket_create: Route = "/TicketCreate"
    ticket_update: Route = "/TicketUpdate"
    ticket_get: Route = "/TicketGet"
    ticket_search: Route = "/TicketSearch"


class ZnunyConfig(DestinationOptions):
    """Settings of a Znuny."""

    type: Literal["znuny"]
    url: Address = Field(
        description="Of the web service: https://desk.example.org/otrs/nph-genericinterface.pl/Webservice/Tocsin"
    )
    username: str = Field(description="Login of an agent that may do all (rw) in the queues.")
    password: SecretStr
    routes: Routes = Routes()
    queue: str = Field(description="Where new tickets go.")
    teams: dict[str, str] = Field(default={}, description="Queue of a team's new tickets instead.")
    customer_user: str = Field(description="Customer user whose tickets they are; Znuny demands one.")
    key_field: DynamicField = Field(
        default="TocsinKey", description="Ticket dynamic field, of type text, that holds our key."
    )
    types: dict[TicketKind, str] = Field(
        default={}, description="Ticket type of incident and problem, where the server uses types."
    )
    priorities: dict[Priority, str] = Field(default={}, description="Others than 5 very high … 1 very low.")
    impact_field: DynamicField | None = Field(default=None, description="Like ITSMImpact.")
    urgency_field: DynamicField | None = Field(default=None, description="Dynamic field for the urgency.")
    impacts: dict[Level, str] = Field(
        default={}, description="Others than 5 very high, 3 normal, 1 very low."
    )
    urgencies: dict[Level, str] = Field(
        default={}, description="Others than 5 very high, 3 normal, 1 very low."
    )
    states: dict[TicketState, str] = Field(
        default={},
        description="Others than new, open (acknowledged, in_progress), pending reminder, closed successful.",
    )
    pending: Duration = lasting("1d", "Until when a ticket on hold is pending.", gt=0)
    time_zone: TimeZone = Field(default="UTC", description="Of the server: its setting OTRSTimeZone.")
    callback_secret: SecretStr | None = Field(
        default=None,
        description="Password of the requester's basic authentication, or what its header X-Tocsin-Secret holds.",
    )
    fields: FieldMap

    def build(self, http: Http) -> Znuny:
        """Make the ticket system of these settings."""
        return Znuny(self, http)

    @property
    def words(self) -> Words:
        """How the server's words are read."""
        zone = ZoneInfo(self.time_zone)
        return Words(self.key_field, {**STATES, **self.states}, {**PRIORITIES, **self.priorities}, zone)


class Znuny(Adapter):
    """The tickets of one web service."""

    capabilities = frozenset(
        set(Capability) - {Capability.LINK, Capability.IDEMPOTENT, Capability.PROBLEM},
    )

    def __init__(self, config: ZnunyConfig, http: Http) -> None:
        password = config.password.get_secret_value()
        self._config = config
        self._words = config.words
        self._clock = http.clock
        self._pages = str(config.url).partition("/nph-genericinterface.pl")[0]
        self._session = Session(self._login)
        quoted = msgspec.json.encode(password)[1:-1].decode()
        self._client = http.client(
            str(config.url).rstrip("/"), secrets=[password, quoted], timeout=config.timeout_seconds
        )
        if TicketKind.PROBLEM in config.types:
            self.capabilities = Znuny.capabilities | {Capability.PROBLEM}

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket that has *key* in it."""
        if not key.isalnum():
            return None  # none of ours; Znuny might take it for a pattern
        rows = await self._rows(await self._search(key))
        return next((self._ref(str(row.id)) for row in rows if self._words.key(row) == key), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket."""
        made = await self._ask(self._config.routes.ticket_create, to_new(self._config, ticket), Written)
        return self._ref(str(made.id))

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs; tell people what they would miss. The dynamic fields go apart, see above."""
        row = await self._row(ref)
        changes = to_changes(self._config, ticket, action, row)
        if is_news(action, changes):
            article = {"Article": to_article(ticket.title, with_link(ticket))}
            await self._write(ref, ({"Ticket": changes} if changes else {}) | article)
        elif changes:
            await self._write(ref, {"Ticket": changes})
        levels = [
            one
            for one in to_levels(self._config, ticket)
            if self._words.value(row, one["Name"]) != one["Value"]
        ]
        if levels:
            await self._write(ref, {"DynamicField": levels})
        return self._ref(ref.id)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add an article that customers do not see."""
        await self._write(ref, {"Article": to_article("Tocsin", clean(note.text))})

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Add an article with a file."""
        file = {"Content": b64encode(content).decode(), "ContentType": media_type, "Filename": name}
        await self._write(ref, {"Article": to_article(name, name), "Attachment": [file]})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        now = int(self._clock() * 1000)
        try:
            rows = await self._rows([ref.id])
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            rows = []
        return to_seen(rows[0], self._words) if rows else TicketSeen(ref.id, now, is_deleted=True)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what the invoker Ticket::Generic posted."""
        check_caller(self._config.callback_secret, call.headers)
        return to_heard(call, self._words)

    async def poll(self, cursor: str) -> Polled:
        """List those of our tickets that were changed, in the server's own time."""
        if not cursor:
            rows = await self._rows(await self._changed({"OrderBy": "Down", "Limit": 1}))
            long_ago = "2000-01-01 00:00:00"
            return Polled((), rows[0].changed if rows else long_ago)
        limit, full, last = PAGE, True, cursor
        rows = []
        while full and last == cursor:  # so many in one second that the cursor would not move
            since = {"TicketLastChangeTimeNewerDate": cursor, "OrderBy": "Up", "Limit": limit}
            rows = await self._rows(await self._changed(since))
            full, last = len(rows) >= limit, max((row.changed for row in rows), default=cursor)
            limit *= 2
        seen = [to_seen(row, self._words) for row in rows if self._words.key(row)]
        return Polled(seen, last if full else max(cursor, before(last)))

    async def ping(self) -> None:
        """Check the login, and that a search heeds our field."""
        if await self._search(f"probe{token_hex(8)}"):
            raise self._unfiltered("a search for a random key found tickets")

    async def _login(self) -> str:
        login = {"UserLogin": self._config.username, "Password": self._config.password.get_secret_value()}
        opened = await self._post(self._config.routes.session_create, login, Opened)
        if not opened.session:
            raise PermanentError("Znuny answered a login without a SessionID", Reason.BAD_ANSWER)
        return opened.session

    async def _search(self, key: str) -> Sequence[str]:
        query = {
            f"{PREFIX}{self._config.key_field}": {"Equals": key},
            "OrderBy": "Up",
            "Limit": MOST_HITS + 1,
        }
        ids = await self._hits(query)
        if len(ids) > MOST_HITS:
            raise self._unfiltered(f"a search for one key found more than {MOST_HITS} tickets")
        return ids

    async def _changed(self, query: Mapping[str, Any]) -> Sequence[str]:
        ours = {f"{PREFIX}{self._config.key_field}": {"Empty": 0}, "SortBy": "Changed"}
        return await self._hits({**ours, **query})

    async def _hits(self, query: Mapping[str, Any]) -> Sequence[str]:
        archived = {"SearchInArchive": "AllTickets"}
        found = await self._look(self._config.routes.ticket_search, {**archived, **query}, Found)
        return [str(id_) for id_ in found.ids]

    async def _rows(self, ids: Sequence[str]) -> list[Row]:
        """Read tickets, in the order of *ids*."""
        rows: list[Row] = []
        for start in range(0, len(ids), PAGE):
            wanted = {"TicketID": list(ids[start : start + PAGE]), "DynamicFields": 1}
            rows += (await self._look(self._config.routes.ticket_get, wanted, Shown)).rows
        return rows

    async def _row(self, ref: TicketRef) -> Row:
        rows = await self._rows([ref.id])
        if not rows or to_seen(rows[0], self._words).is_deleted:
            raise PermanentError(f"Znuny ticket {ref.id} is not there any more", Reason.NOT_FOUND)
        return rows[0]

    async def _write(self, ref: TicketRef, body: Mapping[str, Any]) -> None:
        await self._ask(self._config.routes.ticket_update, {"TicketID": ref.id, **body}, Written)

    async def _look(self, route: str, body: Mapping[str, Any], shape: type[T]) -> T:
        """Ask for what changes nothing, though it is a POST."""
        try:
            return await self._ask(route, body, shape)
        except DeliveryError as error:
            error.unknown = False
            raise

    async def _ask(self, route: str, body: Mapping[str, Any], shape: type[T]) -> T:
        request: Callable[[str], Awaitable[T]] = lambda session: self._post(  # noqa: E731 - typed
            route, {"SessionID": session, **body}, shape
        )
        return await self._session.call(request)

    async def _post(self, route: str, body: Mapping[str, Any], shape: type[T]) -> T:
        reply = await self._client.send("POST", route, body=msgspec.json.encode(body))
        reply.read(dict[str, msgspec.Raw])  # one that was cut short is no answer, whatever it has in it
        answer = reply.read(shape)
        if answer.error is not None:
            raise what_failed(answer.error, body)
        if isinstance(answer, Written) and not answer.id:
            raise reply.call.bad_answer(PermanentError, "no TicketID", reply.body)
        return answer

    def _unfiltered(self, what: str) -> PermanentError:
        message = (
            f"Znuny: {what}: the route of TicketSearch is not by POST, or there is no dynamic field"
            f" {self._config.key_field!r} of tickets; import the web service of the documentation, add the field"
        )
        return PermanentError(message, Reason.BAD_ANSWER)

    def _ref(self, id_: str) -> TicketRef:
        return TicketRef(id_, f"{self._pages}/index.pl?Action=AgentTicketZoom;TicketID={id_}")


def to_new(config: ZnunyConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what Znuny creates."""
    extra = render_fields(config.fields, ticket)
    values = {name.removeprefix(PREFIX): value for name, value in extra.items() if name.startswith(PREFIX)}
    dynamic = {one["Name"]: one["Value"] for one in to_levels(config, ticket)} | values
    kind = {"Type": config.types[ticket.kind]} if ticket.kind in config.types else {}
    return {
        "Ticket": {
            "Title": one_line(ticket.title, TITLE),
            "Queue": config.teams.get(ticket.team, config.queue),
            "CustomerUser": config.customer_user,
            "Priority": config.words.priorities[ticket.priority],
            **kind,
            **to_state(config, ticket.state),
            **{name: value for name, value in extra.items() if not name.startswith(PREFIX)},
        },
        "Article": to_article(ticket.title, with_link(ticket)),
        "DynamicField": [
            {"Name": name, "Value": value}
            for name, value in {**dynamic, config.key_field: ticket.key}.items()
        ],
    }


def to_changes(config: ZnunyConfig, ticket: DesiredTicket, action: TicketAction, now: Row) -> dict[str, Any]:
    """Return what of *ticket* is not shown. The state is people's too: few actions touch it."""
    changes: dict[str, Any] = {}
    words = config.words
    if one_line(ticket.title, TITLE) != now.title:
        changes["Title"] = one_line(ticket.title, TITLE)
    if words.priorities[ticket.priority] != now.priority:
        changes["Priority"] = words.priorities[ticket.priority]
    state = wanted_state(action, ticket.state, words.state(now))
    if state is not None and words.states[state] != now.state:
        changes |= to_state(config, state)
    return changes


def to_state(config: ZnunyConfig, state: TicketState) -> dict[str, Any]:
    """Return the state, and until when it is pending if it is."""
    until = (
        {"PendingTime": {"Diff": max(1, config.pending // 60_000)}} if state is TicketState.ON_HOLD else {}
    )
    return {"State": config.words.states[state], **until}


def to_levels(config: ZnunyConfig, ticket: DesiredTicket) -> list[dict[str, str]]:
    """Return the dynamic fields for impact and urgency."""
    levels = [
        (config.impact_field, {**LEVELS, **config.impacts}[ticket.impact]),
        (config.urgency_field, {**LEVELS, **config.urgencies}[ticket.urgency]),
    ]
    return [{"Name": name, "Value": value} for name, value in levels if name is not None]


def to_article(subject: str, text: str) -> dict[str, Any]:
    """Make an article that customers do not see. Plain text needs no escaping: Znuny does that."""
    return {
        "CommunicationChannel": "Internal",
        "SenderType": "agent",
        "IsVisibleForCustomer": 0,
        "From": "Tocsin",
        "Subject": one_line(subject, TITLE) or "Tocsin",
        "Body": text or "-",
        "ContentType": "text/plain; charset=utf8",
    }


def is_news(action: TicketAction, changes: Mapping[str, Any]) -> bool:
    """Tell whether people should get the description again: resolved, back, or more or less urgent."""
    return (action is not TicketAction.UPDATE and "State" in changes) or "Priority" in changes


def before(moment: str) -> str:
    """Return a little earlier, as Znuny writes it.

    >>> before("2026-01-01 00:00:03")
    '2025-12-31 23:59:58'
    """
    return str(datetime.fromisoformat(moment) - OVERLAP)


def what_failed(failure: Failure, body: Mapping[str, Any]) -> PermanentError:
    """Make the error of an ``Error``; a ticket that is not there is one that we may not see."""
    message = f"Znuny answered {failure.code}: {failure.message}"
    if failure.code.endswith("AuthFail"):
        return PermanentError(message, Reason.AUTHENTICATION)
    if failure.code.endswith("AccessDenied"):
        return PermanentError(message, Reason.NOT_FOUND if "TicketID" in body else Reason.AUTHENTICATION)
    return PermanentError(message, Reason.REJECTED)
