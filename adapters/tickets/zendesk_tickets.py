"""What Zendesk shows of tickets, and our tickets in its words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.moments import moment, shown_moment
from adapters.tickets.priorities import priority_of
from adapters.tickets.text import clean, one_line, to_html_within, with_link
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketKind, TicketSeen, TicketState
from domain.times import Millis

if TYPE_CHECKING:
    from adapters.tickets.zendesk import ZendeskConfig

SUBJECT_LENGTH = 150
COMMENT_BYTES = 60_000
CLOSED = "closed"
PRIORITIES = {
    Priority.P1: "urgent",
    Priority.P2: "high",
    Priority.P3: "normal",
    Priority.P4: "low",
    Priority.P5: "low",
}
STATES = {
    TicketState.OPEN: "open",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "hold",
    TicketState.RESOLVED: "solved",
    TicketState.CLOSED: "solved",
}
ALSO = {"new": TicketState.OPEN, "pending": TicketState.ON_HOLD, CLOSED: TicketState.CLOSED}
"""What people and Zendesk itself set besides."""
EVENT = "zen:event-type:ticket."


class Ticket(msgspec.Struct):
    """A ticket as Zendesk shows it."""

    id: int
    status: str
    updated_at: str
    subject: str | None = None
    priority: str | None = None
    external_id: str | None = None
    assignee_id: int | None = None
    group_id: int | None = None


class Named(msgspec.Struct):
    """A user or a group."""

    id: int | None = None
    name: str = ""
    role: str = ""


class One(msgspec.Struct):
    """An answer with a ticket, and who is named in it."""

    ticket: Ticket
    users: list[Named] = []
    groups: list[Named] = []


class Many(msgspec.Struct):
    """A list of tickets; of an export also where it goes on."""

    tickets: list[Ticket]
    users: list[Named] = []
    groups: list[Named] = []
    after_cursor: str | None = None
    end_of_stream: bool = True


class Me(msgspec.Struct):
    """Who we are."""

    user: Named


class Upload(msgspec.Struct):
    """An uploaded file."""

    token: str


class Uploaded(msgspec.Struct):
    """The answer to an upload."""

    upload: Upload


class Author(msgspec.Struct, frozen=True):
    """Who wrote a comment."""

    id: str | int = ""
    name: str = ""


class Said(msgspec.Struct):
    """A comment that an event tells of."""

    id: str | int
    body: str = ""
    author: Author = Author()


class Detail(msgspec.Struct):
    """The ticket of an event. Words are in capitals, ids are text."""

    id: str | int
    updated_at: str
    status: str = ""
    priority: str | None = None
    subject: str | None = None
    actor_id: str | int | None = None


class Event(msgspec.Struct, frozen=True):
    """What happened."""

    comment: Said | None = None


class Posted(msgspec.Struct):
    """What a webhook posts."""

    type: str
    detail: Detail
    event: Event = Event()


def to_new(config: ZendeskConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what Zendesk creates."""
    group = config.teams.get(ticket.team, config.group)
    return {
        "external_id": ticket.key,
        "type": "problem" if ticket.kind is TicketKind.PROBLEM else "incident",
        "comment": private(with_link(ticket)),
        "tags": config.tags,
        **({"group_id": group} if group is not None else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: ZendeskConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    return {
        "subject": one_line(ticket.title, SUBJECT_LENGTH),
        "priority": {**PRIORITIES, **config.priorities}[ticket.priority],
        **render_fields(config.fields, ticket),
    }


def private(text: str) -> dict[str, Any]:
    """Make a comment that customers do not see."""
    return {"html_body": to_html_within(clean(text) or "-", COMMENT_BYTES), "public": False}


def names(shown: One | Many) -> dict[int, str]:
    """Return the names that came with an answer."""
    return {one.id: one.name for one in [*shown.groups, *shown.users] if one.id is not None}


def to_seen(config: ZendeskConfig, ticket: Ticket, named: Mapping[int, str]) -> TicketSeen:
    """Say how a ticket stands."""
    holder = ticket.assignee_id or ticket.group_id
    return TicketSeen(
        id=str(ticket.id),
        at=shown_moment(f"Zendesk {ticket.id}", ticket.updated_at),
        state=config.state(ticket.status),
        title=ticket.subject,
        priority=priority_of(ticket.priority, {**PRIORITIES, **config.priorities}),
        assignee="" if holder is None else named.get(holder, str(holder)),
        is_deleted=ticket.status == "deleted",
    )


def to_news(config: ZendeskConfig, posted: Posted) -> TicketSeen:
    """Say what an event tells. The assignee is not among it: of that there is only a number.

    Raises:
        ValueError: it is of something else, or tells no moment.
    """
    if not posted.type.startswith(EVENT):
        raise ValueError(f"{posted.type[:40]} is no event of a ticket")
    detail, at = posted.detail, moment(posted.detail.updated_at)
    word = detail.status.lower()
    gone = word == "deleted" or posted.type.removeprefix(EVENT) in {"soft_deleted", "permanently_deleted"}
    return TicketSeen(
        id=str(detail.id),
        at=at,
        actor=str(detail.actor_id or ""),
        state=config.state(word),
        title=detail.subject,
        priority=priority_of((detail.priority or "").lower(), {**PRIORITIES, **config.priorities}),
        comments=_comments(posted, at),
        is_deleted=gone,
    )


def _comments(posted: Posted, at: Millis) -> tuple[Comment, ...]:
    said = posted.event.comment
    return (
        ()
        if said is None
        else (Comment(str(said.id), said.author.name or str(said.author.id), said.body, at),)
    )
