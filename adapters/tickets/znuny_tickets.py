"""Tickets as Znuny shows them, and what its words mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from adapters.tickets.states import state_of
from domain.priority import Level, Priority
from domain.ticket import TicketSeen, TicketState
from domain.times import Millis, to_millis

STATES = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "pending reminder",
    TicketState.RESOLVED: "closed successful",
    TicketState.CLOSED: "closed successful",
}
STATE_TYPES = {
    "new": TicketState.OPEN,
    "open": TicketState.IN_PROGRESS,
    "pending reminder": TicketState.ON_HOLD,
    "pending auto": TicketState.ON_HOLD,
    "closed": TicketState.RESOLVED,
}
"""What a state that the table does not know is by its type."""
GONE = {"removed", "merged"}
"""Types of states of tickets that live no more. Where a merged one went is not told."""
PRIORITIES = {
    Priority.P1: "5 very high",
    Priority.P2: "4 high",
    Priority.P3: "3 normal",
    Priority.P4: "2 low",
    Priority.P5: "1 very low",
}
LEVELS = {Level.HIGH: "5 very high", Level.MEDIUM: "3 normal", Level.LOW: "1 very low"}
NOBODY = "root@localhost"
"""Owner of tickets that nobody took."""


class Field(msgspec.Struct, rename="pascal"):
    """A dynamic field; ``Value`` is what its type has."""

    name: str
    value: Any = None


class Row(
    msgspec.Struct,
    rename={
        "id": "TicketID",
        "title": "Title",
        "state": "State",
        "state_type": "StateType",
        "priority": "Priority",
        "owner": "Owner",
        "changed": "Changed",
        "fields": "DynamicField",
    },
):
    """A ticket."""

    id: int | str
    state: str
    changed: str
    title: str = ""
    state_type: str = ""
    priority: str = ""
    owner: str = ""
    fields: list[Field] = []


class Failure(msgspec.Struct, rename={"code": "ErrorCode", "message": "ErrorMessage"}):
    """Why nothing was done."""

    code: str = ""
    message: str = ""


class Answer(msgspec.Struct, rename={"error": "Error"}):
    """What every answer may be instead."""

    error: Failure | None = None


class Opened(Answer, rename={"session": "SessionID"}):
    """The answer to a login."""

    session: str = ""


class Written(Answer, rename={"id": "TicketID"}):
    """The answer to a create and an update."""

    id: int | str = ""


class Found(Answer, rename={"ids": "TicketID"}, forbid_unknown_fields=True):
    """The answer to a search: nothing at all where there is none."""

    ids: list[int | str] = []


class Shown(Answer, rename={"rows": "Ticket"}):
    """The tickets asked for."""

    rows: list[Row] = []


@dataclass(frozen=True, slots=True)
class Words:
    """How a server's words are read."""

    key_field: str
    states: Mapping[TicketState, str]
    priorities: Mapping[Priority, str]
    zone: ZoneInfo

    def value(self, row: Row, name: str) -> str:
        """Return what a dynamic field holds."""
        return next((str(field.value) for field in row.fields if field.name == name and field.value), "")

    def key(self, row: Row) -> str:
        """Return our key of a ticket."""
        return self.value(row, self.key_field)

    def state(self, row: Row) -> TicketState | None:
        """Return what a ticket's state stands for."""
        return state_of(row.state, self.states) or STATE_TYPES.get(row.state_type)

    def at(self, moment: str) -> Millis:
        """Read a moment of the server.

        Raises:
            ValueError: it is none.
        """
        return to_millis(datetime.fromisoformat(moment).replace(tzinfo=self.zone))


def to_seen(row: Row, words: Words) -> TicketSeen:
    """Translate a ticket."""
    return TicketSeen(
        str(row.id),
        words.at(row.changed),
        state=words.state(row),
        title=row.title,
        priority=next((ours for ours, word in words.priorities.items() if word == row.priority), None),
        assignee="" if row.owner == NOBODY else row.owner,
        is_deleted=row.state_type in GONE,
    )
