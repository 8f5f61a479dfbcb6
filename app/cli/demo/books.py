"""Whether all is accounted for, and what is wrong if not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.cli.demo.client import Incident, Stats

NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Books:
    """What was posted, and what the server says became of it."""

    posted: int
    stats: Stats
    incidents: Sequence[Incident]
    creates: int
    """Tickets that the ticketing tool made, by its own calls."""

    @property
    def settled(self) -> int:
        """Alerts that had an outcome."""
        return sum(self.stats.outcomes.values())

    @property
    def add_up(self) -> bool:
        """Whether each accepted alert is in flight or had one outcome, and all that was posted was accepted."""
        return self.posted == self.stats.accepted == self.stats.in_flight + self.settled

    @property
    def tickets(self) -> int:
        """Tickets that incidents name, each counted once."""
        return len(_ids(self.incidents))


def is_settled(stats: Stats, incidents: Sequence[Incident]) -> bool:
    """Tell whether nothing is on its way any more, alert or ticket."""
    waiting = any(each.pending for each in stats.destinations.values())
    return not (stats.in_flight or waiting or any(map(_lags, incidents)))


def faults(books: Books) -> Iterator[str]:
    """Say what does not add up; nothing if all does."""
    stats = books.stats
    if books.posted != stats.accepted:
        yield f"{books.posted:,} alerts were posted, but {stats.accepted:,} accepted"
    if stats.accepted != stats.in_flight + books.settled:
        yield (
            f"{stats.accepted:,} alerts were accepted, but {stats.in_flight:,} are in flight "
            f"and {books.settled:,} had an outcome"
        )
    if stats.in_flight:
        yield f"{stats.in_flight:,} alerts are still in flight"
    for name, destination in stats.destinations.items():
        if destination.pending or destination.parked:
            yield f"{name}: {destination.pending:,} tickets are pending, {destination.parked:,} are parked"
    yield from _ticket_faults(books)


def _ticket_faults(books: Books) -> Iterator[str]:
    if not books.incidents:
        yield "there are no incidents"
    odd = [incident.id for incident in books.incidents if not _has_one_ticket(incident)]
    if odd:
        yield f"{len(odd):,} incidents have not exactly one ticket: {_some(odd)}"
    shared = [name for name, count in _ids(books.incidents).items() if count > 1]
    if shared:
        yield f"{len(shared):,} tickets belong to more than one incident: {_some(shared)}"
    if books.creates != len(books.incidents):
        yield f"{len(books.incidents):,} incidents had {books.creates:,} tickets made for them"
    late = [incident.id for incident in books.incidents if _lags(incident)]
    if late:
        yield f"{len(late):,} tickets do not show the latest of their incident: {_some(late)}"


def _has_one_ticket(incident: Incident) -> bool:
    return len(incident.tickets) == 1 and incident.tickets[0].id is not None


def _lags(incident: Incident) -> bool:
    """Tell whether its tickets do not show yet what is known."""
    return any(ticket.id is None or ticket.version != incident.revision for ticket in incident.tickets)


def _ids(incidents: Sequence[Incident]) -> Counter[str]:
    return Counter(ticket.id for incident in incidents for ticket in incident.tickets if ticket.id)


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")
