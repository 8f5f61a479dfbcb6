"""When maintenance is: once, or again and again by the clock on the wall of a time zone. Pure.

A rule of RFC 5545 (``FREQ=WEEKLY;BYDAY=SU``) is about local time. A window that begins at 22:00 does so in summer and
winter; one that would begin in the hour that is skipped in spring begins when that hour would have been over. It
lasts as long as it was said to, whatever the clock does meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from domain.times import Millis

Window: TypeAlias = tuple[Millis, Millis]
DAY: Millis = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL_UTC = re.compile(r"(?<=UNTIL=)(\d{8}T\d{6})Z")


@dataclass(frozen=True, slots=True)
class Once:
    """One window."""

    start: Millis
    end: Millis


@dataclass(frozen=True, slots=True)
class Recurring:
    """Windows at each moment that a rule names."""

    rule: str
    """An RRULE's value."""
    zone: str
    first: str
    """Local date and time in ISO 8601, from which the rule counts."""
    lasts: Millis


Schedule = Once | Recurring


def window_at(schedule: Schedule, now: Millis) -> Window | None:
    """Give the window that *now* is in; of several the one that ends last.

    >>> window_at(Once(10, 20), 19), window_at(Once(10, 20), 20)
    ((10, 20), None)
    """
    if isinstance(schedule, Once):
        return (schedule.start, schedule.end) if schedule.start <= now < schedule.end else None
    lasts = schedule.lasts
    begun = [start for start in _starts(schedule, now // DAY) if start <= now < start + lasts]
    return (begun[-1], begun[-1] + lasts) if begun else None


def check_rule(rule: str, first: datetime) -> None:
    """See whether a rule can be used.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if "\n" in rule or not rule.startswith("FREQ="):
        raise ValueError("a rule is written like FREQ=WEEKLY;BYDAY=SU")
    if re.match(r"FREQ=(SECONDLY|MINUTELY|HOURLY)", rule):
        raise ValueError("a rule names days; use FREQ=DAILY with BYHOUR for more than one a day")
    try:
        rrulestr(_local_until(rule, "UTC"), dtstart=first)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"it is no rule of RFC 5545: {error}") from None


@lru_cache(maxsize=4096)
def _starts(schedule: Recurring, day: int) -> tuple[Millis, ...]:
    """List the beginnings of windows that a moment of this day, in UTC, may be in."""
    zone, slack = ZoneInfo(schedule.zone), timedelta(days=1)  # no clock is farther from UTC
    rule = rrulestr(
        _local_until(schedule.rule, schedule.zone), dtstart=datetime.fromisoformat(schedule.first)
    )
    after, before = _naive(day * DAY - schedule.lasts), _naive((day + 1) * DAY)
    walls = rule.between(after - slack, before + slack, inc=True)
    return tuple(sorted((wall.replace(tzinfo=zone) - _EPOCH) // timedelta(milliseconds=1) for wall in walls))


def _naive(moment: Millis) -> datetime:
    return (_EPOCH + timedelta(milliseconds=moment)).replace(tzinfo=None)


def _local_until(rule: str, zone: str) -> str:
    """RFC 5545 writes UNTIL in UTC, but the rule counts in local time."""

    def local(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return moment.astimezone(ZoneInfo(zone)).strftime("%Y%m%dT%H%M%S")

    return _UNTIL_UTC.sub(local, rule)
