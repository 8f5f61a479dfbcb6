"""Business time, against a model that asks each minute whether people work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.times import Millis, to_millis
from routing.adjustments import next_turn
from routing.calendars import Calendar, advance, elapsed

MINUTE: Millis = 60_000
HOUR = 60 * MINUTE
OFFICE = ((9 * HOUR, 17 * HOUR),)
WEEK = (*(OFFICE,) * 5, (), ())

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
CHANGES = (
    datetime(2026, 3, 28, tzinfo=UTC),  # Europe leaps forward
    datetime(2026, 10, 24, tzinfo=UTC),  # and back
    datetime(2026, 10, 31, tzinfo=UTC),  # New York goes back
    datetime(2026, 4, 4, tzinfo=UTC),  # Lord Howe, by half an hour
    datetime(2011, 12, 29, tzinfo=UTC),  # Samoa leaves out a day
)


def calendar(zone: str = "Europe/Berlin", hours=WEEK, holidays: frozenset[date] = frozenset()) -> Calendar:
    return Calendar("office", ZoneInfo(zone), hours, holidays.__contains__)


def works(calendar: Calendar, moment: Millis) -> bool:
    """The definition, asked of one moment."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).astimezone(calendar.zone)
    time_of_day = (local.hour * 60 + local.minute) * MINUTE
    spans = calendar.hours[local.weekday()]
    return not calendar.is_holiday(local.date()) and any(a <= time_of_day < b for a, b in spans)


@st.composite
def days(draw) -> tuple[tuple[Millis, Millis], ...]:
    cuts = sorted(draw(st.sets(st.integers(0, 48).map(lambda half: half * 30 * MINUTE), max_size=4)))
    return tuple(zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def cases(draw) -> tuple[Calendar, Millis, Millis]:
    """A calendar, and some minutes around a change of clocks."""
    change = draw(st.sampled_from(CHANGES))
    holidays = frozenset(
        draw(st.sets(st.integers(-1, 3).map(lambda n: change.date() + timedelta(days=n)), max_size=2))
    )
    week = tuple(draw(st.lists(days(), min_size=7, max_size=7)))
    start = to_millis(change) + draw(st.integers(-600, 1800)) * MINUTE
    return calendar(draw(st.sampled_from(ZONES)), week, holidays), start, draw(st.integers(0, 2400))


@given(cases())
def test_elapsed_is_what_the_minutes_add_up_to(case) -> None:
    """Around clock changes and holidays, business time is the number of minutes in which people work."""
    calendar, start, minutes = case

    expected = sum(works(calendar, start + n * MINUTE) for n in range(minutes)) * MINUTE

    assert elapsed(calendar, start, start + minutes * MINUTE) == expected


@given(cases())
def test_advance_finds_the_first_such_moment(case) -> None:
    """By the moment found the time has passed, and a minute before it had not."""
    calendar, start, minutes = case
    length = elapsed(calendar, start, start + minutes * MINUTE)

    found = advance(calendar, start, length)

    assert found is not None
    assert found <= start + minutes * MINUTE
    assert elapsed(calendar, start, found) == length
    assert length == 0 or elapsed(calendar, start, found - MINUTE) == length - MINUTE


@given(cases(), st.integers(0, 100))
def test_time_adds_up(case, share: int) -> None:
    """Business time until a moment, and from it, is that of the whole."""
    calendar, start, minutes = case
    end = start + minutes * MINUTE
    middle = start + (end - start) * share // 100

    assert elapsed(calendar, start, middle) + elapsed(calendar, middle, end) == elapsed(calendar, start, end)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-11-24T15:30+01:00", "2026-11-25T11:30+01:00"),  # over night
        ("2026-11-27T16:00+01:00", "2026-11-30T12:00+01:00"),  # over a week-end
        ("2026-12-24T16:00+01:00", "2026-12-28T12:00+01:00"),  # over Christmas and a week-end
        ("2026-11-28T12:00+01:00", "2026-11-30T13:00+01:00"),  # from a Saturday
    ],
)
def test_four_hours_in_an_office(opened: str, due: str) -> None:
    """Four hours from 9 to 17, without week-ends and Christmas."""
    office = calendar(holidays=frozenset({date(2026, 12, 25)}))

    found = advance(office, to_millis(datetime.fromisoformat(opened)), 4 * HOUR)

    assert found == to_millis(datetime.fromisoformat(due))


def test_around_the_clock() -> None:
    """Without a calendar all time counts; none that runs backwards."""
    assert (elapsed(None, 5, 9), elapsed(None, 9, 5), advance(None, 5, 4)) == (4, 0, 9)


@given(cases())
def test_the_next_turn_is_where_it_becomes_otherwise(case) -> None:
    """Until the next opening or closing nothing changes, and then it does."""
    calendar, start, _ = case
    turn = next_turn(calendar, start)

    if turn is None:
        assert not any(works(calendar, start + n * MINUTE) for n in range(3 * 1440)) or all(calendar.hours)
        return
    assert turn > start
    assert works(calendar, turn) is not works(calendar, start)
    minutes = range(min((turn - start) // MINUTE, 4 * 1440))
    assert {works(calendar, start + n * MINUTE) for n in minutes} == {works(calendar, start)}


def test_never_open() -> None:
    """A calendar in which nobody ever works never gets there."""
    assert advance(calendar(hours=((),) * 7), 0, 1) is None
