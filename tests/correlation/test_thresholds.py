"""Thresholds: what has to happen several times, or in several places, before it is worth an incident."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation.rules import CorrelationRules, GroupRule
from correlation.state import occurrences_record
from correlation.threshold_rules import Occurrences, Threshold
from domain.alert import AlertRecord, AlertState, Phase
from domain.incident import Incident
from tests.builders import DAY, MINUTE, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

GROUP = "by-service|service=checkout"


def core_with(threshold: Threshold) -> Core:
    return correlation_core(CorrelationRules((GroupRule("by-service", ("service",), threshold=threshold),)))


THRICE = Threshold(10 * MINUTE, count=3)
TWO_HOSTS = Threshold(10 * MINUTE, distinct="host", at_least=2)


def phases(core: Core) -> set[Phase]:
    return {each.phase for each in core.all(AlertRecord)}


def test_all_that_waited_join_the_one_incident_that_opens() -> None:
    core = core_with(THRICE)

    core.tell(received(firing("a"), firing("b"), at=NOON))
    assert (core.all(Incident), core.outcomes()) == ([], {"held": 2})
    core.tell(received(firing("c"), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE)

    (incident,) = core.all(Incident)
    assert (sum(incident.firing), incident.alerts) == (3, 3)
    assert core.outcomes() == {"held": 2, "opened": 1}


def test_repeats_count() -> None:
    """An alert that waits is looked at each time it is told of."""
    core = core_with(THRICE)

    for step in range(3):
        core.tell(received(firing(), at=NOON + step * MINUTE))

    assert core.outcomes() == {"held": 2, "opened": 1}


def test_what_is_too_long_ago_does_not_count() -> None:
    core = core_with(THRICE)

    for step in range(6):
        core.tell(received(firing(), at=NOON + step * 6 * MINUTE))

    assert core.outcomes() == {"held": 6}
    core.pass_time(NOON + 50 * MINUTE)
    assert core.records[occurrences_record(GROUP)] is None


def test_different_values_are_counted_once_each() -> None:
    core = core_with(TWO_HOSTS)

    for _ in range(5):
        core.tell(received(firing("a", labels={"host": "a"}), at=NOON))
    assert core.outcomes() == {"held": 5}
    core.tell(received(firing("b", labels={"host": "b"}), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE)

    (incident,) = core.all(Incident)
    assert sum(incident.firing) == 2


def test_an_open_incident_takes_it_at_once_and_the_next_begins_to_count_anew() -> None:
    core = core_with(THRICE)
    core.tell(received(firing("a"), firing("b"), firing("c"), at=NOON))
    core.tell(received(firing("d"), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE)
    assert core.outcomes() == {"held": 2, "opened": 1, "joined": 1}

    core.tell(received(*(resolved(name) for name in "abcd"), at=NOON + 2 * MINUTE))
    again = firing("a", starts_at=NOON + 3 * MINUTE)
    core.tell(received(again, at=NOON + 3 * MINUTE))

    assert not core.all(Incident)[0].is_open
    assert core.outcomes()["held"] == 3


def test_to_be_looked_at_again_is_no_occurrence() -> None:
    """One that is told of twice is not counted up by its own timer."""
    core = core_with(Threshold(DAY, count=3))
    core.tell(received(firing(), at=NOON))
    for step in range(60):
        core.pass_time(NOON + step * 5 * MINUTE)
    core.tell(received(firing(), at=NOON + 300 * MINUTE))

    assert core.outcomes() == {"held": 2}


def test_a_heartbeat_that_stays_out_is_enough() -> None:
    """Nobody tells of what is missing a second time."""
    group = GroupRule("by-service", ("service",), threshold=THRICE)
    core = correlation_core(CorrelationRules((group,), expect_every={"prom": MINUTE}))
    core.tell(received(replace(firing("Watchdog"), state=AlertState.HEARTBEAT), at=NOON))

    core.pass_time(NOON + 2 * MINUTE)

    assert len(core.all(Incident)) == 1


@given(st.permutations(range(5)), st.integers(2, 5))
def test_the_order_does_not_matter(order: list[int], needed: int) -> None:
    """Whatever the clocks of those that deliver say: so many within the time are so many."""
    threshold = Threshold(4 * SECOND, count=needed)
    counted = Occurrences()
    for step in order:
        counted = threshold.plus(counted, NOON + step * SECOND, "")

    assert threshold.is_reached(counted)
    assert len(counted.times) == needed


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd")), max_size=30), st.integers(2, 4))
def test_places_are_those_of_a_simple_count(told: list[tuple[int, str]], needed: int) -> None:
    threshold = Threshold(10, distinct="host", at_least=needed)
    counted, last = Occurrences(), dict[str, int]()
    for at, place in sorted(told):
        counted = threshold.plus(counted, at, place)
        last[place] = at
        recent = {name for name, moment in last.items() if at - moment <= threshold.within}
        assert threshold.is_reached(counted) is (len(recent) >= needed)
        assert len(counted.places) <= needed


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from("abc"), st.booleans()), max_size=14))
def test_all_that_fires_is_in_one_incident_or_waits(told: list[tuple[int, str, bool]]) -> None:
    """Nothing that fires is lost: while the incident is open all count, and while it is not none does."""
    core, now = core_with(THRICE), NOON
    episode = dict.fromkeys("abc", NOON)
    fires = dict.fromkeys("abc", False)
    for minutes, name, begins in told:
        now += minutes * MINUTE + SECOND
        if begins:
            episode[name] = episode[name] if fires[name] else now
            core.tell(received(firing(name, starts_at=episode[name]), at=now))
        elif fires[name]:
            core.tell(received(resolved(name, starts_at=episode[name]), at=now))
        fires[name] = begins
        core.pass_time(now)
        records = [each for each in core.all(AlertRecord) if fires[each.alert.name]]
        is_open = [each for each in core.all(Incident) if each.is_open]
        assert len(is_open) <= 1
        assert all(each.fires for each in records) if is_open else not any(each.fires for each in records)
        assert sum(sum(each.firing) for each in is_open) == (len(records) if is_open else 0)
