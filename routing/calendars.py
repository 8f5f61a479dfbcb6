"""Business time: the hours in which people work, in their time zone, without their holidays. Pure.

A moment counts if its local time of day is within the hours of its local weekday, and its local date is no holiday.
So an hour that a clock change repeats counts twice, and one that it skips does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.times import Millis

MINUTE: Millis = 60_000
DAY = 24 * 60 * MINUTE
LONGEST = 3660
"""Days looked ahead; whatever needs longer will never be."""
_EPOCH = date(1970, 1, 1)
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""

Span = tuple[Millis, Millis]
"""From, and until before."""


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When people work."""

    name: str
    zone: ZoneInfo
    hours: tuple[tuple[Span, ...], ...]
    """Of each weekday, Monday first: spans of the local day, in order and apart from each other."""
    is_holiday: Callable[[date], bool] = field(default=lambda _: False)
    _days: dict[int, tuple[Span, ...]] = field(default_factory=dict, init=False, repr=False)
    """Spans worked out so far, by day since 1970 in UTC."""

    def is_open(self, moment: Millis) -> bool:
        """Tell whether people work."""
        return any(start <= moment < end for start, end in self.spans(moment // DAY))

    def closes_after(self, moment: Millis) -> Millis | None:
        """Find the end of the business time that *moment* is in; None if it is years away."""
        for day in range(moment // DAY, moment // DAY + LONGEST):
            for opens, closes in self.spans(day):
                if opens > moment:
                    return moment
                moment = max(moment, closes)
            if moment < (day + 1) * DAY:
                return moment
        return None

    def spans(self, day: int) -> tuple[Span, ...]:
        """List the spans of business time within a day of UTC, in order."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = tuple(self._worked_out(day * DAY))
        return known

    def _worked_out(self, start: Millis) -> Iterator[Span]:
        for (begin, end), offset in _pieces(start, start + DAY, self.zone):
            for local_day in range((begin + offset) // DAY, (end - 1 + offset) // DAY + 1):
                midnight = local_day * DAY - offset
                for opens, closes in self._hours_of(local_day):
                    span = max(begin, midnight + opens), min(end, midnight + closes)
                    if span[0] < span[1]:
                        yield span

    def _hours_of(self, local_day: int) -> tuple[Span, ...]:
        spans = self.hours[(local_day + _EPOCH_WEEKDAY) % 7]
        return () if not spans or self.is_holiday(_EPOCH + timedelta(days=local_day)) else spans


def elapsed(calendar: Calendar | None, start: Millis, end: Millis) -> Millis:
    """Measure the business time between two moments; None is a calendar around the clock."""
    if end <= start:
        return 0
    if calendar is None:
        return end - start
    days = range(start // DAY, (end - 1) // DAY + 1)
    return sum(
        max(0, min(end, closes) - max(start, opens)) for day in days for opens, closes in calendar.spans(day)
    )


def advance(calendar: Calendar | None, start: Millis, length: Millis) -> Millis | None:
    """Find the first moment by which *length* of business time has passed; None if it is years away.

    Length 0 gives *start* itself, whether people work then or not.
    """
    if calendar is None or length <= 0:
        return start + max(0, length)
    first, left = start // DAY, length
    for day in range(first, first + LONGEST):
        for opens, closes in calendar.spans(day):
            begin = max(start, opens)
            if closes - begin >= left:
                return begin + left
            left -= max(0, closes - begin)
    return None


def _pieces(start: Millis, end: Millis, zone: ZoneInfo) -> Iterator[tuple[Span, Millis]]:
    """Split a day where the zone's offset from UTC changes; yield each piece with its offset."""
    before, after = _offset(start, zone), _offset(end - 1, zone)
    if before == after:
        yield (start, end), before
        return
    low, high = start, end - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    yield (start, high), before
    yield (high, end), after


def _offset(moment: Millis, zone: ZoneInfo) -> Millis:
    local = datetime.fromtimestamp(moment // 1000, UTC).astimezone(zone)
    return (local.utcoffset() or timedelta()) // timedelta(milliseconds=1)
