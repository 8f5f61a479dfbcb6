"""Maintenance: what is worked on opens nothing, until the work is over."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import parse
from correlation.maintenance_rules import MaintenanceRule
from correlation.rules import CorrelationRules
from correlation.schedules import Once, Recurring
from correlation.windows import WINDOWS, WINDOWS_AT_MOST
from domain.alert import AlertRecord, Phase
from domain.events import OperatorAsked
from domain.incident import Incident
from domain.matching import Matcher
from domain.suppression import PlannedWindow, PlanWindows
from tests.builders import HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

CHECKOUT = Matcher.of({"service": "checkout"})


def rules(*windows: tuple[int, int]) -> CorrelationRules:
    return CorrelationRules(
        maintenance=tuple(
            MaintenanceRule(f"m{n}", CHECKOUT, Once(NOON + start * MINUTE, NOON + end * MINUTE), "new disks")
            for n, (start, end) in enumerate(windows)
        ),
        calendars=frozenset({"ops"}),
    )


def window(name: str, start: int, end: int, origin: str = "change:CHG1") -> PlannedWindow:
    matchers = ("service=checkout",)
    return PlannedWindow(name, origin, matchers, NOON + start * MINUTE, NOON + end * MINUTE, "new disks")


def plan(core: Core, *windows: PlannedWindow, origin: str = "change:CHG1", at: int = NOON) -> None:
    core.tell(OperatorAsked(at, "calendar", "", PlanWindows(origin, list(windows))))


def only(core: Core) -> AlertRecord:
    (record,) = core.all(AlertRecord)
    assert isinstance(record, AlertRecord)
    return record


def test_what_is_worked_on_opens_nothing_until_the_window_ends() -> None:
    core = correlation_core(rules((0, 60)))

    core.tell(received(firing(), at=NOON + MINUTE))
    core.pass_time(NOON + HOUR - 1)
    held = only(core).held
    assert (core.all(Incident), core.outcomes()) == ([], {"suppressed": 1})
    assert held is not None
    assert held.reason == "in maintenance m0 until 2024-01-01T13:00:00.000Z: new disks"

    core.pass_time(NOON + HOUR)
    (incident,) = core.all(Incident)
    assert (incident.opened_at, sum(incident.firing)) == (NOON + HOUR, 1)


def test_a_recurrence_holds_back_each_time() -> None:
    every_noon = Recurring("FREQ=DAILY", "UTC", "2024-01-01T12:00:00", HOUR)
    core = correlation_core(CorrelationRules(maintenance=(MaintenanceRule("noon", CHECKOUT, every_noon),)))

    for day in range(3):
        at = NOON + day * 24 * HOUR
        core.tell(received(firing(starts_at=at), at=at))
        core.tell(received(resolved(starts_at=at), at=at + 5 * MINUTE))

    assert (core.outcomes(), core.all(Incident)) == ({"suppressed": 3, "resolved": 3}, [])


def test_what_belongs_to_another_service_is_not_touched() -> None:
    core = correlation_core(rules((0, 60)))

    core.tell(received(firing(service="cart"), at=NOON))

    assert core.outcomes() == {"opened": 1}


def test_a_planned_change_keeps_quiet_until_it_is_over_or_taken_back() -> None:
    """Taking it back lets its alerts go within the same second."""
    core = correlation_core()
    plan(core, window("CHG1/0", 0, 60))
    core.tell(received(firing(), at=NOON + MINUTE))
    held = only(core).held
    assert held is not None
    assert held.by == "CHG1/0"

    plan(core, at=NOON + 2 * MINUTE)
    core.pass_time(NOON + 2 * MINUTE)

    assert len(core.all(Incident)) == 1


def test_a_change_that_overruns_is_planned_anew() -> None:
    core = correlation_core()
    plan(core, window("CHG1/0", 0, 60))
    core.tell(received(firing(), at=NOON + MINUTE))

    plan(core, window("CHG1/0", 0, 120), at=NOON + 50 * MINUTE)
    core.pass_time(NOON + 61 * MINUTE)
    assert core.all(Incident) == []
    core.pass_time(NOON + 2 * HOUR)

    assert core.all(Incident)[0].opened_at == NOON + 2 * HOUR


def test_windows_of_a_calendar_that_is_configured_no_more_hold_nothing() -> None:
    for rule, outcome in (("ops", "suppressed"), ("gone", "opened")):
        origin = f"calendar:{rule}"
        core = correlation_core(rules())
        plan(core, window("w", 0, 60, origin), origin=origin)
        core.tell(received(firing(), at=NOON + MINUTE))
        assert core.outcomes() == {outcome: 1}


def test_each_origin_speaks_for_itself_and_all_of_them_are_bounded() -> None:
    core = correlation_core()
    plan(core, window("old", -60, -1), window("a", 0, 1))
    many = [window(f"w{n:04}", n, n + 1, "change:B") for n in range(WINDOWS_AT_MOST + 9)]
    plan(core, *many, origin="change:B")

    names = [each.id for each in core.get(WINDOWS).items]
    assert len(names) == WINDOWS_AT_MOST
    assert "old" not in names
    assert {"a", "w0000"} <= set(names)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), max_size=4),
    st.permutations(range(4)),
    st.lists(st.sampled_from(["fire", "again", "end", "wait"]), min_size=4, max_size=12),
    st.booleans(),
)
def test_all_that_fires_outside_of_windows_counts(
    spans: list[tuple[int, int]], order: list[int], told: list[str], planned: bool
) -> None:
    """Windows of rules and windows that are planned, however they overlap and are ordered, do as a model says."""
    windows = [(start, start + length) for start, length in spans]
    core = correlation_core(rules() if planned else rules(*windows))
    if planned:
        shuffled = [windows[n] for n in order if n < len(windows)]
        plan(core, *(window(f"w{n}", *span) for n, span in enumerate(shuffled)), at=NOON)
    now, episode, fires, counts, quiet = NOON, NOON, False, False, False
    for what in told:
        for _ in range(5):
            now += MINUTE
            core.pass_time(now)
            quiet = any(start <= (now - NOON) // MINUTE < end for start, end in windows)
            counts = fires and (counts or not quiet)
        if what in ("fire", "again"):
            if what == "again" and not fires:
                continue
            episode = episode if fires else now
            core.tell(
                received(firing(starts_at=episode), at=now), received(firing(starts_at=episode), at=now)
            )
            fires, counts = True, counts or not quiet
        elif what == "end":
            core.tell(received(resolved(starts_at=episode), at=now))
            fires = counts = False
        assert any(each.phase is Phase.FIRING for each in core.all(AlertRecord)) is counts
        assert sum(sum(each.firing) for each in core.all(Incident)) == counts


CONFIG = """
maintenance:
- {id: move, match: {service: checkout}, start: 2024-01-01T13:00, end: 2024-01-01T14:00, zone: Europe/Berlin}
- {id: patches, match: 'site="ams"', rrule: "FREQ=WEEKLY;BYDAY=SU", start: 2024-01-07T22:00, duration: 4h}
- {id: over, match: {site: b}, start: 2023-01-01T13:00Z, duration: 1h, expires: 2023-01-02}
- {id: ops, ical: ops.ics, by: {CATEGORIES: service}}
"""


def test_rules_are_read_as_people_write_them() -> None:
    correlation = parse(CONFIG, "t.yaml", {}, today=date(2024, 1, 1)).correlation

    assert [(rule.id, rule.schedule) for rule in correlation.maintenance] == [
        ("move", Once(NOON, NOON + HOUR)),
        ("patches", Recurring("FREQ=WEEKLY;BYDAY=SU", "UTC", "2024-01-07T22:00:00", 4 * HOUR)),
    ]
    assert correlation.calendars == {"ops"}


def test_a_window_that_cannot_be_matched_is_refused() -> None:
    bad = PlannedWindow("w", "change:A", ("service=~(",), NOON, NOON + HOUR)

    with pytest.raises(ValueError, match="not a pattern"):
        plan(correlation_core(), bad)
