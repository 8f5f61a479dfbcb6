"""Windows of maintenance by the clock on the wall, through changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.schedules import Once, Recurring, check_rule, window_at
from domain.times import Millis
from tests.builders import DAY, HOUR, MINUTE, NOON

BERLIN = ZoneInfo("Europe/Berlin")


def millis(*moment: int, zone: ZoneInfo | None = None) -> Millis:
    return round(datetime(*moment, tzinfo=zone or UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


def nightly(hour: int, minute: int, lasts: Millis, zone: str = "Europe/Berlin") -> Recurring:
    return Recurring("FREQ=DAILY", zone, f"2024-01-01T{hour:02}:{minute:02}", lasts)


def test_once_is_from_its_start_until_its_end() -> None:
    window = Once(NOON, NOON + HOUR)

    assert [window_at(window, NOON + step) for step in (-1, 0, HOUR - 1, HOUR)] == [
        None,
        (NOON, NOON + HOUR),
        (NOON, NOON + HOUR),
        None,
    ]


def test_a_night_begins_at_the_same_hour_in_summer_and_winter() -> None:
    schedule = nightly(22, 0, 4 * HOUR)

    for month, utc in ((1, 21), (7, 20)):
        start = millis(2024, month, 15, utc)
        assert window_at(schedule, start) == (start, start + 4 * HOUR)
        assert window_at(schedule, start - 1) is None


def test_a_beginning_that_the_clock_skips_is_when_the_hour_is_over() -> None:
    """2024-03-31 has no 02:30 in Berlin: it is 03:30 then."""
    start = millis(2024, 3, 31, 3, 30, zone=BERLIN)

    assert window_at(nightly(2, 30, HOUR), start) == (start, start + HOUR)


def test_a_beginning_that_comes_twice_is_the_first() -> None:
    """2024-10-27 has 02:30 twice in Berlin; there is one window."""
    first = millis(2024, 10, 27, 0, 30)

    assert window_at(nightly(2, 30, MINUTE), first) == (first, first + MINUTE)
    assert window_at(nightly(2, 30, MINUTE), first + HOUR) is None


def test_of_windows_that_overlap_the_last_counts() -> None:
    schedule = Recurring("FREQ=DAILY;COUNT=2", "UTC", "2024-01-01T00:00", 2 * DAY)
    start = millis(2024, 1, 1)

    assert window_at(schedule, start + DAY + HOUR) == (start + DAY, start + 3 * DAY)
    assert window_at(schedule, start + 3 * DAY) is None


def test_an_end_in_utc_is_understood() -> None:
    """UNTIL is in UTC, as RFC 5545 wants it, though the rule counts in local time."""
    schedule = Recurring("FREQ=DAILY;UNTIL=20240102T210000Z", "Europe/Berlin", "2024-01-01T22:00", HOUR)

    assert [window_at(schedule, millis(2024, 1, day, 21)) is not None for day in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


@given(
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
    ),
    st.integers(0, 23),
    st.sampled_from([0, 15, 30, 59]),
    st.integers(1, 30 * 60),
    st.integers(0, 400 * 24 * 12),
)
def test_a_moment_is_in_a_window_if_one_began_no_longer_ago_than_it_lasts(
    zone: str, hour: int, minute: int, length: int, step: int
) -> None:
    """The same as going through all days of a year, one by one."""
    lasts, now = length * MINUTE, millis(2024, 1, 1) + step * 5 * MINUTE
    starts = []
    for day in range(-3, 405):
        wall = datetime(2024, 1, 1, hour, minute) + timedelta(days=day)  # noqa: DTZ001 - local time
        if day >= 0:
            starts.append(round(wall.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000))

    found = window_at(nightly(hour, minute, lasts, zone), now)

    assert (found is not None) is any(start <= now < start + lasts for start in starts)
    if found is not None:
        assert found[0] == max(start for start in starts if start <= now)
        assert found[1] == found[0] + lasts
        assert found[0] <= now < found[1]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("every sunday", "FREQ=WEEKLY"),
        ("FREQ=MINUTELY", "names days"),
        ("FREQ=WEEKLY;BYDAY=XX", "RFC 5545"),
        ("FREQ=OFTEN", "RFC 5545"),
        ("FREQ=DAILY\nRRULE:FREQ=DAILY", "FREQ=WEEKLY"),
    ],
)
def test_what_is_no_rule_is_told(rule: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_rule(rule, datetime(2024, 1, 1))  # noqa: DTZ001 - local time
