"""What a delivery shard keeps: a record for each ticket, one for the breaker, and its indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from domain.errors import Reason
from domain.incident import Note, TicketRef
from domain.priority import Priority
from domain.ticket import DesiredTicket, LinkKind, ObservedTicket, TicketAction, TicketLink, TicketState
from domain.times import Millis

PENDING = "pending"
"""Index of tickets that do not show yet what they should, by priority."""
TICKETS = "tickets"
"""Index of all tickets, by when their incidents began."""
PARKED = "parked"
"""Index of tickets that failed for good, by when."""
IN_FLIGHT = "in_flight"
"""Index of tickets with a call under way, by when it began."""
_RELATIONS = {LinkKind.CAUSED_BY: "Problem", LinkKind.CHILD_OF: "Part of"}
BREAKER = "breaker:"
CURSOR = "cursor:"
QUARANTINE = "quarantine"


class TicketRecord(msgspec.Struct, frozen=True, array_like=True):
    """All that is known of one ticket."""

    desired: DesiredTicket
    reply_to: str
    observed: ObservedTicket | None = None
    intent: Millis | None = None
    """When a create was begun whose outcome is not known: it may have been done."""
    doubt: str = ""
    """Why the create is parked if the ticket turns out not to be there."""
    calling: Millis | None = None
    """When the call that is under way was begun."""
    failures: int = 0
    """Attempts failed in a row."""
    error: str = ""
    """What the last one said."""
    not_before: Millis = 0
    """When the next attempt may be made."""
    parked: str = ""
    """Why it is not tried any more."""
    seen_at: Millis = 0
    """When the tool last changed it, as far as was seen."""
    seen_state: TicketState | None = None
    """The state last seen in the tool, not written by us."""
    assignee: str = ""
    yields: int = 0
    """Of this version of the wish the state is left to the person who changed it."""
    pinned: Priority | None = None
    """The priority that a person set, where it is left to people."""
    noted: int = 0
    """Number of the last note that was told."""
    heard: tuple[str, ...] = ()
    """Ids of the comments that were taken in last."""
    request: str = ""
    """The request for which it is parked, secrets masked."""
    linked: tuple[str, ...] = ()
    """Ids of the tickets that it was related to."""


class RefRecord(msgspec.Struct, frozen=True, array_like=True):
    """Which of our tickets a tool's own id stands for."""

    key: str


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where the next poll of the tool goes on."""

    at: str


class BreakerState(StrEnum):
    """Whether calls to the tool are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(msgspec.Struct, frozen=True, array_like=True):
    """The circuit breaker of a destination."""

    failures: int = 0
    """Calls in a row that the tool did not answer as a healthy one would."""
    until: Millis = 0
    """No call before this moment; also where the tool asked for a pause."""


RECORD_KINDS: Mapping[str, type[msgspec.Struct]] = {
    "ticket": TicketRecord,
    "breaker": Breaker,
    "ref": RefRecord,
    "cursor": Cursor,
}


def in_words(link: TicketLink) -> str:
    """Tell of a link in a note, for tools that have none.

    >>> in_words(TicketLink("noc", TicketRef("PRB1", "https://desk.example/PRB1"), LinkKind.CAUSED_BY))
    'Problem: PRB1 https://desk.example/PRB1'
    """
    return f"{_RELATIONS[link.kind]}: {link.ref.id} {link.ref.url}".rstrip()


def ticket_record(key: str) -> str:
    """Name the record of a ticket; its timer is called the same."""
    return f"ticket:{key}"


def ref_record(id_: str) -> str:
    """Name the record that tells which ticket a tool's own id stands for."""
    return f"ref:{id_}"


@dataclass(frozen=True, slots=True)
class Call:
    """Something to be done in the tool."""

    action: TicketAction
    ticket: DesiredTicket
    ref: TicketRef | None
    """The ticket, where it is known."""
    notes: tuple[Note, ...] = ()
    """What to tell, for a comment."""
    link: TicketLink | None = None
    """What to relate it to, for a link."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call failed."""

    message: str
    reason: Reason
    permanent: bool
    unknown: bool
    """It may have been done all the same."""
    retry_after: Millis = 0
    request: str = ""
    """What was sent, secrets masked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    at: Millis
    call: Call
    ref: TicketRef | None = None
    """The ticket created, changed or found; None for a find that found nothing."""
    failure: Failure | None = None
