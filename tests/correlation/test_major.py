"""Major incidents: raised once by a rule, demoted only by a person."""

from __future__ import annotations

import pytest

from correlation.major_rules import MajorRule
from correlation.problem_rules import ProblemRule, ProblemRules
from correlation.rules import CorrelationRules
from correlation.state import timeline_log
from domain.alert import Severity
from domain.commands import Action, Demote, Promote
from domain.events import OperatorAsked
from domain.incident import Incident
from domain.matching import Matcher
from domain.problem import Problem
from tests.builders import HOUR, MINUTE, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

RULE = MajorRule(
    "p1", Matcher.of({"priority": "P1"}), destinations=("bridge",), team="crisis", assignee="dana"
)
RULES = CorrelationRules(majors=(RULE,))


def only(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def ask(core: Core, action: Action, at: int) -> Incident:
    core.tell(OperatorAsked(at, "alice", "it is bad", action))
    return only(core)


def test_a_rule_raises_it_and_tells_its_own_people() -> None:
    core = correlation_core(RULES)

    core.tell(received(firing()))

    incident = only(core)
    assert incident.is_major
    assert incident.assessment is not None
    assert incident.assessment.destinations == ("noc", "bridge")
    assert (incident.assessment.team, incident.assignee) == ("crisis", "dana")
    assert {mailbox for mailbox, _ in core.sent} == {"tickets.noc", "tickets.bridge"}
    assert [each.verdict for each in core.logs[timeline_log(incident.id)]].count("major") == 1  # type: ignore[attr-defined]


def test_it_survives_whatever_the_priority_does() -> None:
    """Raised once: its priority sinks and rises, and it is told of no second time."""
    core = correlation_core(RULES)
    core.tell(received(firing("a"), firing("b", severity=Severity.LOW)))
    core.tell(received(resolved("a"), at=NOON + MINUTE))
    for minute in range(2, 60):
        core.pass_time(NOON + minute * MINUTE)
    core.tell(received(firing("c"), at=NOON + HOUR))

    incident = only(core)
    assert incident.is_major
    assert core.counters["majors_raised"] == 1
    assert incident.assessment is not None
    assert incident.assessment.team == "crisis"


def test_only_a_person_demotes_it_and_no_rule_raises_it_again() -> None:
    core = correlation_core(RULES)
    core.tell(received(firing()))

    demoted = ask(core, Demote(only(core).id), NOON + MINUTE)
    core.tell(received(firing("b"), at=NOON + 2 * MINUTE))

    assert not demoted.is_major
    assert not only(core).is_major
    assert ask(core, Promote(demoted.id), NOON + 3 * MINUTE).is_major


@pytest.mark.parametrize(
    ("rule", "is_major"),
    [
        (MajorRule("r", alerts=2), True),
        (MajorRule("r", alerts=3), False),
        (MajorRule("r", services=2), False),
    ],
)
def test_numbers_count(rule: MajorRule, is_major: bool) -> None:
    core = correlation_core(CorrelationRules(majors=(rule,)))

    core.tell(received(firing("a"), firing("b")))

    assert only(core).is_major is is_major


def test_its_end_opens_a_problem_once() -> None:
    """Where a rule of problems says so."""
    problems = ProblemRules((ProblemRule("any", after_major=True, signature=("service",)),))
    core = correlation_core(CorrelationRules(majors=(RULE,), problems=problems))
    core.tell(received(firing()))

    core.tell(received(resolved(), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE + 5 * SECOND)

    assert len(core.all(Problem)) == 1
