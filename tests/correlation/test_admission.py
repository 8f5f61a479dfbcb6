"""Alerts that are held back for a while: nothing opens too early, and nothing is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.rules import CorrelationRules, GroupRule
from correlation.state import timeline_log
from domain.alert import AlertRecord, Phase
from domain.incident import Incident, TimelineEntry
from tests.builders import (
    DAY,
    MINUTE,
    NOON,
    SECOND,
    correlation_core,
    firing,
    received,
    resolved,
)
from tests.core import Core

HOLD = CorrelationRules((GroupRule("by-service", ("service",), hold=2 * MINUTE),))


def phases(core: Core) -> list[Phase]:
    return [record.phase for record in core.all(AlertRecord)]


def test_what_fires_long_enough_opens_its_incident() -> None:
    """It is accounted for when it comes, and opens its incident when its time is over."""
    core = correlation_core(HOLD)

    core.tell(received(firing(), at=NOON))

    assert (core.outcomes(), core.all(Incident), phases(core)) == ({"held": 1}, [], [Phase.WAITING])
    core.pass_time(NOON + 2 * MINUTE)
    (incident,) = core.all(Incident)
    assert (incident.opened_at, core.outcomes()) == (NOON + 2 * MINUTE, {"held": 1})
    said = core.logs[timeline_log(incident.id)][0]
    assert isinstance(said, TimelineEntry)
    assert said.reason == "first of by-service|service=checkout, after it was held back"


def test_what_is_over_sooner_opens_nothing() -> None:
    """A transient leaves a resolved alert, and no incident."""
    core = correlation_core(HOLD)

    core.tell(received(firing(), at=NOON))
    core.tell(received(resolved(), at=NOON + MINUTE))
    core.pass_time(NOON + DAY)

    assert core.all(Incident) == []
    assert (core.outcomes(), phases(core)) == ({"held": 1, "resolved": 1}, [Phase.RESOLVED])


def test_repeats_do_not_prolong_the_wait() -> None:
    """The time counts from the first of them."""
    core = correlation_core(HOLD)

    for step in range(4):
        core.tell(received(firing(), at=NOON + step * 40 * SECOND))

    assert core.outcomes() == {"held": 3, "duplicate": 1}
    assert core.all(Incident)[0].opened_at == NOON + 2 * MINUTE


def test_an_open_incident_takes_it_at_once() -> None:
    """What is held back is the opening; there is nothing to wait for when the incident is there."""
    core = correlation_core(HOLD)
    core.tell(received(firing("a"), at=NOON))
    core.pass_time(NOON + 3 * MINUTE)

    core.tell(received(firing("b"), at=NOON + 3 * MINUTE))

    assert core.outcomes() == {"held": 1, "joined": 1}


def test_what_is_not_heard_of_any_more_is_given_up() -> None:
    """Held longer than an alert is taken for firing, it expires without an incident."""
    rules = CorrelationRules((GroupRule("g", ("service",), hold=30 * MINUTE),), stale_after=10 * MINUTE)
    core = correlation_core(rules)

    core.tell(received(firing(), at=NOON))
    for minute in range(40):
        core.pass_time(NOON + minute * MINUTE)

    assert (core.all(Incident), phases(core)) == ([], [Phase.EXPIRED])


@given(st.permutations([("fire", 0), ("fire", 0), ("end", 0), ("fire", 1)]))
def test_any_order_ends_alike(told: list[tuple[str, int]]) -> None:
    """However deliveries are mixed, the second episode fires in the end, in one incident."""
    core = correlation_core(HOLD)
    for step, (what, episode) in enumerate(told):
        starts_at = NOON + episode * MINUTE
        alert = (
            firing(starts_at=starts_at)
            if what == "fire"
            else resolved(starts_at=starts_at, ends_at=starts_at)
        )
        core.tell(received(alert, at=NOON + 2 * MINUTE + step))
    core.pass_time(NOON + 5 * MINUTE)

    assert phases(core) == [Phase.FIRING]
    assert [incident.is_open for incident in core.all(Incident)] == [True]
    assert sum(core.outcomes().values()) == len(told)
