"""How well a grouping agrees with the truth. Alerts that belong to no incident are left out, but for the reduction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

Truth = Sequence[str | None]
Groups = Sequence[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """What is printed of a grouping; shares, from 0 to 1."""

    precision: float
    """Of the pairs of alerts in one of our incidents, those that belong together."""
    recall: float
    """Of the pairs that belong together, those in one of our incidents."""
    bcubed: float
    """B³ F1: the same by alert instead of by pair, so large incidents do not outweigh (Bagga & Baldwin 1998)."""
    reduction: float
    """Alerts that open no incident; repeats and ends are not counted, which would flatter it."""
    over_merged: float
    """Of our incidents, those that hold at least half of the alerts of more than one true incident."""
    swallowed: float
    """Of the true incidents, those that are most of none of ours."""
    p1_recall: float = 1.0
    """Of the true incidents that are P1, those of which an alert is in an incident of ours that was P1."""

    @property
    def f1(self) -> float:
        """Of pairs."""
        return harmonic(self.precision, self.recall)


def quality(truth: Truth, groups: Groups, p1_recall: float = 1.0) -> Quality:
    """Compare."""
    known = [(ours, theirs) for ours, theirs in zip(groups, truth, strict=True) if theirs is not None]
    cells = Counter(known)
    ours, theirs = Counter(each for each, _ in known), Counter(each for _, each in known)
    together = _pairs(cells)
    return Quality(
        precision=together / _pairs(ours) if _pairs(ours) else 1.0,
        recall=together / _pairs(theirs) if _pairs(theirs) else 1.0,
        bcubed=_bcubed(cells, ours, theirs),
        reduction=1 - len(set(groups)) / len(groups),
        over_merged=_over_merged(cells, theirs) / len(set(groups)),
        swallowed=_swallowed(cells, theirs),
        p1_recall=p1_recall,
    )


def harmonic(precision: float, recall: float) -> float:
    """F1.

    >>> harmonic(1.0, 0.5)
    0.6666666666666666
    """
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _pairs(sizes: Mapping[Any, int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def _bcubed(
    cells: Mapping[tuple[str, str], int], ours: Mapping[str, int], theirs: Mapping[str, int]
) -> float:
    total = sum(cells.values())
    precision = sum(size * size / ours[mine] for (mine, _), size in cells.items()) / total
    recall = sum(size * size / theirs[true] for (_, true), size in cells.items()) / total
    return harmonic(precision, recall)


def _over_merged(cells: Mapping[tuple[str, str], int], theirs: Mapping[str, int]) -> int:
    halves = Counter(mine for (mine, true), size in cells.items() if 2 * size >= theirs[true])
    return sum(count > 1 for count in halves.values())


def _swallowed(cells: Mapping[tuple[str, str], int], theirs: Mapping[str, int]) -> float:
    most: dict[str, tuple[int, str]] = {}
    for (mine, true), size in cells.items():
        most[mine] = max(most.get(mine, (0, "")), (size, true))
    return 1 - len({true for _, true in most.values()}) / len(theirs)


def averaged(runs: Sequence[Quality]) -> Quality:
    """Average over runs with different seeds."""
    return Quality(*(mean(getattr(run, name) for run in runs) for name in Quality.__dataclass_fields__))
