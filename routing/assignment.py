"""Who gets an incident: its team, and of that the person on call. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.matching import Matcher
from domain.times import Millis, to_millis
from routing.calendars import DAY


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """Gives the incidents it matches to a team, whatever service they are of."""

    id: str
    match: Matcher
    team: str


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is on call, from *start* until before *end*, whatever the rotation says."""

    start: Millis
    end: Millis
    who: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """The members of a team take turns, and hand over at a time of the local day."""

    members: tuple[str, ...]
    first_day: date
    """The day on which the first member takes over."""
    handover: Millis
    """Time of the local day."""
    days: int
    """Length of a turn."""
    zone: ZoneInfo
    overrides: tuple[Shift, ...] = field(default=())


def on_call(rotation: Rotation, now: Millis) -> tuple[str, Millis]:
    """Say who is on call, and until when that may be said."""
    turn = _turn(rotation, now)
    who, until = rotation.members[turn % len(rotation.members)], _begins(rotation, turn + 1)
    taken = next((shift for shift in rotation.overrides if shift.start <= now < shift.end), None)
    if taken is not None:
        return taken.who, taken.end
    coming = [shift.start for shift in rotation.overrides if now < shift.start < until]
    return who, min([until, *coming])


def _turn(rotation: Rotation, now: Millis) -> int:
    """Count the turns since the first; before it they are counted backwards."""
    local = datetime.fromtimestamp(now // 1000, UTC).astimezone(rotation.zone)
    turn = (local.date() - rotation.first_day).days // rotation.days
    return turn if _begins(rotation, turn) <= now else turn - 1


def _begins(rotation: Rotation, turn: int) -> Millis:
    """Say when a turn begins. A time that a clock change skips is taken as the hour after it."""
    day = rotation.first_day + timedelta(days=turn * rotation.days)
    minutes = rotation.handover % DAY // 60_000
    local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=rotation.zone)
    return to_millis(local.astimezone(UTC))
