"""The ``calendars`` part of the YAML: when people work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.times import Millis
from notation import Label as Name
from routing.calendars import DAY, MINUTE, Calendar, Span

ALWAYS = "24x7"
"""Name of the calendar that is always there: around the clock."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_DAYS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?")


def known_zone(name: str) -> str:
    """Refuse what is no time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"there is no time zone {name!r}{_near(name)}; write it like Europe/Berlin"
        ) from None
    return name


def _near(name: str) -> str:
    found = get_close_matches(name, sorted(available_timezones()), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def weekdays(text: str) -> list[int]:
    """Read a day or a row of days, which may go over the week's end.

    >>> weekdays("mon-wed"), weekdays("sat-mon"), weekdays("sun")
    ([0, 1, 2], [5, 6, 0], [6])

    Raises:
        ValueError: saying how it should be written.
    """
    found = _DAYS.fullmatch(text)
    named = [day for day in found.groups() if day] if found else []
    if not named or any(day not in WEEKDAYS for day in named):
        raise ValueError(f"{text!r} is neither a weekday like mon, nor a row of them like mon-fri")
    first, last = (WEEKDAYS.index(day) for day in (named[0], named[-1]))
    return [day % 7 for day in range(first, last + 1 + (7 if last < first else 0))]


def hours(text: str) -> Span:
    """Read a span of the day.

    >>> hours("00:00-24:00")
    (0, 86400000)

    Raises:
        ValueError: saying how it should be written.
    """
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a span of the day; write it like 09:00-17:30")
    opens, closes = (_minutes(found[hour], found[hour + 1]) for hour in (1, 3))
    if not opens < closes <= DAY:
        raise ValueError(f"{text!r} should end after it begins, by 24:00; split what goes over midnight")
    return opens, closes


def _minutes(hour: str, minute: str) -> Millis:
    return (int(hour) * 60 + int(minute)) * MINUTE


def _checked_days(text: str) -> str:
    weekdays(text)
    return text


def _checked_hours(text: str) -> str:
    hours(text)
    return text


Zone = Annotated[str, AfterValidator(known_zone)]
Days = Annotated[str, AfterValidator(_checked_days)]
Hours = Annotated[str, AfterValidator(_checked_hours)]


class HolidaysConfig(BaseModel):
    """Public holidays of a country, as the library ``holidays`` knows them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Name = Field(description="Two letters of ISO 3166-1, like DE.")
    subdivision: str = Field(
        "", description="State or region as ISO 3166-2 names it in the country, like BY."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = holidays.list_supported_countries()
        if self.country not in known:
            raise ValueError(f"no holidays are known of a country {self.country!r}; write it like DE")
        if self.subdivision and self.subdivision not in known[self.country]:
            there_are = ", ".join(known[self.country]) or "none"
            raise ValueError(f"{self.country} has no subdivision {self.subdivision!r}; known: {there_are}")
        return self


class CalendarConfig(BaseModel):
    """When people work: hours of each weekday, in a time zone, without holidays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: Zone = Field("UTC", description="Name in the IANA database, like Europe/Berlin.")
    hours: dict[Days, Hours | Annotated[list[Hours], Field(min_length=1)]] = Field(
        min_length=1,
        description="Spans of the day by weekday (mon) or row of weekdays (mon-fri), like 09:00-17:30 or a list. "
        "Days that are not named are free.",
    )
    holidays: HolidaysConfig | None = Field(None, description="Public holidays on which nobody works.")
    closed: list[date] = Field(default_factory=list, description="More days on which nobody works.")
    opened: list[date] = Field(
        default_factory=list, description="Days that are worked on though they are public holidays."
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for day, spans in zip(WEEKDAYS, self._week(), strict=True):
            for before, after in pairwise(spans):
                if after[0] < before[1]:
                    raise ValueError(f"hours of {day} overlap; give each span once")
        return self

    def compile(self, name: str) -> Calendar:
        """Make the calendar that the core works with."""
        return Calendar(name, ZoneInfo(self.time_zone), self._week(), self._is_holiday())

    def _week(self) -> tuple[tuple[Span, ...], ...]:
        week: list[list[Span]] = [[] for _ in WEEKDAYS]
        for day, span in self._spans():
            week[day].append(span)
        return tuple(tuple(sorted(spans)) for spans in week)

    def _spans(self) -> Iterator[tuple[int, Span]]:
        for days, texts in self.hours.items():
            for text in [texts] if isinstance(texts, str) else texts:
                for day in weekdays(days):
                    yield day, hours(text)

    def _is_holiday(self) -> Callable[[date], bool]:
        closed, opened, public = frozenset(self.closed), frozenset(self.opened), self.holidays
        if public is None:
            return closed.__contains__
        country, subdivision = public.country, public.subdivision
        return lambda day: (
            day in closed or (day in public_holidays(country, subdivision, day.year) and day not in opened)
        )


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    """List a year's public holidays; a table, so asked for once.

    >>> date(2026, 6, 4) in public_holidays("DE", "BY", 2026), date(2026, 6, 4) in public_holidays("DE", "BE", 2026)
    (True, False)
    """
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def compile_calendars(calendars: Mapping[str, CalendarConfig]) -> dict[str, Calendar]:
    """Make the calendars that the core works with, by name."""
    return {name: calendar.compile(name) for name, calendar in calendars.items()}
