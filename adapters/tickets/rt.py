"""Request Tracker 5 through REST 2.0 (docs.bestpractical.com, "RT::REST2"): one ticket per incident.

Our key is in a custom field, and RT cannot be trusted about it: a search by an unknown field finds nothing,
and a field that must be unique is left out of the second ticket with the same value, both without an error.
An update answers 200 with messages where nothing changed. So hits count only if the key is in them, and what
is written is read back. RT cannot rewrite a ticket's first message: later descriptions are comments, see
``is_news``. RT calls nobody by itself: a scrip does, docs/destinations/rt.md has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap
from adapters.tickets.rt_tickets import (
    DEFAULT_PRIORITIES,
    STATES,
    Created,
    Queue,
    Row,
    Rows,
    is_news,
    state_in,
    to_changes,
    to_message,
    to_new,
    to_note,
    to_seen,
    what_is_missing,
)
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

PAGE = 100
PAGES = 50
OVERLAP = timedelta(seconds=5)
SHOWN = "Status,Subject,Priority,Owner,LastUpdated,CustomFields"
LINKS = {LinkKind.CHILD_OF: "AddMemberOf", LinkKind.CAUSED_BY: "AddRefersTo"}

FieldName = Annotated[str, StringConstraints(pattern=r"^[^{}'\\]+$")]
QueueName = Annotated[str, StringConstraints(pattern=r"^[^'\\]+$")]
RtPriority = Annotated[int, Field(ge=0, le=100)]


class RequestTrackerConfig(DestinationOptions):
    """Settings of one queue of a Request Tracker."""

    type: Literal["rt"]
    url: Address = Field(description="Where RT's pages are, e.g. https://rt.example.org")
    token: SecretStr = Field(
        description="Of a user that may see the queue, create, modify and comment tickets."
    )
    queue: QueueName
    problem_queue: QueueName | None = Field(
        default=None, description="Queue of problems; the same if left out."
    )
    teams: dict[str, QueueName] = Field(default={}, description="Queues of teams that have their own.")
    user: str = Field(
        default="", description="Name of the user whose token it is: its comments are not news."
    )
    key_field: FieldName = Field(default="ExternalID", description="Ticket custom field that holds our key.")
    impact_field: FieldName | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    urgency_field: FieldName | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    priorities: dict[Priority, RtPriority] = Field(default={}, description="Others than 100, 75, 50, 25, 0.")
    states: dict[TicketState, str] = Field(
        default={},
        description="Words of the lifecycle; others than new, open, open, stalled, resolved, resolved.",
    )
    closed: tuple[str, ...] = Field(
        default=("rejected",), description="Other statuses that need no resolving."
    )
    callback_secret: SecretStr | None = Field(default=None, description="What the scrip sends, see the docs.")
    fields: FieldMap

    def build(self, http: Http) -> RequestTracker:
        """Make the ticket system of these settings."""
        return RequestTracker(self, http)

    def word(self, state: TicketState) -> str:
        """Return the status that stands for *state*."""
        return {**STATES, **self.states}[state]

    @property
    def queues(self) -> list[str]:
        """All queues that our tickets may be in."""
        queues = [self.queue, *filter(None, [self.problem_queue]), *self.teams.values()]
        return list(dict.fromkeys(queues))


class RequestTracker(Adapter):
    """The tickets of one queue."""

    capabilities = frozenset(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT}

    def __init__(self, config: RequestTrackerConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self._clock = http.clock
        self._pages = str(config.url).rstrip("/")
        self._client = http.client(
            f"{self._pages}/REST/2.0",
            headers={"Authorization": f"token {token}"},
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket that has *key* in it."""
        rows = [row for row in await self._search(key) if row.value(self._config.key_field) == key]
        return self._ref(rows[0]) if rows else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket, and make sure that it can be found again."""
        made = (await self._send("POST", "/ticket", to_new(self._config, ticket))).read(Created)
        with _after_create():
            ref = self._ref(made)
            if (await self._load(ref)).value(self._config.key_field) != ticket.key:
                ref = await self._settle_orphan(ref, ticket.key)
            if ticket.state is not TicketState.OPEN:
                action = TicketAction.RESOLVE if ticket.state.is_over else TicketAction.TRANSITION
                await self.update(ref, ticket, action)
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs, read it back, and comment on what is news to people."""
        before = await self._load(ref)
        changes = to_changes(self._config, ticket, action, before)
        if changes:
            messages = (await self._send("PUT", _path(ref), changes)).read(list[str])
            await self._check_kept(ref, changes, messages)
        if is_news(action, changes):
            await self._send("POST", f"{_path(ref)}/comment", to_message(ticket))
        return self._ref(before)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a comment, which requestors do not see."""
        await self._send("POST", f"{_path(ref)}/comment", to_note(note.text))

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate two tickets; a link that is there is told so in a message."""
        messages = (await self._send("PUT", _path(ref), {LINKS[kind]: [other.id]})).read(list[str])
        if any("Permission Denied" in one for one in messages):
            raise PermanentError(f"RT ticket {ref.id} was not linked: {'; '.join(messages)}", Reason.REJECTED)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            row = (await self._send("GET", _path(ref))).read(Row)
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        seen = to_seen(self._config, row)
        return seen if seen.id == ref.id else TicketSeen(ref.id, seen.at, merged_into=seen.id)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what the scrip posts."""
        news = told(call, self._config.callback_secret)
        numbers = {**DEFAULT_PRIORITIES, **self._config.priorities}
        state = state_in(self._config, str(news.state))
        seen = news.seen(call, {}, {str(number): priority for priority, number in numbers.items()})
        comments = () if news.actor == self._config.user else seen.comments
        return [msgspec.structs.replace(seen, state=state, comments=comments)]

    async def poll(self, cursor: str) -> Polled:
        """List what changed in our queues, by RT's own clock, from the newest on; comments are told by the scrip."""
        if not cursor:
            newest = (await self._changed(datetime(1970, 1, 2, tzinfo=UTC), 1)).items
            begun = newest[0].updated if newest else None
            return Polled([], (begun or datetime(1970, 1, 2, tzinfo=UTC)).isoformat())
        since = datetime.fromisoformat(cursor) - OVERLAP
        found: dict[str, Row] = {}
        for number in range(1, PAGES + 1):
            page = await self._changed(since, PAGE, number)
            found |= {str(row.id): row for row in page.items if row.value(self._config.key_field)}
            if number >= page.pages:
                break
        seen = sorted((to_seen(self._config, row) for row in found.values()), key=lambda one: one.at)
        newest_at = max((row.updated.isoformat() for row in found.values() if row.updated), default=cursor)
        return Polled(seen, max(cursor, newest_at))

    async def _changed(self, since: datetime, size: int, number: int = 1) -> Rows:
        queues = " OR ".join(f"Queue = '{_quoted(queue)}'" for queue in self._config.queues)
        query = f"({queues}) AND LastUpdated > '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC'"
        order = {"orderby": "LastUpdated", "order": "DESC", "per_page": str(size), "page": str(number)}
        params = {"query": query, "fields": SHOWN, **order}
        return (await self._client.send("GET", "/tickets", params=params)).read(Rows)

    async def ping(self) -> None:
        """Check token, queue, rights and custom fields, and that a search for nothing finds nothing."""
        await self._send("GET", "/rt")
        queues = {name: await self._queue(name) for name in self._config.queues}
        missing = what_is_missing(self._config, queues)
        if missing:
            raise PermanentError(f"Request Tracker: {'; '.join(missing)}", Reason.REJECTED)
        if await self._search(f"probe{token_hex(8)}"):
            message = f"Request Tracker: a search for a random {self._config.key_field} found tickets"
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _search(self, key: str) -> list[Row]:
        query = f"CF.{{{self._config.key_field}}} = '{_quoted(key)}'"
        params = {"query": query, "fields": SHOWN, "orderby": "id"}
        return (await self._client.send("GET", "/tickets", params=params)).read(Rows).items

    async def _load(self, ref: TicketRef) -> Row:
        """Read a ticket. RT answers for a merged one with the one it went into, and shows deleted ones."""
        row = (await self._send("GET", _path(ref))).read(Row)
        if str(row.id) != ref.id:
            raise PermanentError(f"RT ticket {ref.id} was merged into {row.id}", Reason.NOT_FOUND)
        if row.status == "deleted":
            raise PermanentError(f"RT ticket {ref.id} was deleted", Reason.NOT_FOUND)
        return row

    async def _settle_orphan(self, orphan: TicketRef, key: str) -> TicketRef:
        """Deal with a ticket that RT did not give our key: another has it, or we may not write it."""
        found = await self.find(key)
        if found is None:
            message = (
                f"RT made ticket {orphan.id} but did not keep {key} in {self._config.key_field}; grant"
                f" SetInitialCustomField and ModifyCustomField, write it there by hand, then retry"
            )
            raise PermanentError(message, Reason.REJECTED)
        await self._send("PUT", _path(orphan), {"MergeInto": int(found.id)})
        return found

    async def _check_kept(self, ref: TicketRef, changes: Mapping[str, Any], messages: list[str]) -> None:
        row = await self._load(ref)
        kept = {"Status": row.status, "Subject": row.subject, "Priority": str(row.priority)}
        lost = [name for name, value in kept.items() if name in changes and str(changes[name]) != value]
        if lost:
            told = "; ".join(messages) or "RT gives no reason"
            raise PermanentError(f"RT ticket {ref.id} kept its {', '.join(lost)}: {told}", Reason.REJECTED)

    async def _queue(self, name: str) -> Queue:
        try:
            return (await self._send("GET", f"/queue/{quote(name, safe='')}")).read(Queue)
        except PermanentError as error:
            if error.reason not in {Reason.AUTHENTICATION, Reason.NOT_FOUND}:
                raise
            message = f"queue {name!r} does not exist, or we may not see it (SeeQueue)"
            raise PermanentError(f"Request Tracker: {message}", error.reason) from error

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        return await self._client.send(
            method, path, body=msgspec.json.encode(body) if body is not None else None
        )

    def _ref(self, ticket: Row | Created) -> TicketRef:
        return TicketRef(str(ticket.id), f"{self._pages}/Ticket/Display.html?id={ticket.id}")


@contextmanager
def _after_create() -> Iterator[None]:
    """Let what goes wrong for a while after a create tell that the ticket is there.

    What is wrong for good does not: no search would find the ticket, and each attempt would make another.
    """
    try:
        yield
    except TemporaryError as error:
        error.unknown = True
        raise


def _path(ref: TicketRef) -> str:
    return f"/ticket/{quote(ref.id, safe='')}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
