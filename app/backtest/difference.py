"""What differs between two replays: which incidents there are, how urgent they are, what is lost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from app.backtest.tally import Summary, Tally
from domain.priority import Priority


class Kind(StrEnum):
    """What became of incidents."""

    SAME = "same"
    """One incident, made of what one was made of."""
    ADDED = "added"
    REMOVED = "removed"
    MERGED = "merged"
    SPLIT = "split"
    REGROUPED = "regrouped"
    """Several of what were several, cut differently."""


class Change(msgspec.Struct, frozen=True):
    """Incidents of both sides that share alerts, directly or through others."""

    kind: Kind
    before: tuple[Summary, ...]
    after: tuple[Summary, ...]

    @property
    def is_change(self) -> bool:
        """Whether anything is grouped differently, or gets other tickets."""
        return self.kind is not Kind.SAME or self.before[0].destinations != self.after[0].destinations

    @property
    def priorities(self) -> tuple[Priority | None, Priority | None]:
        """The highest before, and after."""
        return highest(self.before), highest(self.after)


class Figures(msgspec.Struct, frozen=True):
    """One side in numbers."""

    incidents: int
    tickets: Mapping[str, int]
    """By destination."""
    priorities: Mapping[str, int]
    """Incidents by the highest priority that they had."""
    noise_reduction: float
    """The share of alerts that opened no incident."""
    outcomes: Mapping[str, int]
    """Alerts by what became of them."""


class Difference(msgspec.Struct, frozen=True):
    """All that differs."""

    alerts: int
    before: Figures
    after: Figures
    changes: tuple[Change, ...]
    """Of all kinds, also what is the same."""
    p1_missed: tuple[Summary, ...]
    """P1 before, of which nothing is P1 after."""

    def of(self, kind: Kind) -> list[Change]:
        """List the changes of one kind."""
        return [each for each in self.changes if each.kind is kind]

    def reprioritised(self) -> list[Change]:
        """List those that are there on both sides, with another highest priority."""
        both = (each for each in self.changes if each.before and each.after)
        return [each for each in both if each.priorities[0] is not each.priorities[1]]


def difference(before: Tally, after: Tally, pairs: Counter[tuple[str, str]], alerts: int) -> Difference:
    """Compare two replays; *pairs* are incidents of both that share an alert."""
    partners: dict[str, list[str]] = {}
    for old, new in pairs:
        partners.setdefault(old, []).append(new)
    changes = [_change(*each, before, after) for each in _components(before, after, pairs)]
    missed = [
        each
        for each in _ordered(before.incidents.values())
        if each.priority is Priority.P1
        and not any(after.incidents[new].priority is Priority.P1 for new in partners.get(each.id, ()))
    ]
    return Difference(
        alerts,
        _figures(before, alerts),
        _figures(after, alerts),
        tuple(sorted(changes, key=lambda each: min(_age(one) for one in (*each.before, *each.after)))),
        tuple(missed),
    )


def highest(incidents: Sequence[Summary]) -> Priority | None:
    """Name the highest priority there is."""
    found = [each.priority for each in incidents if each.priority is not None]
    return min(found, key=lambda each: each.value, default=None)


def _components(
    before: Tally, after: Tally, pairs: Counter[tuple[str, str]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Find the incidents that hang together: a walk from each over what shares alerts with it."""
    near: dict[tuple[str, str], list[tuple[str, str]]] = {("old", old): [] for old in before.incidents}
    near |= {("new", new): [] for new in after.incidents}
    for old, new in pairs:
        near["old", old].append(("new", new))
        near["new", new].append(("old", old))
    while near:
        start = next(iter(near))
        found, ahead = [], [start]
        while ahead:
            node = ahead.pop()
            if node in near:
                found.append(node)
                ahead += near.pop(node)
        yield [id_ for side, id_ in found if side == "old"], [id_ for side, id_ in found if side == "new"]


def _change(old: list[str], new: list[str], before: Tally, after: Tally) -> Change:
    ours = tuple(_ordered([before.incidents[id_] for id_ in old]))
    theirs = tuple(_ordered([after.incidents[id_] for id_ in new]))
    return Change(_kind(len(ours), len(theirs)), ours, theirs)


def _kind(before: int, after: int) -> Kind:
    if not before:
        return Kind.ADDED
    if not after:
        return Kind.REMOVED
    if before == after == 1:
        return Kind.SAME
    if after == 1:
        return Kind.MERGED
    return Kind.SPLIT if before == 1 else Kind.REGROUPED


def _figures(tally: Tally, alerts: int) -> Figures:
    incidents = tally.incidents.values()
    tickets = Counter(name for each in incidents for name in each.destinations)
    priorities = Counter(each.priority.value for each in incidents if each.priority)
    reduction = 1 - len(incidents) / alerts if alerts else 0.0
    return Figures(
        len(incidents),
        dict(sorted(tickets.items())),
        dict(sorted(priorities.items())),
        round(reduction, 4),
        dict(sorted(tally.outcomes.items())),
    )


def _ordered(incidents: Iterable[Summary]) -> list[Summary]:
    return sorted(incidents, key=_age)


def _age(incident: Summary) -> tuple[int, str]:
    return incident.opened_at, incident.id
