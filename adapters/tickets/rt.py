"""Request Tracker 5 through REST 2.0 (docs.bestpractical.com, "RT::REST2"): one ticket per incident.

Our key is in a custom field, and RT cannot be trusted about it: a search by an unknown field finds nothing,
and a field that must be unique is left out of the second ticket with the same value, both without an error.
An update answers 200 with messages where nothing changed. So hits count only if the key is in them, and what
is written is read back. RT cannot rewrite a ticket's first message: later descriptions are comments, see
``is_news``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions, Settings
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Capability
from domain.priority import Priority
from domain.ticket import DesiredTicket, TicketAction, TicketState

SUBJECT_LENGTH = 200  # of the column Subject
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
DEFAULT_PRIORITIES = {Priority.P1: 100, Priority.P2: 75, Priority.P3: 50, Priority.P4: 25, Priority.P5: 0}

FieldName = Annotated[str, StringConstraints(pattern=r"^[^{}'\\]+$")]
RtPriority = Annotated[int, Field(ge=0, le=100)]


class States(Settings):
    """The lifecycle's words. People may use others; these are the ones that Tocsin sets."""

    open: str = "open"
    resolved: str = "resolved"
    closed: tuple[str, ...] = Field(default=("rejected",), description="Others that need no resolving.")

    def is_closed(self, status: str) -> bool:
        """Tell whether nobody works on a ticket of this status any more."""
        return status == self.resolved or status in self.closed


class RequestTrackerConfig(DestinationOptions):
    """Settings of one queue of a Request Tracker."""

    type: Literal["rt"]
    url: Address = Field(description="Where RT's pages are, e.g. https://rt.example.org")
    token: SecretStr = Field(
        description="Of a user that may see the queue, create, modify and comment tickets."
    )
    queue: str
    key_field: FieldName = Field(default="ExternalID", description="Ticket custom field that holds our key.")
    impact_field: FieldName | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    urgency_field: FieldName | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    priorities: dict[Priority, RtPriority] = Field(default={}, description="Others than 100, 75, 50, 25, 0.")
    states: States = States()

    def build(self, http: Http) -> RequestTracker:
        """Make the ticket system of these settings."""
        return RequestTracker(self, http)


class CustomField(msgspec.Struct):
    """A custom field of a ticket or a queue."""

    name: str
    values: list[Any] = []


class Row(
    msgspec.Struct,
    rename={"status": "Status", "subject": "Subject", "priority": "Priority", "fields": "CustomFields"},
):
    """A ticket as RT shows it."""

    id: int | str
    status: str
    fields: list[CustomField]
    subject: str = ""
    priority: int | str = ""

    def value(self, name: str) -> str | None:
        """Return what a custom field holds."""
        return next(
            (str(value) for field in self.fields if field.name == name for value in field.values), None
        )


class Rows(msgspec.Struct):
    """A page of a search."""

    items: list[Row]


class Created(msgspec.Struct):
    """The answer to a create."""

    id: int | str


class Link(msgspec.Struct):
    """What RT lets us do next."""

    ref: str = ""


class Queue(msgspec.Struct, rename={"links": "_hyperlinks", "fields": "TicketCustomFields"}):
    """A queue as RT shows it to us."""

    links: list[Link] = []
    fields: list[CustomField] = []


class RequestTracker(Adapter):
    """The tickets of one queue."""

    capabilities = frozenset({Capability.FIND, Capability.UPDATE, Capability.REOPEN, Capability.PING})

    def __init__(self, config: RequestTrackerConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        self._config = config
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
            if ticket.state is TicketState.RESOLVED:
                await self.update(ref, ticket, TicketAction.RESOLVE)
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

    async def ping(self) -> None:
        """Check token, queue, rights and custom fields, and that a search for nothing finds nothing."""
        await self._send("GET", "/rt")
        missing = what_is_missing(self._config, await self._queue())
        if missing:
            raise PermanentError(f"Request Tracker: {'; '.join(missing)}", Reason.REJECTED)
        if await self._search(f"probe{token_hex(8)}"):
            message = f"Request Tracker: a search for a random {self._config.key_field} found tickets"
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _search(self, key: str) -> list[Row]:
        query = f"CF.{{{self._config.key_field}}} = '{_quoted(key)}'"
        params = {"query": query, "fields": "Status,CustomFields", "orderby": "id"}
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

    async def _queue(self) -> Queue:
        try:
            return (await self._send("GET", f"/queue/{quote(self._config.queue, safe='')}")).read(Queue)
        except PermanentError as error:
            if error.reason not in {Reason.AUTHENTICATION, Reason.NOT_FOUND}:
                raise
            message = f"queue {self._config.queue!r} does not exist, or we may not see it (SeeQueue)"
            raise PermanentError(f"Request Tracker: {message}", error.reason) from error

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        return await self._client.send(
            method, path, body=msgspec.json.encode(body) if body is not None else None
        )

    def _ref(self, ticket: Row | Created) -> TicketRef:
        return TicketRef(str(ticket.id), f"{self._pages}/Ticket/Display.html?id={ticket.id}")


def to_new(config: RequestTrackerConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what RT creates."""
    return {
        "Queue": config.queue,
        "Subject": subject(ticket.title),
        "Priority": rt_priority(config, ticket.priority),
        "CustomFields": {config.key_field: ticket.key, **to_fields(config, ticket)},
        **to_message(ticket),
    }


def to_changes(
    config: RequestTrackerConfig, ticket: DesiredTicket, action: TicketAction, now: Row
) -> dict[str, Any]:
    """Return what of *ticket* RT does not show. The status is people's too: few actions touch it."""
    changes: dict[str, Any] = {}
    if subject(ticket.title) != now.subject:
        changes["Subject"] = subject(ticket.title)
    if str(rt_priority(config, ticket.priority)) != str(now.priority):
        changes["Priority"] = rt_priority(config, ticket.priority)
    fields = {name: value for name, value in to_fields(config, ticket).items() if now.value(name) != value}
    if fields:
        changes["CustomFields"] = fields
    closed = config.states.is_closed(now.status)
    if action is TicketAction.RESOLVE and not closed:
        changes["Status"] = config.states.resolved
    if action is TicketAction.REOPEN and closed:
        changes["Status"] = config.states.open
    return changes


def to_fields(config: RequestTrackerConfig, ticket: DesiredTicket) -> dict[str, str]:
    """Return the optional custom fields."""
    fields = {config.impact_field: ticket.impact, config.urgency_field: ticket.urgency}
    return {name: level.value for name, level in fields.items() if name is not None}


def to_message(ticket: DesiredTicket) -> dict[str, str]:
    """Return the description as RT takes it. Plain text needs no escaping: RT does that when it shows it."""
    text = _CONTROL.sub("", ticket.description)
    link = f"\n\n{ticket.url}" if ticket.url and ticket.url not in text else ""
    return {"Content": text + link, "ContentType": "text/plain"}


def subject(title: str) -> str:
    r"""Put a title on one line, as it also becomes the subject of RT's mails.

    >>> subject("disk full\r\nBcc: all@example.org")
    'disk full Bcc: all@example.org'
    """
    line = " ".join(_CONTROL.sub(" ", title).split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


def rt_priority(config: RequestTrackerConfig, priority: Priority) -> int:
    """Return RT's number for a priority."""
    return {**DEFAULT_PRIORITIES, **config.priorities}[priority]


def is_news(action: TicketAction, changes: Mapping[str, Any]) -> bool:
    """Tell whether people should get the description again: resolved, back, or more or less urgent."""
    return action is not TicketAction.UPDATE or "Priority" in changes


def what_is_missing(config: RequestTrackerConfig, queue: Queue) -> list[str]:
    """List what must be set up in RT, in words for its administrator."""
    seen = {field.name for field in queue.fields}
    wanted = [config.key_field, config.impact_field, config.urgency_field]
    missing = [
        f"queue {config.queue!r} has no ticket custom field {name!r}, or we may not see it (SeeCustomField)"
        for name in wanted
        if name is not None and name not in seen
    ]
    if "create" not in {link.ref for link in queue.links}:
        missing.append(f"we may not create tickets in queue {config.queue!r} (CreateTicket)")
    return missing


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
