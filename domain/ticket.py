"""Tickets are reconciled: what one should show, what it was last seen to show."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.incident import TicketRef
from domain.priority import Level, Priority
from domain.times import Millis


class TicketState(StrEnum):
    """What a ticket says of its incident. Tools have more states; adapters map them."""

    OPEN = "open"
    RESOLVED = "resolved"


class DesiredTicket(msgspec.Struct, frozen=True, array_like=True):
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


class TicketAction(StrEnum):
    """What is done in a tool."""

    CREATE = "create"
    UPDATE = "update"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    FIND = "find"


class ObservedTicket(msgspec.Struct, frozen=True, array_like=True):
    """The ticket as we last wrote or found it."""

    ref: TicketRef
    version: int
    """Desired version last written; 0 for one that was found, of which nothing is known."""
    state: TicketState | None
    """None while it is not known whether a transition was done."""
    written_at: Millis
