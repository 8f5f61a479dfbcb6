"""Thresholds of group rules, compiled; and what is counted for them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from domain.durations import lasting
from domain.times import Millis


class Occurrences(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What happened lately in a group that has no incident yet: no more of it than its threshold asks for."""

    times: tuple[Millis, ...] = ()
    """The last ones, in order."""
    places: tuple[tuple[Millis, str], ...] = ()
    """Where: the last moment at each, in order."""

    @property
    def last(self) -> Millis:
        """When the last of it was."""
        return max([*self.times, *(at for at, _ in self.places)], default=0)


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much must happen within a time."""

    within: Millis
    count: int = 0
    """Occurrences; 0 where their number does not matter."""
    distinct: str = ""
    """Label or field whose values are counted."""
    at_least: int = 0
    """Different values; 0 where they do not matter."""

    def plus(self, known: Occurrences, at: Millis, place: str) -> Occurrences:
        """Count one more, in whatever order they come."""
        times = tuple(sorted((*known.times, at))[-self.count :]) if self.count else ()
        if not self.at_least or not place:
            return Occurrences(times, known.places)
        last = {name: moment for moment, name in known.places}
        last[place] = max(at, last.get(place, at))
        return Occurrences(
            times, tuple(sorted((moment, name) for name, moment in last.items())[-self.at_least :])
        )

    def is_reached(self, counted: Occurrences) -> bool:
        """Tell whether that is enough.

        >>> Threshold(60, count=2).is_reached(Occurrences((100, 160)))
        True
        """
        return self._is_dense(counted.times, self.count) and self._is_dense(
            [at for at, _ in counted.places], self.at_least
        )

    def _is_dense(self, times: tuple[Millis, ...] | list[Millis], needed: int) -> bool:
        return not needed or (len(times) >= needed and times[-1] - times[-needed] <= self.within)

    @property
    def words(self) -> str:
        """Say what is asked for."""
        wanted = [f"{self.count} times"] if self.count else []
        wanted += [f"for {self.at_least} different {self.distinct}"] if self.at_least else []
        return f"has to fire {' and '.join(wanted)} within {lasting(self.within)} first"
