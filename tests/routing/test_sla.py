"""SLA clocks, against a model that counts each minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.alert import Severity
from domain.clock import Clock, ClockState, Happening, Target
from domain.events import TicketNews
from domain.incident import Incident, IncidentState, Stage, TimelineEntry
from domain.priority import Priority
from domain.ticket import NewsKind
from domain.times import Millis
from routing.calendars import Calendar, elapsed
from routing.router import IncidentRouter
from routing.rules import RoutingRules
from routing.sla import Aim, Situation, SlaRules, clocks_after
from tests.builders import HOUR, MINUTE, NOON, correlation_core, firing, received, resolved, routing_rules
from tests.core import Core

OFFICE = Calendar("office", ZoneInfo("Europe/Berlin"), (((9 * HOUR, 17 * HOUR),),) * 5 + ((), ()))
P1, P2, P3 = Priority.P1, Priority.P2, Priority.P3
SLA = SlaRules(
    aims={
        (P1, Target.ACKNOWLEDGE): Aim(15 * MINUTE),
        (P1, Target.RESOLVE): Aim(4 * HOUR),
        (P2, Target.RESOLVE): Aim(8 * HOUR, "office"),
    },
    services={"search": {(P1, Target.RESOLVE): Aim(HOUR)}},
    calendars={"office": OFFICE},
)


def core_with_sla() -> Core:
    return correlation_core(routing=replace(routing_rules(), sla=SLA))


def incident(core: Core) -> Incident:
    (found,) = core.all(Incident)
    assert isinstance(found, Incident)
    return found


def clock(core: Core, target: Target) -> Clock:
    return next(clock for clock in incident(core).clocks if clock.target is target)


def verdicts(core: Core) -> list[tuple[str, Millis]]:
    entries = [line for line in core.logs[f"timeline:{incident(core).id}"] if isinstance(line, TimelineEntry)]
    return [(line.verdict, line.at - NOON) for line in entries if line.verdict.startswith("sla")]


def news(core: Core, kind: NewsKind, at: Millis) -> None:
    core.tell(TicketNews(incident(core).id, "noc", at, kind, "alice"))


def test_warnings_and_breach_come_by_themselves() -> None:
    """Nobody does anything: at half, at four fifths and at the end of the time people are told, and it is counted."""
    core = core_with_sla()
    core.tell(received(firing()))
    assert clock(core, Target.ACKNOWLEDGE).breach_at == NOON + 15 * MINUTE

    core.pass_time(NOON + 16 * MINUTE)

    assert verdicts(core) == [
        ("sla_warning", 7.5 * MINUTE),
        ("sla_warning", 12 * MINUTE),
        ("sla_breach", 15 * MINUTE),
    ]
    assert core.counters["sla_breach.acknowledge.P1"] == 1
    assert core.counters["sla_warning.acknowledge.P1"] == 2
    texts = [note.text for note in incident(core).notes]
    assert texts[-1] == "SLA breach: not acknowledged within 15m, the time for P1"
    assert clock(core, Target.ACKNOWLEDGE).state is ClockState.BREACHED


def test_acknowledging_stops_one_clock_and_resolving_the_other() -> None:
    """What is done in time is met, and nothing is told of it later."""
    core = core_with_sla()
    core.tell(received(firing()))
    news(core, NewsKind.ACKNOWLEDGED, NOON + 5 * MINUTE)
    core.tell(received(resolved(), at=NOON + HOUR))
    core.pass_time(NOON + 12 * HOUR)

    assert [state.state for state in incident(core).clocks] == [ClockState.MET, ClockState.MET]
    assert verdicts(core) == [("sla_met", 5 * MINUTE), ("sla_met", HOUR)]
    assert clock(core, Target.RESOLVE).spent == HOUR


def test_on_hold_no_time_passes() -> None:
    """While it is on hold, the end of the time moves away."""
    core = core_with_sla()
    core.tell(received(firing()))
    news(core, NewsKind.ON_HOLD, NOON + HOUR)
    assert clock(core, Target.RESOLVE).breach_at is None
    news(core, NewsKind.IN_PROGRESS, NOON + 4 * HOUR)

    assert clock(core, Target.RESOLVE).breach_at == NOON + 7 * HOUR
    core.pass_time(NOON + 7 * HOUR + MINUTE)
    assert verdicts(core)[-1] == ("sla_breach", 7 * HOUR)
    assert ("sla_paused", HOUR) in verdicts(core)
    assert ("sla_resumed", 4 * HOUR) in verdicts(core)


def test_opened_again_it_goes_on_where_it_stopped() -> None:
    """The time between the end and the reopening does not count."""
    core = core_with_sla()
    core.tell(received(firing()))
    core.tell(received(resolved(), at=NOON + HOUR))
    core.tell(received(firing(starts_at=NOON + HOUR + 20 * MINUTE), at=NOON + HOUR + 20 * MINUTE))

    assert clock(core, Target.RESOLVE).state is ClockState.RUNNING
    assert clock(core, Target.RESOLVE).breach_at == NOON + 4 * HOUR + 20 * MINUTE


def test_another_priority_keeps_the_time_used_up() -> None:
    """A P2 that becomes a P1 after an hour has three of its four hours left."""
    core = core_with_sla()
    core.tell(received(firing(severity=Severity.MEDIUM)))
    assert clock(core, Target.RESOLVE).calendar == "office"
    core.tell(received(firing(severity=Severity.CRITICAL, starts_at=NOON), at=NOON + HOUR))

    resolve = clock(core, Target.RESOLVE)
    assert (resolve.allowed, resolve.spent) == (4 * HOUR, _office(NOON, NOON + HOUR))
    acknowledge = clock(core, Target.ACKNOWLEDGE)
    assert (acknowledge.allowed, acknowledge.spent) == (15 * MINUTE, HOUR)
    assert verdicts(core) == [("sla_breach", HOUR)]


def test_a_service_may_have_agreed_on_something_else() -> None:
    """Targets of a service replace the common ones."""
    assert SLA.aim("search", P1, Target.RESOLVE) == Aim(HOUR)
    assert SLA.aim("search", P2, Target.RESOLVE) == Aim()
    assert SLA.aim("cart", P1, Target.RESOLVE) == Aim(4 * HOUR)


def test_nothing_agreed_nothing_kept() -> None:
    """Without an SLA an incident has no clocks, and one that had some loses them without a timer left behind."""
    core = core_with_sla()
    core.tell(received(firing()))
    kept = incident(core)

    after, happened = IncidentRouter(routing_rules()).follow(kept, NOON)

    assert (after.clocks, after.follow_at, happened) == ((), None, [])


def test_tickets_tell_when_time_will_be_over() -> None:
    """The built-in description names the end of each time agreed."""
    core = core_with_sla()
    core.tell(received(firing()))

    text = IncidentRouter(RoutingRules(sla=SLA)).render(incident(core)).description

    assert "Acknowledge by: 2024-01-01T12:15:00.000Z (running)" in text
    assert "Resolve by: 2024-01-01T16:00:00.000Z (running)" in text


def _office(start: Millis, end: Millis) -> Millis:
    return elapsed(OFFICE, start, end)


CHANGES = st.sampled_from(
    [
        ("priority", P1),
        ("priority", P2),
        ("priority", P3),
        ("stage", Stage.NEW),
        ("stage", Stage.ACKNOWLEDGED),
        ("stage", Stage.ON_HOLD),
        ("over", IncidentState.RESOLVED),
        ("over", IncidentState.OPEN),
        ("look", None),
    ]
)
STORIES = st.lists(st.tuples(st.integers(0, 120), CHANGES), max_size=8)


@dataclass
class Model:
    """Counts the time of one target minute by minute."""

    target: Target
    spent: int = 0
    met: bool = False

    def minute(self, incident: Incident, priority: Priority, moment: Millis) -> None:
        aim = SLA.aim("", priority, self.target)
        calendar = SLA.calendars.get(aim.calendar)
        paused = incident.stage is Stage.ON_HOLD or not incident.is_open or self.met
        if not paused and (calendar is None or calendar.is_open(moment)):
            self.spent += MINUTE

    def change(self, incident: Incident) -> None:
        if self.target is Target.ACKNOWLEDGE:
            self.met = self.met or (incident.is_open and incident.stage is not Stage.NEW)


def _changed(incident: Incident, change: tuple[str, object]) -> Incident:
    match change:
        case "stage", Stage() as stage if incident.is_open:
            return structs.replace(incident, stage=stage)
        case "over", IncidentState() as state:
            return structs.replace(incident, state=state)
        case _:
            return incident


@dataclass
class Telling:
    """Lives an incident minute by minute, beside the models."""

    known: Incident
    models: list[Model]
    priority: Priority = P1
    now: Millis = NOON

    def look(self) -> None:
        self.known, _ = _step(self.known, self.priority, self.now)

    def wait(self, minutes: int, *, looks_often: bool) -> None:
        for _ in range(minutes):
            for model in self.models:
                model.minute(self.known, self.priority, self.now)
            self.now += MINUTE
            if looks_often or _is_due(self.known, self.now):
                self.look()

    def change(self, change: tuple[str, object]) -> None:
        self.known = _changed(self.known, change)
        if self.known.is_open and isinstance(change[1], Priority):
            self.priority = change[1]
        for model in self.models:
            model.change(self.known)
        self.look()


@given(STORIES, st.booleans())
def test_clocks_count_what_the_minutes_add_up_to(
    story: Sequence[tuple[int, tuple[str, object]]], looks_often: bool
) -> None:
    """Whatever happens in whatever order, each clock has counted the minutes that a model counts one by one.

    And looking at it in between changes nothing of that.
    """
    telling = Telling(_opened(), [Model(target) for target in Target])
    telling.look()
    for minutes, change in story:
        telling.wait(minutes, looks_often=looks_often)
        telling.change(change)

    clocks = telling.known.clocks
    assert [_spent(clock, telling.now) for clock in clocks] == [model.spent for model in telling.models]
    assert all(_is_right(clock, telling.now) for clock in clocks)


@given(STORIES)
def test_each_warning_and_breach_is_told_once(story: Sequence[tuple[int, tuple[str, object]]]) -> None:
    """As long as the target is the same, nothing is told twice, however often somebody looks."""
    known = _opened()
    now, told = NOON, list[Happening]()
    for minutes, change in story:
        now += minutes * MINUTE
        known = _changed(known, change)
        for _ in range(2):
            known, happened = _step(known, P1, now)
            told += [each for each in happened if each.verdict in ("sla_warning", "sla_breach")]

    assert len(set(told)) == len(told)


def _opened() -> Incident:
    core = correlation_core()
    core.tell(received(firing()))
    return incident(core)


def _is_right(clock: Clock, now: Millis) -> bool:
    """A breach is one exactly while the time used up is all there is."""
    if clock.allowed is None:
        return clock.breached_at is None
    return (clock.breached_at is not None) is (_spent(clock, now) >= clock.allowed)


def _step(known: Incident, priority: Priority, now: Millis) -> tuple[Incident, list[Happening]]:
    pause = "it is on hold" if known.stage is Stage.ON_HOLD else ""
    clocks, happened = clocks_after(known, Situation("", priority, now, pause), SLA)
    return structs.replace(known, clocks=clocks), happened


def _is_due(known: Incident, now: Millis) -> bool:
    return any(clock.look_at is not None and clock.look_at <= now for clock in known.clocks)


def _spent(clock: Clock, now: Millis) -> Millis:
    running = elapsed(SLA.calendars.get(clock.calendar), clock.counted_at, now) if clock.runs else 0
    return clock.spent + running
