"""ServiceNow through its Table API (release Australia, "Table API" in the vendor's REST reference).

Our key is in ``correlation_id``. Traps: nothing is unique; a part of a query that the instance does not like is
left out and the rest is run, so a hit counts only if the key is in it; fields that we may not write are left out
of a write without an error, so the answer is compared; texts that are too long are cut; a closed incident cannot
be reopened, so another is made; ``priority`` is computed from impact and urgency; ``[code]`` in a journal is HTML.
With ``table: em_event`` events are sent instead, see ``servicenow_events``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions, Settings
from adapters.tickets.fields import FieldMap, StateFields
from adapters.tickets.polling import OVERLAP, all_rows, polled, since
from adapters.tickets.servicenow_events import ServiceNowEvents
from adapters.tickets.servicenow_instance import Instance, ServiceNowAuth
from adapters.tickets.servicenow_records import (
    BY_NUMBER,
    DISPLAY,
    EVENTS,
    KEY,
    LEVELS,
    LINKS,
    NUMBERS,
    PAIRS,
    PROBLEM,
    PROBLEM_STATES,
    SHOWN,
    STATES,
    Many,
    One,
    Raw,
    Row,
    id_of,
    journal,
    to_fields,
    to_new,
    to_seen,
    to_state,
)
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketKind, TicketSeen, TicketState
from domain.times import Millis, to_text

Table = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


_CHECKED = {"state", *LINKS.values(), "parent"}
_PLAIN = {"sysparm_fields": SHOWN, "sysparm_exclude_reference_link": "true", "sysparm_display_value": "false"}


class Pair(Settings):
    """An impact and an urgency."""

    impact: str
    urgency: str


class ServiceNowConfig(DestinationOptions):
    """Settings of one instance of ServiceNow."""

    type: Literal["servicenow"]
    url: Address = Field(description="The instance, e.g. https://acme.service-now.com")
    auth: ServiceNowAuth
    table: Table = Field(
        default="incident",
        description="Where tickets of incidents are; em_event sends events of Event Management.",
    )
    problem_table: Table | None = Field(default="problem", description="null where problems are not used.")
    priorities: dict[Priority, Pair] = Field(
        default={},
        description="Impact and urgency that make a priority, where the instance's table is its own.",
    )
    states: dict[TicketState, str] = Field(default={}, description="Others than 1, 2, 2, 3, 6, 7.")
    problem_states: dict[TicketState, str] = Field(default={}, description="Others than 101 … 107.")
    closed: tuple[str, ...] = Field(default=("8",), description="More states in which an incident is over.")
    state_fields: StateFields
    problem_state_fields: StateFields
    teams: dict[str, str] = Field(default={}, description="sys_id of each team's assignment group.")
    group: str = Field(default="", description="sys_id of the group for all other teams; empty for none.")
    source: str = Field(default=DISPLAY, description="Source of events, with table em_event.")
    callback_secret: SecretStr | None = Field(default=None, description="What the business rule sends.")
    fields: FieldMap

    def build(self, http: Http) -> ServiceNow | ServiceNowEvents:
        """Make the ticket system of these settings."""
        if self.table == EVENTS:
            return ServiceNowEvents(self, http)
        return ServiceNow(self, http)

    def pair(self, ticket: DesiredTicket) -> tuple[str, str]:
        """Return impact and urgency: the ticket's own if they make its priority, else ones that do."""
        own = self.priorities.get(ticket.priority)
        if own is not None:
            return own.impact, own.urgency
        pair = LEVELS[ticket.impact], LEVELS[ticket.urgency]
        is_right = int(pair[0]) + int(pair[1]) - 1 == int(NUMBERS[ticket.priority])
        return pair if is_right else PAIRS[ticket.priority]

    def words(self, *, is_problem: bool) -> dict[TicketState, str]:
        """Return the table of states."""
        if is_problem:
            return {**PROBLEM_STATES, **self.problem_states}
        return {**STATES, **self.states}

    def state(self, word: str, *, is_problem: bool) -> TicketState | None:
        """Return what a state means."""
        known = state_of(word, self.words(is_problem=is_problem))
        return TicketState.CLOSED if known is None and word in self.closed and not is_problem else known


class ServiceNow(Adapter):
    """The incidents and problems of one instance."""

    def __init__(self, config: ServiceNowConfig, http: Http) -> None:
        self._config = config
        self._instance = Instance(config, http)
        self._clock = http.clock
        lacks = {Capability.IDEMPOTENT, *([] if config.problem_table else [Capability.PROBLEM])}
        self.capabilities = frozenset(Capability) - lacks

    async def find(self, key: str) -> TicketRef | None:
        """Return the ticket that has *key*: one that is not closed before others, then the newest."""
        if not KEY.fullmatch(key):
            return None  # no key of ours: it would be another query
        for is_problem in (False, True) if self._config.problem_table else (False,):
            rows = await self._search(key, is_problem=is_problem)
            if rows:
                is_open = [row for row in rows if not self._is_closed(row, is_problem=is_problem)]
                return self._ref((is_open or rows)[0], is_problem=is_problem)
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket, and make sure that it can be found again."""
        is_problem = self._is_problem(ticket)
        body = to_new(self._config, ticket, is_problem=is_problem)
        reply = await self._instance.send("POST", self._table(is_problem), body, {**_PLAIN})
        row = reply.read(One).result
        if row.correlation_id != ticket.key:
            message = (
                f"ServiceNow made {row.number} but did not keep {ticket.key} in correlation_id; let our user write that"
                f" column, write it there by hand, then retry"
            )
            raise PermanentError(message, Reason.REJECTED)
        ref = self._ref(row, is_problem=is_problem)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._write(ref, to_state(self._config, ticket, ticket.state, is_problem=is_problem))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the ticket and its state. A closed one that is open again gets another."""
        is_problem = ref.id.startswith(PROBLEM)
        row = (await self._load(ref)).read(One).result
        now = self._config.state(row.state, is_problem=is_problem)
        if action is TicketAction.REOPEN and now is TicketState.CLOSED:
            return await self._succeed(ref, ticket)
        if now is TicketState.CLOSED and ticket.state.is_over:
            return self._ref(row, is_problem=is_problem)  # closed records are read only
        changes = to_fields(self._config, ticket)
        wanted = wanted_state(action, ticket.state, now)
        if wanted is not None:
            changes |= to_state(self._config, ticket, wanted, is_problem=is_problem)
        await self._write(ref, changes)
        return self._ref(row, is_problem=is_problem)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a work note."""
        await self._write(ref, {"work_notes": journal(note.text)})

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Point at the parent or the problem."""
        is_problem = ref.id.startswith(PROBLEM)
        column = "parent" if is_problem else LINKS[kind]
        await self._write(ref, {column: other.id.removeprefix(PROBLEM)})

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Attach a file."""
        table = self._table(ref.id.startswith(PROBLEM)).rpartition("/")[2]
        params = {"table_name": table, "table_sys_id": ref.id.removeprefix(PROBLEM), "file_name": name}
        headers = {"Content-Type": media_type}
        await self._instance.send("POST", "/api/now/attachment/file", content, params, headers)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            row = (await self._load(ref)).read(One).result
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        return to_seen(self._config, row, is_problem=ref.id.startswith(PROBLEM))

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what a business rule posts."""
        news = told(call, self._config.callback_secret)
        is_problem = str(news.id).startswith(PROBLEM)
        states = {str(news.state): self._config.state(str(news.state), is_problem=is_problem)}
        return [news.seen(call, states, BY_NUMBER)]

    async def poll(self, cursor: str) -> Polled:
        """List our records that changed, by the instance's own clock."""
        if not cursor:
            newest = {"sysparm_query": "ORDERBYDESCsys_updated_on", "sysparm_limit": "1"}
            rows = (await self._get(False, newest)).read(Many).result
            now = int(self._clock() * 1000)
            return polled("", [], to_seen(self._config, rows[0], is_problem=False).at if rows else now)
        seen = []
        for is_problem in (False, True) if self._config.problem_table else (False,):
            rows = await self._changed(since(cursor) - OVERLAP, is_problem=is_problem)
            seen += [to_seen(self._config, row, is_problem=is_problem) for row in rows]
        return polled(cursor, seen, 0)

    async def ping(self) -> None:
        """Check that we are let in, see our columns, and that a search for nothing finds nothing."""
        for is_problem in (False, True) if self._config.problem_table else (False,):
            reply = await self._get(is_problem, {"sysparm_query": f"correlation_id=probe{token_hex(8)}"})
            if reply.read(Many).result:
                message = (
                    "ServiceNow: a search for a random correlation_id found records, so the instance ignores that part"
                    " of queries; let our user read the column, and set glide.invalid_query.returns_no_rows"
                )
                raise PermanentError(message, Reason.BAD_ANSWER)

    async def _search(self, key: str, *, is_problem: bool) -> list[Row]:
        query = f"correlation_id={key}^ORDERBYDESCsys_created_on"
        rows = (await self._get(is_problem, {"sysparm_query": query})).read(Many).result
        return [row for row in rows if row.correlation_id == key]

    async def _changed(self, moment_: Millis, *, is_problem: bool) -> list[Row]:
        from_ = to_text(max(0, moment_))[:19].replace("T", " ")
        query = f"correlation_display={DISPLAY}^sys_updated_on>={from_}^ORDERBYsys_updated_on^ORDERBYsys_id"

        async def page(offset: int, limit: int) -> list[Row]:
            params = {"sysparm_query": query, "sysparm_offset": str(offset), "sysparm_limit": str(limit)}
            return (await self._get(is_problem, params)).read(Many).result

        return await all_rows(page)

    async def _get(self, is_problem: bool, params: Mapping[str, str]) -> Reply:  # noqa: FBT001 - of this module
        return await self._instance.send("GET", self._table(is_problem), None, {**_PLAIN, **params})

    async def _load(self, ref: TicketRef) -> Reply:
        return await self._instance.send("GET", self._path(ref), None, {**_PLAIN})

    async def _write(self, ref: TicketRef, changes: Mapping[str, Any]) -> None:
        """Write columns, and make sure that those which we rely on were taken."""
        fields = ",".join([SHOWN, *changes])
        reply = await self._instance.send(
            "PATCH", self._path(ref), changes, {**_PLAIN, "sysparm_fields": fields}
        )
        kept = reply.read(Raw).result
        lost = [
            name
            for name, value in changes.items()
            if name in _CHECKED and str(kept.get(name, "")) != str(value)
        ]
        if lost:
            message = f"ServiceNow {kept.get('number', ref.id)} kept its {', '.join(lost)}; may our user write them?"
            raise PermanentError(message, Reason.REJECTED)

    async def _succeed(self, ref: TicketRef, ticket: DesiredTicket) -> TicketRef:
        """Open another ticket after a closed one, unless that was done before."""
        found = await self.find(ticket.key)
        return found if found is not None and found.id != ref.id else await self.create(ticket)

    def _is_problem(self, ticket: DesiredTicket) -> bool:
        return ticket.kind is TicketKind.PROBLEM and self._config.problem_table is not None

    def _is_closed(self, row: Row, *, is_problem: bool) -> bool:
        return self._config.state(row.state, is_problem=is_problem) is TicketState.CLOSED

    def _table(self, is_problem: bool) -> str:  # noqa: FBT001 - of this module
        return f"/api/now/table/{(self._config.problem_table or 'problem') if is_problem else self._config.table}"

    def _path(self, ref: TicketRef) -> str:
        return f"{self._table(ref.id.startswith(PROBLEM))}/{quote(ref.id.removeprefix(PROBLEM), safe='')}"

    def _ref(self, row: Row, *, is_problem: bool) -> TicketRef:
        table = self._table(is_problem).rpartition("/")[2]
        url = f"{self._instance.pages}/{table}.do?sys_id={row.sys_id}"
        return TicketRef(id_of(row, is_problem=is_problem), url)
