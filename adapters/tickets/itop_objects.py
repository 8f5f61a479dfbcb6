"""iTop's objects and life cycles, and our tickets in their words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from adapters.tickets.fields import render_fields, state_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.priorities import priority_of
from adapters.tickets.text import one_line, to_html_within, with_link
from domain.priority import Priority
from domain.ticket import DesiredTicket, TicketSeen, TicketState

if TYPE_CHECKING:
    from adapters.tickets.itop import ItopConfig

TITLE_LENGTH = 255
HTML_BYTES = 60_000
KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
INCIDENT, PROBLEM = "Incident", "Problem"
SHOWN = (
    "ref,title,description,status,priority,last_update,agent_id,agent_id_friendlyname,team_id_friendlyname"
)
PAIRS = {
    Priority.P1: ("1", "1"),
    Priority.P2: ("2", "2"),
    Priority.P3: ("2", "3"),
    Priority.P4: ("3", "4"),
    Priority.P5: ("3", "4"),
}
"""Impact and urgency of which iTop's own table makes the priority."""
NUMBERS = {Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4", Priority.P5: "4"}
STATES = {
    "new": TicketState.OPEN,
    "escalated_tto": TicketState.OPEN,
    "dispatched": TicketState.OPEN,
    "assigned": TicketState.OPEN,
    "escalated_ttr": TicketState.OPEN,
    "pending": TicketState.ON_HOLD,
    "resolved": TicketState.RESOLVED,
    "closed": TicketState.CLOSED,
}
"""Assigned says nothing of itself: iTop makes it of a ticket that is open again."""
HELD = {"assigned", "escalated_ttr"}
"""Statuses in which somebody has the ticket."""
ASSIGN, HOLD, RESOLVE, CLOSE, REOPEN = "ev_assign", "ev_pending", "ev_resolve", "ev_close", "ev_reopen"
AUTORESOLVE = "ev_autoresolve"
_SOLUTION = {"solution": "Recovered, says monitoring: {{ title | e }}", "resolution_code": "other"}
WITH_STATE = {
    TicketState.ON_HOLD: {"pending_reason": "On hold in monitoring"},
    TicketState.RESOLVED: _SOLUTION,
}


class Entry(msgspec.Struct, rename={"kind": "class"}):
    """One object of an answer."""

    kind: str
    key: str | int
    fields: dict[str, Any] = {}
    code: int = 0
    message: str = ""

    @property
    def id(self) -> str:
        """How iTop names it."""
        return f"{self.kind}::{self.key}"

    @property
    def number(self) -> int:
        """The key as a number; newer ones are larger."""
        return int(self.key) if str(self.key).isdecimal() else 0

    def text(self, name: str) -> str:
        """Return a field as text."""
        return str(self.fields.get(name) or "")


class Answer(msgspec.Struct):
    """What iTop answers to everything; the code says whether it was done."""

    code: int
    message: str | None = None
    objects: dict[str, Entry] | None = None


def to_new(config: ItopConfig, ticket: DesiredTicket, kind: str) -> dict[str, Any]:
    """Translate a ticket into what iTop creates."""
    return {
        "org_id": f"SELECT Organization WHERE name = '{config.organization}'",
        "caller_id": f"SELECT Person WHERE email = '{config.caller}'",
        **({"origin": "monitoring"} if kind == INCIDENT else {}),
        **({config.key_field: ticket.key} if config.key_field else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: ItopConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date. Without a field for it the key is the description's last line."""
    own = config.priorities.get(ticket.priority)
    impact, urgency = (own.impact, own.urgency) if own is not None else PAIRS[ticket.priority]
    text = f"<p>{to_html_within(with_link(ticket), HTML_BYTES)}</p>"
    return {
        "title": one_line(ticket.title, TITLE_LENGTH),
        "description": text if config.key_field else f"{text}<p>Tocsin: {ticket.key}</p>",
        "impact": impact,
        "urgency": urgency,
        **render_fields(config.fields, ticket),
    }


def has_key(config: ItopConfig, entry: Entry, key: str) -> bool:
    """Tell whether our key is in an object."""
    if config.key_field:
        return entry.text(config.key_field) == key
    return re.search(rf"Tocsin: {re.escape(key)}(?![\w.-])", entry.text("description")) is not None


def way(status: str, wanted: TicketState, *, kind: str, can_assign: bool) -> list[str] | None:
    """Return the stimuli that lead from *status* to a state; None where no way leads there.

    >>> way("new", TicketState.RESOLVED, kind="Incident", can_assign=True)
    ['ev_assign', 'ev_resolve']
    >>> way("closed", TicketState.OPEN, kind="Incident", can_assign=True) is None
    True
    """
    if wanted is TicketState.OPEN:
        return [] if status not in {"resolved", "closed"} else [REOPEN] if _may_reopen(status, kind) else None
    if wanted is TicketState.CLOSED:
        before = (
            []
            if status == "resolved"
            else way(status, TicketState.RESOLVED, kind=kind, can_assign=can_assign)
        )
        return [] if status == "closed" else None if before is None else [*before, CLOSE]
    to_hand = [] if status in HELD else [ASSIGN] if can_assign else None
    if wanted is TicketState.RESOLVED:
        if to_hand is None:
            return [AUTORESOLVE] if kind == INCIDENT else None
        return [*to_hand, RESOLVE]
    if wanted is TicketState.ON_HOLD:
        return None if to_hand is None or kind == PROBLEM else [*to_hand, HOLD]
    return to_hand


def to_stimulus(config: ItopConfig, ticket: DesiredTicket, entry: Entry, stimulus: str) -> dict[str, Any]:
    """Return the fields that a stimulus wants."""
    if stimulus == ASSIGN:
        if entry.text("agent_id") not in {"", "0"}:
            return {}  # who had it before has it again
        team = config.teams.get(ticket.team, config.team)
        named = {"team_id": f"SELECT Team WHERE name = '{team}'"} if team else {}
        return {**named, "agent_id": f"SELECT Person WHERE email = '{config.agent}'"}
    states = {HOLD: TicketState.ON_HOLD, CLOSE: TicketState.CLOSED, REOPEN: TicketState.OPEN}
    state = states.get(stimulus, TicketState.RESOLVED)
    return state_fields(WITH_STATE, config.state_fields, ticket, state)


def to_seen(config: ItopConfig, entry: Entry) -> TicketSeen:
    """Say how a ticket stands."""
    return TicketSeen(
        id=entry.id,
        at=shown_moment(f"iTop {entry.id}", entry.text("last_update"), ZoneInfo(config.time_zone)),
        state=config.state(entry.text("status")),
        title=entry.text("title"),
        priority=priority_of(entry.text("priority"), NUMBERS),
        assignee=entry.text("agent_id_friendlyname") or entry.text("team_id_friendlyname"),
    )


def _may_reopen(status: str, kind: str) -> bool:
    return status == "resolved" and kind == INCIDENT
