"""What the demo prints in the end: the incidents, what was spared, and the books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.check import counted
from app.cli.demo.books import Books, faults
from app.cli.demo.client import Incident

COLOURS = {"P1": "bold red", "P2": "red", "P3": "yellow", "P4": "cyan", "P5": "dim"}

NAMES = ("", "State", "Service", "Title", "Team", "Alerts", "Events", "Ticket")
FIGURES = ("Alerts", "Events")
LEAST = {NAMES.index(name): least for name, least in (("Title", 12), ("Team", 8), ("Service", 8))}
"""Columns that may be cut where the terminal is narrow, and what is left of them."""
GAP = 2


def print_report(console: Console, books: Books) -> bool:
    """Print everything; tell whether all is accounted for."""
    console.print()
    console.print(_table(books.incidents, console.width))
    for line in (*_reduction(books), "", *_accounting(books)):
        console.print(Text(line), soft_wrap=True)
    wrong = list(faults(books))
    for fault in wrong:
        console.print(Text(f"  ✗ {fault}", "bold red"), soft_wrap=True)
    if not wrong:
        for line in _proofs(books):
            console.print(Text(f"  ✓ {line}", "bold green"), soft_wrap=True)
    return not wrong


def in_order(incidents: Sequence[Incident]) -> list[Incident]:
    """Sort as they should be worked on: by priority, those open first, then the largest."""
    return sorted(incidents, key=lambda each: (each.priority or "P9", each.state, -each.alerts, each.id))


def _table(incidents: Sequence[Incident], width: int) -> Table:
    ordered = in_order(incidents)
    rows = [list(_row(incident)) for incident in ordered]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, most in zip(NAMES, _widths(rows, width), strict=True):
        side: Literal["left", "right"] = "right" if name in FIGURES else "left"
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify=side, max_width=most)
    for row, incident in zip(rows, ordered, strict=True):
        table.add_row(*map(Text, row), style=_style(incident))
    return table


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Fit the columns in: first the titles give way, then what can be cut too."""
    widths = [max(map(len, column)) for column in zip(NAMES, *rows, strict=True)]
    over = sum(widths) + GAP * (len(widths) - 1) - width
    for column, least in LEAST.items():
        spared = max(0, min(over, widths[column] - least))
        widths[column] -= spared
        over -= spared
    return widths


def _row(incident: Incident) -> Iterator[str]:
    yield incident.priority or "-"
    yield incident.state
    yield incident.service or ", ".join(incident.services) or "-"
    yield incident.title
    yield incident.team or "-"
    yield f"{incident.alerts:,}"
    yield f"{incident.events:,}"
    yield ", ".join(ticket.id or ticket.state for ticket in incident.tickets) or "none"


def _style(incident: Incident) -> str:
    return COLOURS.get(incident.priority or "", "") if incident.state == "open" else "dim"


def _reduction(books: Books) -> Iterator[str]:
    events, tickets = books.stats.accepted, books.tickets
    spared = f": {1 - tickets / events:.1%} less to look at" if events else ""
    yield ""
    yield (
        f"Noise      {counted(events, 'event')} → {counted(len(books.incidents), 'incident')} "
        f"→ {counted(tickets, 'ticket')}{spared}"
    )


def _accounting(books: Books) -> Iterator[str]:
    stats = books.stats
    yield f"Accounting {stats.accepted:,} accepted = {stats.in_flight:,} in flight + {books.settled:,} with an outcome:"
    for name, count in sorted(stats.outcomes.items(), key=lambda each: (-each[1], each[0])):
        yield f"  {count:>7,} {name}"


def _proofs(books: Books) -> Iterator[str]:
    yield f"it adds up: all {books.posted:,} alerts posted were accepted, and each has exactly one outcome"
    yield f"each of the {books.tickets:,} incidents has exactly one ticket, and it shows the latest"
