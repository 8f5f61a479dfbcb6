"""Incidents that recur make a problem; it lives by what happens to them and by what people say."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation.problem_rules import ProblemRule, ProblemRules
from correlation.problems import (
    Occurrence,
    Recurrence,
    closed,
    occurred,
    recurred,
    recurs,
    reopened,
    resolved,
)
from correlation.rules import CorrelationRules
from domain.events import OperatorAsked, TicketNews, TicketReported, TicketsDesired
from domain.incident import Incident, LinkKind, TicketLink, TicketRef, TimelineEntry
from domain.priority import Priority
from domain.problem import Problem, ProblemState, Workaround
from domain.problem_commands import ReopenProblem, ResolveProblem, WorkAround
from domain.ticket import NewsKind, TicketAction, TicketKind, TicketState
from domain.times import Millis
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received
from tests.builders import resolved as ended
from tests.core import Core

RULE = ProblemRule("recurring", ("service", "alertname"), 3, 7 * DAY, recurs_within=14 * DAY)


def a_core(*rules: ProblemRule) -> Core:
    return correlation_core(CorrelationRules(problems=ProblemRules(rules or (RULE,))))


def happens(core: Core, at: Millis, name: str = "CPU", service: str = "checkout") -> None:
    """Let an incident come and go."""
    core.tell(received(firing(name, starts_at=at, service=service), at=at))
    core.tell(received(ended(name, starts_at=at, service=service), at=at + MINUTE))


def recurring(core: Core, times: int = 3) -> Problem:
    """Let an incident come and go once a day; give the problem."""
    for day in range(times):
        happens(core, NOON + day * DAY)
    return the_problem(core)


def the_problem(core: Core) -> Problem:
    (problem,) = core.all(Problem)
    assert isinstance(problem, Problem)
    return problem


def wishes(core: Core, problem: Problem) -> list[tuple[str, TicketState]]:
    """What was wanted of the tickets of *problem*, in order."""
    return [
        (mailbox, ticket.state)
        for mailbox, event in core.sent
        if isinstance(event, TicketsDesired)
        for ticket in event.tickets
        if ticket.key == problem.id and ticket.kind is TicketKind.PROBLEM
    ]


def asked(core: Core, action: ResolveProblem | ReopenProblem | WorkAround, at: Millis) -> None:
    core.tell(OperatorAsked(at, "alice", "found it", action))


def test_the_third_incident_of_a_signature_opens_a_problem() -> None:
    """It links them all, both ways, and gets its own ticket where theirs are."""
    core = a_core()
    problem = recurring(core)

    incidents = core.all(Incident)
    assert {each.problem for each in incidents} == {problem.id}
    assert set(problem.incidents) == {each.id for each in incidents}
    assert problem.labels == {"service": "checkout", "alertname": "CPU"}
    assert wishes(core, problem) == [("tickets.noc", TicketState.OPEN)]
    assert core.index["problems", problem.id] == problem.opened_at


def test_incidents_of_other_signatures_are_not_counted_with_it() -> None:
    core = a_core()
    for day, name in enumerate(["a", "b", "a", "b"]):
        happens(core, NOON + day * DAY, name)

    assert core.all(Problem) == []


def test_incidents_too_far_apart_make_no_problem() -> None:
    core = a_core()
    for week in range(4):
        happens(core, NOON + week * 5 * DAY)

    assert core.all(Problem) == []


def test_an_alert_that_lacks_a_label_is_not_counted() -> None:
    core = a_core(replace_rule(signature=("datacentre",)))
    for day in range(4):
        happens(core, NOON + day * DAY)

    assert core.all(Problem) == []
    assert not [name for name, record in core.records.items() if name.startswith("signature:") and record]


def test_an_incident_that_opens_again_is_counted_once() -> None:
    core = a_core()
    for step in range(6):
        happens(core, NOON + step * 10 * MINUTE)

    assert len(core.all(Incident)) == 1
    assert core.all(Problem) == []


def test_priority_grows_with_how_often_it_recurs() -> None:
    """Checkout has high impact: three in a week are medium frequency, six are high."""
    core = a_core()
    assert recurring(core, 3).priority is Priority.P2
    for day in range(3, 6):
        happens(core, NOON + day * DAY)

    assert the_problem(core).priority is Priority.P1
    assert the_problem(core).occurrences == 6


def test_a_workaround_makes_it_a_known_error_that_can_wait_longer() -> None:
    core = a_core()
    problem = recurring(core)
    asked(core, WorkAround(problem.id, "restart it", "https://wiki.example/1"), NOON + 4 * DAY)

    known = the_problem(core)
    assert (known.state, known.priority) == (ProblemState.KNOWN_ERROR, Priority.P3)
    assert known.workaround == Workaround("restart it", "https://wiki.example/1")
    assert "restart it" in known.notes[-1].text


def test_its_own_destinations_go_before_those_of_its_incidents() -> None:
    core = a_core(replace_rule(destinations=("problems",)))
    problem = recurring(core, 4)

    assert {mailbox for mailbox, _ in wishes(core, problem)} == {"tickets.problems"}


def test_a_resolved_problem_that_does_not_recur_is_closed() -> None:
    core = a_core()
    problem = recurring(core)
    asked(core, ResolveProblem(problem.id), NOON + 3 * DAY)
    core.pass_time(NOON + 3 * DAY + 14 * DAY - 1)
    assert the_problem(core).state is ProblemState.RESOLVED
    core.pass_time(NOON + 17 * DAY)

    assert the_problem(core).state is ProblemState.CLOSED
    states = [state for _, state in wishes(core, problem)]
    assert states == [TicketState.OPEN, TicketState.RESOLVED, TicketState.CLOSED]


def test_a_resolved_problem_that_recurs_is_open_again() -> None:
    core = a_core()
    problem = recurring(core)
    asked(core, ResolveProblem(problem.id), NOON + 3 * DAY)
    happens(core, NOON + 10 * DAY)

    again = the_problem(core)
    assert (again.state, again.resolved_at) == (ProblemState.OPEN, None)
    assert again.occurrences == 4


def test_an_incident_that_opens_again_opens_its_problem_again() -> None:
    core = a_core()
    problem = recurring(core)
    asked(core, ResolveProblem(problem.id), NOON + 2 * DAY + 5 * MINUTE)
    happens(core, NOON + 2 * DAY + 10 * MINUTE)

    assert the_problem(core).state is ProblemState.OPEN
    assert the_problem(core).occurrences == 3


def test_what_recurs_after_closing_is_counted_anew() -> None:
    """The new problem names the old one."""
    core = a_core()
    problem = recurring(core)
    asked(core, ResolveProblem(problem.id), NOON + 3 * DAY)
    for day in (18, 19):
        happens(core, NOON + day * DAY)
    assert the_problem(core).state is ProblemState.CLOSED
    happens(core, NOON + 20 * DAY)

    old, new = sorted(core.all(Problem), key=lambda each: each.opened_at)
    assert (old.id, new.previous, new.occurrences) == (problem.id, problem.id, 3)


def test_all_of_a_closed_problem_is_forgotten_in_the_end() -> None:
    core = a_core()
    problem = recurring(core)
    asked(core, ResolveProblem(problem.id), NOON + 3 * DAY)
    core.pass_time(NOON + 100 * DAY)

    assert core.all(Problem) == []
    assert core.all(Recurrence) == []
    assert ("problems", problem.id) not in core.index
    assert f"timeline:{problem.id}" not in core.logs


def test_signatures_that_do_not_recur_are_forgotten() -> None:
    core = a_core()
    for number in range(20):
        happens(core, NOON + number * MINUTE, f"alert {number}", f"service {number}")
    assert len(core.all(Recurrence)) == 20
    core.pass_time(NOON + 8 * DAY)

    assert core.all(Recurrence) == []


def test_the_tickets_of_its_incidents_are_linked_to_its_own() -> None:
    """Those there are when its ticket is made, and those that come later."""
    core = a_core()
    problem = recurring(core)
    ref = TicketRef("problem/7", "https://desk.example/7")
    report = TicketReported(problem.id, "noc", NOON + 3 * DAY, TicketAction.CREATE, "open", 1, ref)
    core.tell(report)
    core.tell(report)
    happens(core, NOON + 4 * DAY)

    link = TicketLink("noc", ref, LinkKind.CAUSED_BY)
    assert [each.links for each in core.all(Incident)] == [(link,)] * 4
    rendered = [
        ticket.links
        for _, event in core.sent
        if isinstance(event, TicketsDesired)
        for ticket in event.tickets
        if ticket.kind is TicketKind.INCIDENT
    ]
    assert (link,) in rendered


def test_people_are_told_of_the_problem_once() -> None:
    core = a_core()
    recurring(core)
    core.tell(received(firing(starts_at=NOON + 3 * DAY), at=NOON + 3 * DAY))
    core.pass_time(NOON + 3 * DAY + HOUR)

    (is_open,) = [each for each in core.all(Incident) if each.is_open]
    assert len([note for note in is_open.notes if "problem" in note.text]) == 1
    told = core.logs[f"timeline:{is_open.id}"]
    assert [each.verdict for each in told if isinstance(each, TimelineEntry)].count("problem_linked") == 1


def test_who_resolves_the_ticket_of_a_problem_resolves_the_problem() -> None:
    core = a_core()
    problem = recurring(core)
    core.tell(TicketNews(problem.id, "noc", NOON + 3 * DAY, NewsKind.RESOLVED, "bob"))

    assert the_problem(core).state is ProblemState.RESOLVED
    assert "bob" in core.logs[f"timeline:{problem.id}"][-1].reason  # type: ignore[attr-defined]


def test_without_rules_nothing_is_counted() -> None:
    core = correlation_core()
    for day in range(4):
        happens(core, NOON + day * DAY)

    assert not [name for name in core.records if name.startswith(("signature:", "problem:"))]


def replace_rule(**changes: object) -> ProblemRule:
    return dataclasses.replace(RULE, **changes)  # type: ignore[arg-type]


occurrences = st.lists(
    st.builds(Occurrence, st.integers(0, 20).map(lambda day: day * DAY), st.sampled_from("abcdefgh")),
    max_size=12,
)


@given(occurrences, st.randoms())
def test_order_and_copies_of_incidents_do_not_matter(given_: list[Occurrence], random) -> None:
    """The last ones are kept, in order, each once; never more than twice what makes a problem."""
    mixed = given_ + given_
    random.shuffle(mixed)
    counted = Recurrence()
    for each in mixed:
        counted = occurred(counted, each, RULE)

    assert counted.occurrences == tuple(sorted(set(given_)))[-2 * RULE.occurrences :]
    ats = [each.at for each in counted.occurrences]
    assert recurs(counted, RULE) is any(
        last - first <= RULE.within for first, last in zip(ats, ats[2:], strict=False)
    )


MOVES = st.lists(st.sampled_from(["resolved", "reopened", "closed", "recurred", "workaround"]), max_size=12)


@given(MOVES)
def test_a_problem_is_never_over_and_worked_on(moves: list[str]) -> None:
    """Whatever is done in whatever order: what is over has its moment, what is not has none."""
    problem = recurring(a_core())
    seen = [problem]
    for step, move in enumerate(moves, 1):
        at = NOON + (3 + step) * DAY
        if move == "workaround":
            problem = replace(problem, workaround=Workaround("restart"))
        elif move == "reopened":
            problem = reopened(problem)
        else:
            problem = {"resolved": resolved, "closed": closed, "recurred": recurred}[move](problem, at)
        seen.append(problem)

    for before, after in pairwise(seen):
        assert after.state.is_over is (after.resolved_at is not None)
        assert (after.state is ProblemState.CLOSED) is (after.closed_at is not None)
        if after.state is ProblemState.CLOSED:
            assert before.state in {ProblemState.RESOLVED, ProblemState.CLOSED}
