"""How a backtest is told: figures side by side, then what differs, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.backtest.difference import Change, Difference, Figures, Kind
from app.backtest.running import Backtest
from app.backtest.tally import Summary
from app.cli.check import counted
from domain.times import to_text

TITLES = {
    Kind.ADDED: "Added: their alerts opened no incident before",
    Kind.REMOVED: "Removed: their alerts open no incident any more",
    Kind.MERGED: "Merged",
    Kind.SPLIT: "Split",
    Kind.REGROUPED: "Cut differently",
}


def print_report(backtest: Backtest, found: Difference, *, compared: bool, most: int) -> None:
    """Print it; *most* of a kind are named one by one."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text("\n".join(_head(backtest))))
    console.print(_figures(found, compared=compared))
    if not compared:
        return
    for kind, title in TITLES.items():
        _print_list(console, title, [_told(each) for each in found.of(kind)], most)
    moved = [f"{_priorities(each)}  {_told(each)}" for each in found.reprioritised()]
    _print_list(console, "Other priority", moved, most)
    _print_list(
        console, "P1 missed: P1 before, and no P1 now", [_named(each) for each in found.p1_missed], most
    )
    same = sum(not each.is_change for each in found.changes)
    console.print(Text(f"\n{counted(same, 'incident')} of {len(found.changes):,} as before"))


def report_view(backtest: Backtest, found: Difference) -> dict[str, Any]:
    """Show all of it, for programs."""
    return {
        "alerts": backtest.alerts,
        "from": to_text(backtest.began or 0),
        "to": to_text(backtest.ended),
        "unread": dict(sorted(backtest.after.unread.items())),
        "acts_on_unknown_incidents": backtest.strangers,
        "before": found.before,
        "after": found.after,
        "incidents": {
            kind.value: [_change_view(each) for each in found.of(kind)]
            for kind in Kind
            if kind is not Kind.SAME
        },
        "same": len(found.of(Kind.SAME)),
        "priority_changes": [_change_view(each) for each in found.reprioritised()],
        "tickets": _ticket_changes(found),
        "p1_missed": [_view(each) for each in found.p1_missed],
    }


def _head(backtest: Backtest) -> Iterator[str]:
    if backtest.began is not None:
        between = f"{to_text(backtest.began)} to {to_text(backtest.ended)}"
        yield f"{counted(backtest.alerts, 'alert')} from {between}"
    else:
        yield "nothing was recorded"
    for source, count in sorted(backtest.after.unread.items()):
        yield f"{counted(count, 'request')} to source {source} could not be read"
    if backtest.strangers:
        yield f"{counted(backtest.strangers, 'act')} of people on incidents from before the recording left out"


def _figures(found: Difference, *, compared: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", *(["before", "after", ""] if compared else [""])):
        table.add_column(column, justify="right" if column else "left")
    for name, old, new in _rows(found.before, found.after):
        cells = [f"{old:,}", f"{new:,}", f"{new - old:+,}" if new != old else ""]
        table.add_row(name, *(cells if compared else cells[1:2]))
    noise = [f"{each.noise_reduction:.1%}" for each in (found.before, found.after)]
    table.add_row("noise reduction", *(noise if compared else noise[1:]))
    return table


def _rows(before: Figures, after: Figures) -> Iterator[tuple[str, int, int]]:
    yield "incidents", before.incidents, after.incidents
    for name in sorted(before.priorities.keys() | after.priorities.keys()):
        yield f"  {name}", before.priorities.get(name, 0), after.priorities.get(name, 0)
    for name in sorted(before.tickets.keys() | after.tickets.keys()):
        yield f"tickets in {name}", before.tickets.get(name, 0), after.tickets.get(name, 0)
    for name in sorted(before.outcomes.keys() | after.outcomes.keys()):
        yield f"alerts {name}", before.outcomes.get(name, 0), after.outcomes.get(name, 0)


def _ticket_changes(found: Difference) -> dict[str, dict[str, int]]:
    """Count tickets that are made only now, or not any more, by destination."""
    changed: dict[str, dict[str, int]] = {"added": {}, "removed": {}}
    names = found.before.tickets.keys() | found.after.tickets.keys()
    for each in found.changes:
        for name in names:
            more = _tickets(each.after, name) - _tickets(each.before, name)
            if more:
                side = changed["added" if more > 0 else "removed"]
                side[name] = side.get(name, 0) + abs(more)
    return {kind: dict(sorted(counts.items())) for kind, counts in changed.items()}


def _tickets(incidents: Sequence[Summary], destination: str) -> int:
    return sum(destination in each.destinations for each in incidents)


def _print_list(console: Console, title: str, lines: Sequence[str], most: int) -> None:
    if not lines:
        return
    console.print(Text(f"\n{title} ({len(lines):,})"))
    for line in lines[:most]:
        console.print(Text(f"  {line}"))
    if len(lines) > most:
        console.print(Text(f"  and {len(lines) - most:,} more"))


def _told(change: Change) -> str:
    ours, theirs = change.before, change.after
    first = (theirs or ours)[0]
    count = f"{len(ours)} → {len(theirs)}: " if change.kind in TITLES and ours and theirs else ""
    return count + _named(first)


def _named(incident: Summary) -> str:
    priority = incident.priority.value if incident.priority else "no priority"
    made_of = f"{incident.rule} {incident.group}, {counted(incident.alerts, 'alert')}"
    return f"{to_text(incident.opened_at)[:19]} [{priority}] {incident.title} ({made_of})"


def _priorities(change: Change) -> str:
    old, new = change.priorities
    return f"{old or 'none'} → {new or 'none'}"


def _change_view(change: Change) -> Mapping[str, Any]:
    return {
        "before": [_view(each) for each in change.before],
        "after": [_view(each) for each in change.after],
    }


def _view(incident: Summary) -> Mapping[str, Any]:
    return {
        "id": incident.id,
        "title": incident.title,
        "rule": incident.rule,
        "group": incident.group,
        "opened_at": to_text(incident.opened_at),
        "alerts": incident.alerts,
        "priority": incident.priority,
        "destinations": sorted(incident.destinations),
    }
