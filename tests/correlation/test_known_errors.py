"""Incidents that match a known error show its workaround, once, and it is counted whether that helped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.known_error_rules import KnownErrorRules, KnownErrors
from correlation.problem_rules import ProblemRule, ProblemRules
from correlation.rules import CorrelationRules
from domain.events import OperatorAsked, TicketsDesired
from domain.incident import Incident
from domain.known_error import ForgetKnownError, KnownError, KnownErrorAction, RecordKnownError
from domain.matching import Matcher
from domain.problem import Problem, ProblemState
from domain.problem_commands import WorkAround
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

LEAK = KnownError("leak", ("service=checkout",), "restart the pods", "https://wiki.example/1")


def configured(*, problems: ProblemRules | None = None) -> Core:
    """A shard whose configuration knows about the leak."""
    rules = KnownErrorRules(((Matcher.of(LEAK.matchers), LEAK),))
    return correlation_core(CorrelationRules(known_errors=rules, problems=problems or ProblemRules()))


def asked(core: Core, action: KnownErrorAction | WorkAround, at: int = NOON) -> None:
    core.tell(OperatorAsked(at, "dana", "", action))


def only(core: Core) -> Incident:
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def described(core: Core) -> list[str]:
    """The descriptions that were wanted of tickets, in order."""
    wishes = (event for _, event in core.sent if isinstance(event, TicketsDesired))
    return [ticket.description for event in wishes for ticket in event.tickets]


def test_a_matching_incident_shows_the_workaround_from_the_beginning() -> None:
    core = configured()
    core.tell(received(firing()))

    assert "Workaround: restart the pods https://wiki.example/1" in described(core)[0]
    assert only(core).notes == ()
    assert core.counters["known_error_matched.leak"] == 1


def test_another_incident_shows_none() -> None:
    core = configured()
    core.tell(received(firing(service="cart")))

    assert only(core).workaround is None
    assert "Workaround" not in described(core)[0]


def test_one_that_is_recorded_later_is_told_in_a_note_once() -> None:
    core = correlation_core()
    core.tell(received(firing("a")))
    asked(core, RecordKnownError(LEAK), NOON + MINUTE)
    for minute, name in enumerate("bcd", 2):
        core.tell(received(firing(name), at=NOON + minute * MINUTE))

    texts = [note.text for note in only(core).notes if "Workaround" in note.text]
    assert texts == ["Workaround: restart the pods https://wiki.example/1"]


def test_those_of_the_configuration_go_first() -> None:
    core = configured()
    asked(core, RecordKnownError(KnownError("other", ("service=checkout",), "pray")))
    core.tell(received(firing()))

    shown = only(core).workaround
    assert shown is not None
    assert shown.known_error == "leak"


def test_one_that_is_dropped_is_shown_no_more() -> None:
    core = correlation_core()
    asked(core, RecordKnownError(LEAK))
    asked(core, ForgetKnownError("leak"))
    core.tell(received(firing()))

    assert only(core).workaround is None


def test_it_helped_if_the_incident_was_over_soon_and_is_counted_once() -> None:
    core = configured()
    for step in range(3):
        at = NOON + step * 5 * MINUTE
        core.tell(received(firing(starts_at=at), at=at), received(resolved(starts_at=at), at=at + MINUTE))

    assert core.counters["known_error_helped.leak"] == 1
    assert core.counters["known_error_matched.leak"] == 1


def test_it_did_not_help_if_the_incident_went_on() -> None:
    core = configured()
    core.tell(received(firing()))
    core.tell(received(resolved(), at=NOON + 4 * HOUR + 1))

    assert core.counters["known_error_helped.leak"] == 0


def test_a_problem_whose_incidents_show_a_workaround_is_a_known_error() -> None:
    core = configured(problems=ProblemRules((ProblemRule("r", ("service",), 2),)))
    for day in range(2):
        at = NOON + day * DAY
        core.tell(received(firing(starts_at=at), at=at))
        core.tell(received(resolved(starts_at=at), at=at + MINUTE))

    (problem,) = core.all(Problem)
    assert problem.state is ProblemState.KNOWN_ERROR
    assert problem.workaround.text == "restart the pods"


def recurring() -> tuple[Core, Problem]:
    """A problem without a workaround, one of whose incidents is open."""
    core = correlation_core(CorrelationRules(problems=ProblemRules((ProblemRule("r", ("service",), 2),))))
    core.tell(received(firing()))
    core.tell(received(resolved(), at=NOON + MINUTE))
    core.tell(received(firing(starts_at=NOON + DAY), at=NOON + DAY))
    (problem,) = core.all(Problem)
    return core, problem


def test_the_workaround_of_a_problem_is_shown_to_its_open_incidents() -> None:
    core, problem = recurring()
    asked(core, WorkAround(problem.id, "reboot"), NOON + DAY + MINUTE)

    shown = [each.workaround for each in core.all(Incident) if each.is_open]
    assert [each and each.text for each in shown] == ["reboot"]


def test_a_known_error_about_a_problem_makes_it_one() -> None:
    core, problem = recurring()
    known = KnownError("k", ("service=nothing",), "reboot", problem=problem.id)
    asked(core, RecordKnownError(known), NOON + DAY + MINUTE)

    assert core.get(f"problem:{problem.id}").state is ProblemState.KNOWN_ERROR


ids = st.sampled_from("abc")
actions = st.one_of(
    st.builds(
        lambda id_, at: RecordKnownError(KnownError(id_, ("service=x",), str(at), recorded_at=at)),
        ids,
        st.integers(0, 9),
    ),
    st.builds(ForgetKnownError, ids),
)


@given(st.lists(actions, max_size=12))
def test_the_last_word_on_each_counts_and_a_copy_changes_nothing(asked_for: list[KnownErrorAction]) -> None:
    known = KnownErrors()
    expected: dict[str, KnownError] = {}
    for action in asked_for:
        known = known.after(action)
        assert known.after(action) == known
        if isinstance(action, ForgetKnownError):
            expected.pop(action.known_error, None)
        else:
            expected[action.known_error.id] = action.known_error

    assert {each.id: each for each in known.items} == expected
