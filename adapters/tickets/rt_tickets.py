"""What Request Tracker's REST 2.0 shows of tickets, and our tickets in its words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.states import state_of, wanted_state
from adapters.tickets.text import clean, one_line, with_link
from domain.priority import Priority
from domain.ticket import DesiredTicket, TicketAction, TicketKind, TicketSeen, TicketState
from domain.times import Millis, to_millis

if TYPE_CHECKING:
    from adapters.tickets.rt import RequestTrackerConfig

SUBJECT_LENGTH = 200  # of the column Subject
NOBODY = "Nobody"
DEFAULT_PRIORITIES = {Priority.P1: 100, Priority.P2: 75, Priority.P3: 50, Priority.P4: 25, Priority.P5: 0}
STATES = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "stalled",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "resolved",
}


class CustomField(msgspec.Struct):
    """A custom field of a ticket or a queue."""

    name: str
    values: list[Any] = []


class Owner(msgspec.Struct):
    """Who works on a ticket."""

    id: str | int = ""


class Row(
    msgspec.Struct,
    rename={
        "status": "Status",
        "subject": "Subject",
        "priority": "Priority",
        "owner": "Owner",
        "updated": "LastUpdated",
        "fields": "CustomFields",
    },
):
    """A ticket as RT shows it."""

    id: int | str
    status: str
    fields: list[CustomField]
    subject: str = ""
    priority: int | str = ""
    owner: Owner | None = None
    updated: datetime | None = None

    def value(self, name: str) -> str | None:
        """Return what a custom field holds."""
        return next(
            (str(value) for field in self.fields if field.name == name for value in field.values), None
        )


class Rows(msgspec.Struct):
    """A page of a search."""

    items: list[Row]
    pages: float = 1


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


def to_new(config: RequestTrackerConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what RT creates."""
    queue = config.teams.get(ticket.team, config.queue)
    if ticket.kind is TicketKind.PROBLEM:
        queue = config.problem_queue or queue
    columns, fields = to_fields(config, ticket)
    return {
        "Queue": queue,
        **columns,
        "CustomFields": {**fields, config.key_field: ticket.key},
        **to_message(ticket),
    }


def to_changes(
    config: RequestTrackerConfig, ticket: DesiredTicket, action: TicketAction, now: Row
) -> dict[str, Any]:
    """Return what of *ticket* RT does not show. The status is people's too: few actions touch it."""
    columns, fields = to_fields(config, ticket)
    shown = {"Subject": now.subject, "Priority": str(now.priority)}
    # Other columns that the site sets are written once: what people make of them stays.
    changes: dict[str, Any] = {name: columns[name] for name in shown if str(columns[name]) != shown[name]}
    differ = {name: value for name, value in fields.items() if (now.value(name) or "") != str(value)}
    if differ:
        changes["CustomFields"] = differ
    state = wanted_state(action, ticket.state, state_in(config, now.status))
    if state is not None and config.word(state) != now.status:
        changes["Status"] = config.word(state)
    return changes


def to_fields(config: RequestTrackerConfig, ticket: DesiredTicket) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return columns, and custom fields by name."""
    columns: dict[str, Any] = {
        "Subject": subject(ticket.title),
        "Priority": rt_priority(config, ticket.priority),
    }
    levels = {config.impact_field: ticket.impact, config.urgency_field: ticket.urgency}
    fields: dict[str, Any] = {name: level.value for name, level in levels.items() if name is not None}
    for name, value in render_fields(config.fields, ticket).items():
        custom = name.removeprefix("CF.").strip("{}")
        if name.startswith("CF."):
            fields[custom] = value
        else:
            columns[name] = value
    return columns, fields


def state_in(config: RequestTrackerConfig, status: str) -> TicketState | None:
    """Return what a status means; None for one that nobody listed."""
    if status in config.closed:
        return TicketState.CLOSED
    return state_of(status, {**STATES, **config.states})


def to_seen(config: RequestTrackerConfig, row: Row) -> TicketSeen:
    """Say how a ticket stands."""
    words = {
        str(number): priority for priority, number in {**DEFAULT_PRIORITIES, **config.priorities}.items()
    }
    owner = None if row.owner is None else str(row.owner.id)
    return TicketSeen(
        id=str(row.id),
        at=moment(row.updated),
        state=state_in(config, row.status),
        title=row.subject,
        priority=words.get(str(row.priority)),
        assignee="" if owner == NOBODY else owner,
        is_deleted=row.status == "deleted",
    )


def moment(updated: datetime | None) -> Millis:
    """Read when a ticket was last changed; RT's moments are in UTC."""
    if updated is None:
        return 0
    return to_millis(updated if updated.tzinfo else updated.replace(tzinfo=UTC))


def to_message(ticket: DesiredTicket) -> dict[str, str]:
    """Return the description as RT takes it. Plain text needs no escaping: RT does that when it shows it."""
    return {"Content": with_link(ticket), "ContentType": "text/plain"}


def to_note(text: str) -> dict[str, str]:
    """Return a comment as RT takes it."""
    return {"Content": clean(text), "ContentType": "text/plain"}


def subject(title: str) -> str:
    r"""Put a title on one line, as it also becomes the subject of RT's mails.

    >>> subject("disk full\r\nBcc: all@example.org")
    'disk full Bcc: all@example.org'
    """
    return one_line(title, SUBJECT_LENGTH)


def rt_priority(config: RequestTrackerConfig, priority: Priority) -> int:
    """Return RT's number for a priority."""
    return {**DEFAULT_PRIORITIES, **config.priorities}[priority]


def is_news(action: TicketAction, changes: Mapping[str, Any]) -> bool:
    """Tell whether people should get the description again: resolved, back, or more or less urgent."""
    return action in {TicketAction.RESOLVE, TicketAction.REOPEN} or "Priority" in changes


def what_is_missing(config: RequestTrackerConfig, queues: Mapping[str, Queue]) -> list[str]:
    """List what must be set up in RT, in words for its administrator."""
    wanted = [config.key_field, config.impact_field, config.urgency_field]
    missing = []
    for queue, shown in queues.items():
        seen = {field.name for field in shown.fields}
        missing += [
            f"queue {queue!r} has no ticket custom field {name!r}, or we may not see it (SeeCustomField)"
            for name in wanted
            if name is not None and name not in seen
        ]
        if "create" not in {link.ref for link in shown.links}:
            missing.append(f"we may not create tickets in queue {queue!r} (CreateTicket)")
    return missing
