"""What messages in chats have in common: the words that stand above and below an incident's text. Pure."""

from __future__ import annotations

from adapters.tickets.text import one_line
from domain.ticket import DesiredTicket

SYMBOLS = {
    "open": "🔴",
    "acknowledged": "👀",
    "in_progress": "🔧",
    "on_hold": "⏸️",
    "resolved": "✅",
    "closed": "✅",
}


def headline(ticket: DesiredTicket, most: int) -> str:
    """Write the first line: how it stands at a glance, and the title."""
    return one_line(f"{SYMBOLS[ticket.state.value]} {ticket.priority.value} {ticket.title}", most)


def facts(ticket: DesiredTicket, most: int) -> str:
    """Write the line of facts."""
    parts = [
        f"state {ticket.state.value.replace('_', ' ')}",
        f"priority {ticket.priority.value}",
        ticket.service,
        ticket.team,
        f"incident {ticket.key}",
    ]
    return one_line(" · ".join(part for part in parts if part), most)
