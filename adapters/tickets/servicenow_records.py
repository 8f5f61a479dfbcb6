"""ServiceNow's tables and columns, and our tickets in their words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from adapters.tickets.fields import render_fields, state_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.text import clean, cut, one_line, with_link
from domain.ports import LinkKind
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, TicketSeen, TicketState

if TYPE_CHECKING:
    from adapters.tickets.servicenow import ServiceNowConfig

TITLE_LENGTH = 160
TEXT_LENGTH = 4000
DISPLAY = "Tocsin"
EVENTS = "em_event"
PROBLEM = "problem/"
"""What stands before the sys_id of a problem in the id of a ticket."""
KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
SHOWN = (
    "sys_id,number,state,priority,impact,urgency,short_description,correlation_id,sys_updated_on,sys_updated_by,"
    "assigned_to.name,assignment_group.name"
)
LEVELS = {Level.HIGH: "1", Level.MEDIUM: "2", Level.LOW: "3"}
PAIRS = {
    Priority.P1: ("1", "1"),
    Priority.P2: ("1", "2"),
    Priority.P3: ("2", "2"),
    Priority.P4: ("2", "3"),
    Priority.P5: ("3", "3"),
}
"""Impact and urgency of which ServiceNow's own table makes the priority."""
NUMBERS = {Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4", Priority.P5: "5"}
BY_NUMBER = {number: priority for priority, number in NUMBERS.items()}
STATES = {
    TicketState.OPEN: "1",
    TicketState.ACKNOWLEDGED: "2",
    TicketState.IN_PROGRESS: "2",
    TicketState.ON_HOLD: "3",
    TicketState.RESOLVED: "6",
    TicketState.CLOSED: "7",
}
PROBLEM_STATES = {
    TicketState.OPEN: "101",
    TicketState.ACKNOWLEDGED: "102",
    TicketState.IN_PROGRESS: "103",
    TicketState.ON_HOLD: "103",
    TicketState.RESOLVED: "106",
    TicketState.CLOSED: "107",
}
_SOLUTION = {"close_code": "Solution provided", "close_notes": "Recovered, says monitoring: {{ title }}"}
WITH_STATE = {
    TicketState.ON_HOLD: {"hold_reason": "1"},
    TicketState.RESOLVED: _SOLUTION,
    TicketState.CLOSED: _SOLUTION,
}
_FIX = {
    "resolution_code": "fix_applied",
    "cause_notes": "See work notes",
    "fix_notes": "Recovered, says monitoring: {{ title }}",
}
PROBLEM_WITH_STATE = {TicketState.RESOLVED: _FIX, TicketState.CLOSED: _FIX}
LINKS = {LinkKind.CHILD_OF: "parent_incident", LinkKind.CAUSED_BY: "problem_id"}


class Row(msgspec.Struct, rename={"assignee": "assigned_to.name", "group": "assignment_group.name"}):
    """A record, with the columns that we look at."""

    sys_id: Annotated[str, msgspec.Meta(min_length=1)]
    number: str = ""
    state: str = ""
    priority: str = ""
    short_description: str = ""
    correlation_id: str = ""
    sys_updated_on: str = ""
    sys_updated_by: str = ""
    assignee: str = ""
    group: str = ""


class One(msgspec.Struct):
    """An answer with a record."""

    result: Row


class Many(msgspec.Struct):
    """An answer with records."""

    result: list[Row]


class Raw(msgspec.Struct):
    """An answer of which any column counts."""

    result: dict[str, Any]


def to_new(config: ServiceNowConfig, ticket: DesiredTicket, *, is_problem: bool) -> dict[str, Any]:
    """Translate a ticket into the columns of a new record."""
    group = config.teams.get(ticket.team, config.group)
    return {
        "correlation_id": ticket.key,
        "correlation_display": DISPLAY,
        "state": config.words(is_problem=is_problem)[TicketState.OPEN],
        **({"assignment_group": group} if group else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: ServiceNowConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    impact, urgency = config.pair(ticket)
    return {
        "short_description": one_line(ticket.title, TITLE_LENGTH),
        "description": cut(with_link(ticket), TEXT_LENGTH),
        "impact": impact,
        "urgency": urgency,
        **render_fields(config.fields, ticket),
    }


def journal(text: str) -> str:
    """Keep a note from being HTML, which ``[code]`` would make it.

    >>> journal("[code]<b>")
    '[ code]<b>'
    """
    return cut(re.sub(r"\[(?=/?code\])", "[ ", clean(text), flags=re.IGNORECASE), TEXT_LENGTH)


def to_state(
    config: ServiceNowConfig, ticket: DesiredTicket, state: TicketState, *, is_problem: bool
) -> dict[str, Any]:
    """Return the columns that make a state."""
    defaults = PROBLEM_WITH_STATE if is_problem else WITH_STATE
    own = config.problem_state_fields if is_problem else config.state_fields
    word = config.words(is_problem=is_problem)[state]
    return {"state": word, **state_fields(defaults, own, ticket, state)}


def to_seen(config: ServiceNowConfig, row: Row, *, is_problem: bool) -> TicketSeen:
    """Say how a record stands."""
    return TicketSeen(
        id=id_of(row, is_problem=is_problem),
        at=shown_moment(f"ServiceNow {row.number}", row.sys_updated_on),
        actor=row.sys_updated_by,
        state=config.state(row.state, is_problem=is_problem),
        title=row.short_description,
        priority=BY_NUMBER.get(row.priority),
        assignee=row.assignee or row.group,
    )


def id_of(row: Row, *, is_problem: bool) -> str:
    """Name a record so that its table is told."""
    return f"{PROBLEM}{row.sys_id}" if is_problem else row.sys_id
