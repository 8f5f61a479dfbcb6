"""The ``maintenance`` part of the YAML: when alerts of what are to be expected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from correlation.maintenance_rules import MaintenanceRule
from correlation.schedules import Once, Recurring, Schedule, check_rule
from domain.matching import Matcher
from domain.times import Millis
from notation import Duration, Label, MatchConfig, RuleConfig, lasting

LONGEST: Millis = 31 * 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write it like Europe/Berlin") from None
    return name


class MaintenanceConfig(RuleConfig):
    """Alerts that fit open nothing while the maintenance lasts; what still fires at its end opens its incident."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Labels or fields that an alert must have to be part of the maintenance, as in "
        "`correlation.groups`. Only with `ical` and `by` it may be left out.",
    )
    reason: str = Field("", description="What is done; shown with each alert that is kept quiet.")
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Time zone of `start`, `end` and `rrule`, like Europe/Berlin."
    )
    start: datetime | None = Field(
        None, description="When it begins, or of a recurrence the first time, like 2027-01-31T22:00."
    )
    end: datetime | None = Field(None, description="When it is over. Either this or `duration`.")
    duration: Duration | None = Field(
        None, description="How long it lasts. Either this or `end`; needed with `rrule`."
    )
    rrule: str = Field(
        "",
        description="Recurrence, a rule of RFC 5545 like FREQ=MONTHLY;BYDAY=2SU. It counts by the clock on the wall "
        "of the zone, from `start` on.",
    )
    ical: str = Field(
        "",
        description="A calendar instead: path of an iCalendar file, beside the configuration if it is relative, or "
        "its http(s) address. Each of its events is a window.",
    )
    by: dict[Literal["CATEGORIES", "LOCATION", "SUMMARY"], Label] = Field(
        default_factory=dict,
        description="With `ical`: properties of an event that say what it is about, each with the label or field that "
        "must have one of its values, like {CATEGORIES: service}. Events that lack one are no windows.",
    )
    refresh: Duration = lasting("15m", "How often the calendar is read again.", gt=0)

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.ical:
            return self._calendar()
        if self.start is None:
            raise ValueError("says not when: give start with end or duration, or ical")
        if self.by:
            raise ValueError("by is about the events of a calendar: it needs ical")
        if not self.match:
            raise ValueError("would keep every alert quiet: give match")
        if (self.end is None) is (self.duration is None):
            raise ValueError("says not how long: give either end or duration")
        if self.rrule:
            self._recurrence()
        elif self.schedule().end <= self.schedule().start:  # type: ignore[union-attr]
            raise ValueError("is over before it begins")
        return self

    def _calendar(self) -> Self:
        if self.start or self.end or self.duration or self.rrule:
            raise ValueError("ical says when; leave start, end, duration and rrule out")
        if not self.match and not self.by:
            raise ValueError("would keep every alert quiet: give match, or by")
        return self

    def _recurrence(self) -> None:
        assert self.start is not None
        if self.duration is None or not 0 < self.duration <= LONGEST:
            raise ValueError("a recurrence needs a duration, of 31d at most")
        if self.start.tzinfo is not None:
            raise ValueError("the start of a recurrence is local time: leave its offset out, and give zone")
        check_rule(self.rrule, self.start)

    def schedule(self) -> Schedule:
        """Say when it is; not for a calendar."""
        assert self.start is not None
        if self.rrule:
            first = self.start.isoformat(timespec="seconds")
            return Recurring(self.rrule, self.zone, first, self.duration or 0)
        start = self._millis(self.start)
        return Once(start, start + self.duration if self.duration else self._millis(self.end or self.start))

    def compile(self) -> MaintenanceRule:
        """Make the rule that the core works with; not for a calendar."""
        return MaintenanceRule(self.id, Matcher.of(self.match), self.schedule(), self.reason)

    def _millis(self, moment: datetime) -> Millis:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone))
        return (aware - _EPOCH) // timedelta(milliseconds=1)
