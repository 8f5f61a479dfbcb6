"""What operators ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from correlation.rules import CorrelationRules, GroupRule, ResolveWhen
from correlation.state import timeline_log
from domain.alert import AlertRecord, Severity
from domain.commands import Acknowledge, Action, Close, Hold, Remark, Reopen, Resolve, Start
from domain.events import OperatorAsked
from domain.incident import Incident, IncidentState, Relation, RelationKind, Stage, TimelineEntry
from domain.ticket import TicketState
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core


def asked(core: Core, action: Action, at: int = NOON + MINUTE) -> Incident:
    """Ask, and return the one incident."""
    core.tell(OperatorAsked(at, "alice", "planned work", action))
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def opened(core: Core) -> str:
    core.tell(received(firing(), at=NOON))
    return str(core.all(Incident)[0].id)


def test_acknowledged_by_an_operator() -> None:
    """The stage changes, and the timeline says who and why."""
    core = correlation_core()

    incident = asked(core, Acknowledge(opened(core)))

    assert incident.stage is Stage.ACKNOWLEDGED
    said = core.logs[timeline_log(incident.id)][-1]
    assert isinstance(said, TimelineEntry)
    assert (said.verdict, said.reason) == ("operator_acknowledged", "by alice: planned work")


def test_resolved_by_an_operator_stays_so() -> None:
    """Repeats of what fires do not open it again; a new episode does."""
    core = correlation_core()
    incident = asked(core, Resolve(opened(core)))
    assert (incident.is_open, sum(incident.firing)) == (False, 1)

    core.tell(received(firing(), at=NOON + 2 * MINUTE))
    assert not core.all(Incident)[0].is_open

    core.tell(received(firing(starts_at=NOON + 3 * MINUTE), at=NOON + 3 * MINUTE))
    assert core.all(Incident)[0].is_open


def test_asking_twice_changes_nothing_more() -> None:
    """The second is no change, so it is not told either."""
    core = correlation_core()
    incident = opened(core)

    first = asked(core, Resolve(incident))
    assert asked(core, Resolve(incident), NOON + 2 * MINUTE) == first


def test_what_is_gone_is_left_alone() -> None:
    """An incident that nobody knows is no error."""
    core = correlation_core()

    core.tell(OperatorAsked(NOON, "alice", "", Acknowledge("0" * 16)))

    assert core.all(Incident) == []


@pytest.mark.parametrize(
    ("action", "stage"),
    [(Start, Stage.IN_PROGRESS), (Hold, Stage.ON_HOLD), (Acknowledge, Stage.ACKNOWLEDGED)],
)
def test_stages_are_as_people_say(action: Callable[[str], Action], stage: Stage) -> None:
    core = correlation_core()

    assert asked(core, action(opened(core))).stage is stage


def test_closed_is_final() -> None:
    """What fires anew opens another incident, linked to the old one, which counts it no longer."""
    core = correlation_core()
    old = asked(core, Close(opened(core)))
    assert (old.state, old.closed_at) == (IncidentState.CLOSED, NOON + MINUTE)

    core.tell(received(firing(starts_at=NOON + 3 * MINUTE), at=NOON + 3 * MINUTE))

    old, new = sorted(core.all(Incident), key=lambda each: each.opened_at)
    assert (old.is_closed, sum(old.firing), sum(new.firing)) == (True, 0, 1)
    assert new.related == (Relation(RelationKind.FOLLOWS, old.id),)
    assert core.get("alert:prom/CPU").incident == new.id


def test_what_cannot_be_done_is_on_record() -> None:
    """The timeline says what was asked for, by whom, and why it was not done."""
    core = correlation_core()
    incident = asked(core, Close(opened(core)))

    assert asked(core, Reopen(incident.id), NOON + 2 * MINUTE) == incident
    said = core.logs[timeline_log(incident.id)][-1]
    assert isinstance(said, TimelineEntry)
    assert said.verdict == "operator_refused"
    assert said.reason.startswith("reopen by alice: planned work: it is closed")


def test_a_copy_of_a_request_changes_nothing() -> None:
    core = correlation_core()
    remark = OperatorAsked(NOON, "alice", "hello", Remark(opened(core)), "r1")

    core.tell(remark, remark)
    core.tell(remark)

    assert [note.text for note in core.all(Incident)[0].notes] == ["Comment by alice: hello"]


def test_a_resolved_incident_is_closed_after_a_while() -> None:
    """Time closes it, its tickets are told, and the list of open incidents has it no more."""
    core = correlation_core(CorrelationRules(close_after=HOUR))
    incident = asked(core, Resolve(opened(core)))

    core.pass_time(NOON + 2 * HOUR)

    closed = core.all(Incident)[0]
    assert closed.closed_at == NOON + HOUR + MINUTE
    assert closed.revision > incident.revision
    assert core.sent[-1][1].tickets[0].state is TicketState.CLOSED  # type: ignore[union-attr]


def ends(core: Core, *names: str) -> list[bool]:
    """Resolve alerts one by one; say after each whether the incident is open."""
    told = []
    for minute, name in enumerate(names, 1):
        core.tell(received(resolved(name), at=NOON + minute * MINUTE))
        told.append(core.all(Incident)[0].is_open)
    return told


@pytest.mark.parametrize(
    ("when", "open_after"),
    [
        (ResolveWhen.ALL, [True, True, False]),
        (ResolveWhen.FIRST, [False, False, False]),
        (ResolveWhen.ROOT_CAUSE, [True, False, False]),
    ],
)
def test_who_ends_an_incident_is_a_rule(when: ResolveWhen, open_after: list[bool]) -> None:
    """All of its alerts, the first that is over, or the one that it is named after."""
    core = correlation_core(CorrelationRules((GroupRule("g", ("service",), resolve_when=when),)))
    core.tell(received(firing("b"), firing("a", severity=Severity.LOW), firing("c", severity=Severity.LOW)))

    assert ends(core, "a", "b", "c") == open_after


def test_what_comes_back_long_after_a_manual_resolve_opens_another() -> None:
    """Within reopen_within it is the same incident, later a linked one."""
    core = correlation_core()
    old = asked(core, Resolve(opened(core)))

    core.tell(received(firing(starts_at=NOON + 3 * HOUR), at=NOON + 3 * HOUR))

    (new,) = [each for each in core.all(Incident) if each.id != old.id]
    assert new.related == (Relation(RelationKind.FOLLOWS, old.id),)
    assert [sum(each.firing) for each in core.all(Incident) if each.id == old.id] == [0]


class Lives(RuleBasedStateMachine):
    """Alerts come and go while operators do as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.core = correlation_core(CorrelationRules(close_after=2 * HOUR, keep_resolved=30 * DAY))
        self.now = NOON

    @rule(
        name=st.sampled_from("abc"), service=st.sampled_from(("cart", "search")), minutes=st.integers(0, 90)
    )
    def fires(self, name: str, service: str, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.core.tell(
            received(firing(f"{name}-{service}", service=service, starts_at=self.now), at=self.now)
        )

    @rule(name=st.sampled_from("abc"), service=st.sampled_from(("cart", "search")))
    def ends(self, name: str, service: str) -> None:
        self.now += MINUTE
        over = resolved(f"{name}-{service}", service=service, starts_at=self.now, ends_at=self.now)
        self.core.tell(received(over, at=self.now))

    @rule(
        place=st.integers(0, 5),
        action=st.sampled_from((Acknowledge, Start, Hold, Resolve, Close, Reopen, Remark)),
    )
    def asks(self, place: int, action: Callable[[str], Action]) -> None:
        incidents = self.core.all(Incident)
        if incidents:
            self.now += MINUTE
            wanted = action(incidents[place % len(incidents)].id)
            self.core.tell(OperatorAsked(self.now, "alice", "", wanted))

    @rule()
    def nothing_comes(self) -> None:
        self.now += HOUR
        self.core.pass_time(self.now)

    @invariant()
    def counts_are_those_of_the_alerts(self) -> None:
        """Each alert belongs to one incident, which counts it; what is closed never comes back."""
        records = self.core.all(AlertRecord)
        for incident in self.core.all(Incident):
            fires = sum(each.fires for each in records if each.incident == incident.id)
            assert sum(incident.firing) == fires
            assert incident.is_closed is (incident.closed_at is not None)
            assert (("incidents.open", incident.id) in self.core.index) is incident.is_open


Lives.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLives = Lives.TestCase
