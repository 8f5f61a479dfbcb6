"""The ``assignment`` and ``on_call`` parts of the YAML: who gets incidents."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.matching import Matcher
from domain.times import Millis, to_millis
from notation import Label as Name
from notation import MatchConfig, RuleConfig
from routing.assignment import AssignmentRule, Rotation, Shift
from routing.calendar_models import Zone
from routing.calendars import MINUTE

DAYS = {"daily": 1, "weekly": 7}
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of the day; write it like 09:00")
    return text


TimeOfDay = Annotated[str, AfterValidator(_time)]


class AssignmentRuleConfig(RuleConfig):
    """A rule that gives incidents to a team. It goes before the team of the CI and of the service."""

    match: MatchConfig = Field(
        description="Incidents that the rule is for, as in routes; the first that matches is taken."
    )
    team: Name = Field(description="The team that gets them.")

    def compile(self) -> AssignmentRule:
        """Make the rule that the core works with."""
        return AssignmentRule(self.id, Matcher.of(self.match), self.team)


class ShiftConfig(BaseModel):
    """A time in which somebody else is on call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Name = Field(description="The person, as tickets should name them.")
    start: datetime = Field(
        alias="from", description="Like 2026-12-24T18:00; local time unless it says another."
    )
    until: datetime = Field(description="The end, written like the beginning.")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if (self.start.tzinfo is None) is (self.until.tzinfo is None) and self.until <= self.start:
            raise ValueError("ends before it begins")
        return self

    def compile(self, zone: ZoneInfo) -> Shift:
        """Make the shift that the core works with."""
        return Shift(_moment(self.start, zone), _moment(self.until, zone), self.who)


def _moment(written: datetime, zone: ZoneInfo) -> Millis:
    return to_millis(written if written.tzinfo else written.replace(tzinfo=zone))


class RotationConfig(BaseModel):
    """Members of a team who take turns in being on call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: list[Name] = Field(
        min_length=1, description="The people, in their order, as tickets should name them."
    )
    every: Literal["daily", "weekly"] = Field("weekly", description="How long a turn lasts.")
    starts: date = Field(
        date(2024, 1, 1),
        description="Day on which the first member takes over; its weekday is that of the handover.",
    )
    handover: TimeOfDay = Field("09:00", description="Local time of the day at which they hand over.")
    time_zone: Zone = Field("UTC", description="Name in the IANA database, like Europe/Berlin.")
    overrides: list[ShiftConfig] = Field(
        default_factory=list,
        description="Times in which others are on call; the first that applies is taken.",
    )

    def compile(self) -> Rotation:
        """Make the rotation that the core works with."""
        zone = ZoneInfo(self.time_zone)
        hours, minutes = self.handover.split(":")
        return Rotation(
            members=tuple(self.members),
            first_day=self.starts,
            handover=(int(hours) * 60 + int(minutes)) * MINUTE,
            days=DAYS[self.every],
            zone=zone,
            overrides=tuple(shift.compile(zone) for shift in self.overrides),
        )
