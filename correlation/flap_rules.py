"""When an alert flaps, by the moments at which it began and ended. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from domain.durations import lasting
from domain.times import Millis


@dataclass(frozen=True, slots=True)
class FlapRule:
    """An alert flaps from so many changes within a time on, until it has not changed for a while."""

    changes: int = 6
    within: Millis = 30 * 60_000
    quiet: Millis = 15 * 60_000

    def plus(self, known: tuple[Millis, ...], at: Millis) -> tuple[Millis, ...]:
        """Note a change: no more of them than it takes to flap, none that is too long ago.

        >>> FlapRule(changes=3, within=100).plus((1, 50, 90), 120)
        (50, 90, 120)
        """
        moments = sorted((*known, at))
        return tuple(each for each in moments if moments[-1] - each <= self.within)[-self.changes :]

    def flaps(self, changes: tuple[Millis, ...]) -> bool:
        """Tell whether these are too many."""
        return len(changes) >= self.changes

    @property
    def words(self) -> str:
        """Say what makes it flap."""
        return f"changed {self.changes} times within {lasting(self.within)}"
