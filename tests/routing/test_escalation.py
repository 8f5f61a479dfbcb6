"""Escalation: each step once, at its time, and what it does stays."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.alert import Severity
from domain.clock import Target
from domain.events import TicketNews
from domain.incident import Assessment, Incident, TimelineEntry
from domain.matching import Matcher
from domain.priority import Priority
from domain.ticket import NewsKind
from domain.times import Millis
from routing.escalation import EscalationPolicy, EscalationStep
from routing.rules import RoutingRules
from routing.sla import Aim, SlaRules
from tests.builders import HOUR, MINUTE, NOON, correlation_core, firing, received, resolved, routing_rules
from tests.core import Core

SLA = SlaRules(
    aims={
        (Priority.P1, Target.RESOLVE): Aim(2 * HOUR),
        (Priority.P2, Target.RESOLVE): Aim(4 * HOUR),
    }
)
POLICY = EscalationPolicy(
    "waits",
    (
        EscalationStep("waits#1", unacknowledged=15 * MINUTE, destinations=("pager",)),
        EscalationStep("waits#2", unacknowledged=30 * MINUTE, raise_by=1, team="managers"),
        EscalationStep("waits#3", at=0.8, destinations=("duty",)),
    ),
)


def escalating(*policies: EscalationPolicy) -> RoutingRules:
    return replace(routing_rules(), sla=SLA, escalation=policies or (POLICY,))


def opened(rules: RoutingRules, severity: Severity = Severity.MEDIUM) -> Core:
    core = correlation_core(routing=rules)
    core.tell(received(firing(severity=severity)))
    return core


def only(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def judged(core: Core) -> Assessment:
    assessment = only(core).assessment
    assert assessment is not None
    return assessment


def steps(core: Core) -> list[tuple[Millis, str]]:
    lines = [line for line in core.logs[f"timeline:{only(core).id}"] if isinstance(line, TimelineEntry)]
    return [(line.at - NOON, line.reason.split(":")[0]) for line in lines if line.verdict == "escalated"]


def news(core: Core, kind: NewsKind, at: Millis) -> None:
    core.tell(TicketNews(only(core).id, "noc", at, kind, "alice"))


def test_nobody_takes_it_on() -> None:
    """After a quarter of an hour the pager gets it, after half an hour it is raised and given to another team."""
    core = opened(escalating())
    core.pass_time(NOON + 16 * MINUTE)
    assert judged(core).destinations == ("noc", "pager")
    assert judged(core).priority is Priority.P2

    core.pass_time(NOON + 31 * MINUTE)

    assert (judged(core).priority, judged(core).team) == (Priority.P1, "managers")
    assert steps(core) == [(15 * MINUTE, "waits#1"), (30 * MINUTE, "waits#2")]
    assert only(core).notes[-1].text == (
        "Escalated by waits#2: not acknowledged within 30m: priority 1 up; to team managers; priority P2 is P1 now"
    )
    assert {mailbox for mailbox, _ in core.sent} == {"tickets.noc", "tickets.pager"}


def test_a_priority_raised_has_the_clock_of_that_priority() -> None:
    """Raised to P1 it has two hours, of which half an hour is gone; at four fifths of them the next step comes."""
    core = opened(escalating())
    core.pass_time(NOON + 2 * HOUR)

    assert steps(core)[-1] == (96 * MINUTE, "waits#3")
    assert only(core).clocks[1].allowed == 2 * HOUR


def test_who_takes_it_on_in_time_is_left_alone() -> None:
    """Acknowledged, it escalates by time used up only."""
    core = opened(escalating())
    news(core, NewsKind.ACKNOWLEDGED, NOON + 10 * MINUTE)
    core.pass_time(NOON + 4 * HOUR)

    assert steps(core) == [(192 * MINUTE, "waits#3")]


def test_what_was_raised_stays_raised() -> None:
    """Judged anew, for one more alert or a milder one, the priority does not fall below the step's."""
    core = opened(escalating(EscalationPolicy("up", (EscalationStep("up#1", MINUTE, priority=Priority.P1),))))
    core.pass_time(NOON + MINUTE)
    core.tell(received(firing("b", severity=Severity.LOW), at=NOON + 2 * MINUTE))
    core.tell(received(resolved(), at=NOON + 3 * MINUTE))
    core.pass_time(NOON + 2 * HOUR)

    assert judged(core).priority is Priority.P1


def test_policies_are_for_the_incidents_they_match() -> None:
    """A policy for P1 leaves a P2 alone."""
    urgent = replace(POLICY, match=Matcher.of({"priority": "P1"}))
    core = opened(escalating(urgent))
    core.pass_time(NOON + HOUR)

    assert steps(core) == []


def test_opened_again_it_waits_anew() -> None:
    """The time that counts is since it was opened again, and a step taken is not taken again."""
    core = opened(escalating())
    core.tell(received(resolved(), at=NOON + 10 * MINUTE))
    again = NOON + 20 * MINUTE
    core.tell(received(firing(severity=Severity.MEDIUM, starts_at=again), at=again))
    core.pass_time(again + 20 * MINUTE)

    assert steps(core) == [(35 * MINUTE, "waits#1")]


DEEDS = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from(["fire", "resolve", "look", *list(NewsKind)[:3], NewsKind.REOPENED]),
    ),
    max_size=12,
)


@given(DEEDS)
def test_no_step_is_taken_twice(deeds: list[tuple[int, str]]) -> None:
    """Whatever people and alerts do, each step is taken once at most, and only with a reason on the timeline."""
    core, now = opened(escalating()), NOON
    first = only(core).id
    for minutes, deed in deeds:
        now += minutes * MINUTE
        if deed == "fire":
            core.tell(received(firing(starts_at=now), at=now))
        elif deed == "resolve":
            core.tell(received(resolved(starts_at=now), at=now))
        elif deed == "look":
            core.pass_time(now)
        else:
            core.tell(TicketNews(first, "noc", now, NewsKind(deed), "alice"))

    for incident in core.all(Incident):
        lines = [line for line in core.logs[f"timeline:{incident.id}"] if isinstance(line, TimelineEntry)]
        told = Counter(line.reason.split(":")[0] for line in lines if line.verdict == "escalated")
        assert set(told.values()) <= {1}
        assert set(told) == set(incident.escalated)
