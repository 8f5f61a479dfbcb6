"""Tickets are reconciled: what one should show, what it was last seen to show."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.incident import LinkKind as LinkKind
from domain.incident import Note as Note
from domain.incident import TicketLink as TicketLink
from domain.incident import TicketRef
from domain.priority import Level, Priority
from domain.times import Millis


class TicketState(StrEnum):
    """What a ticket says of its incident. Tools have more states; adapters map them."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_over(self) -> bool:
        """Whether nobody works on it any more."""
        return self in {TicketState.RESOLVED, TicketState.CLOSED}


class TicketKind(StrEnum):
    """What a ticket is about, in ITIL's words."""

    INCIDENT = "incident"
    PROBLEM = "problem"


class DesiredTicket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the ticket of one incident at one destination should show."""

    key: str
    """Our name for the ticket in the tool: the incident's id, hex digits only."""
    version: int
    """The incident's revision this was rendered from; a smaller one is old news."""
    title: str
    description: str
    priority: Priority
    impact: Level
    urgency: Level
    state: TicketState
    team: str
    service: str
    labels: dict[str, str]
    alerts: int
    """Distinct alerts of the incident."""
    url: str
    """Where the incident can be looked at."""
    opened_at: Millis
    kind: TicketKind = TicketKind.INCIDENT
    notes: tuple[Note, ...] = ()
    """What to tell as comments; the last ones, by growing number."""
    links: tuple[TicketLink, ...] = ()
    """Tickets it relates to, at whatever destinations."""


class TicketAction(StrEnum):
    """What is done in a tool."""

    CREATE = "create"
    UPDATE = "update"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    TRANSITION = "transition"
    """From one state of work to another: acknowledged, on hold, ..."""
    COMMENT = "comment"
    LINK = "link"
    FIND = "find"


class ObservedTicket(msgspec.Struct, frozen=True, array_like=True):
    """The ticket as we last wrote or found it."""

    ref: TicketRef
    version: int
    """Desired version last written; 0 for one that was found, of which nothing is known."""
    state: TicketState | None
    """None while it is not known whether a transition was done."""
    written_at: Millis


class NewsKind(StrEnum):
    """What a person did to a ticket in its tool."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    PRIORITY = "priority"
    MERGED = "merged"
    DELETED = "deleted"


class Comment(msgspec.Struct, frozen=True, array_like=True):
    """What somebody wrote into a ticket."""

    id: str
    author: str
    text: str
    at: Millis


class TicketSeen(msgspec.Struct, frozen=True, array_like=True):
    """How a ticket stands in its tool: by a callback, a poll, or a look. None is what the tool did not tell.

    It is a state, not a change: what is news follows from comparing it to what was known. So it does no harm
    when it comes twice, late, or tells what we wrote ourselves.
    """

    id: str
    """The tool's own id, as in ``TicketRef.id``."""
    at: Millis
    """When the tool last changed it. What is older than what was seen already is old news."""
    actor: str = ""
    """Who changed it, where the tool tells."""
    state: TicketState | None = None
    title: str | None = None
    priority: Priority | None = None
    assignee: str | None = None
    """Person or group; empty for nobody."""
    comments: tuple[Comment, ...] = ()
    """Those that came with this news, at most. Our own are left out where the tool tells the author."""
    merged_into: str = ""
    """Id of the ticket it was merged into."""
    is_deleted: bool = False
