"""Flapping: what begins and ends again and again holds its incident open, until it is quiet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.flap_rules import FlapRule
from correlation.rules import CorrelationRules, GroupRule
from correlation.state import timeline_log
from domain.alert import AlertRecord, Phase, Severity
from domain.events import TicketsDesired
from domain.incident import Incident, TimelineEntry
from tests.builders import HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

RULE = FlapRule(changes=4, within=10 * MINUTE, quiet=5 * MINUTE)


def core_with(rule: FlapRule | None = RULE) -> Core:
    return correlation_core(CorrelationRules((GroupRule("by-service", ("service",), flapping=rule),)))


def flap(core: Core, times: int, *, first: int = 0) -> int:
    """Begin and end so many times, a change a minute; return when the last change was."""
    at = NOON
    for change in range(first, first + times):
        at = NOON + change * MINUTE
        began = NOON + (change // 2) * 2 * MINUTE
        alert = resolved(starts_at=began, ends_at=at) if change % 2 else firing(starts_at=began)
        core.tell(received(alert, at=at))
    return at


def only(core: Core) -> tuple[AlertRecord, Incident]:
    (record,), (incident,) = core.all(AlertRecord), core.all(Incident)
    return record, incident


def tickets(core: Core) -> int:
    return sum(isinstance(event, TicketsDesired) for _, event in core.sent)


def test_the_end_that_is_one_too_many_holds_the_incident_open() -> None:
    core = core_with()

    flap(core, 4)

    record, incident = only(core)
    assert (record.phase, incident.is_open, incident.flapping) == (Phase.FLAPPING, True, 1)
    assert core.outcomes() == {"opened": 1, "resolved": 1, "reopened": 1, "flapping": 1}
    said = "changed 4 times within 10m, so it flaps and is not believed until it is quiet for 5m"
    assert incident.notes[-1].text == f"CPU {said}"
    line = core.logs[timeline_log(incident.id)][-1]
    assert isinstance(line, TimelineEntry)
    assert (line.verdict, line.reason) == ("flapping", said)


def test_tickets_are_not_touched_while_it_flaps() -> None:
    """However often: one note when it begins, one when it is over."""
    core = core_with()
    flap(core, 4)
    core.pass_time(core.clock + 2_000)
    _, before = only(core)
    sent = tickets(core)

    flap(core, 60, first=4)
    core.pass_time(core.clock + 2_000)

    record, incident = only(core)
    assert (record.phase, incident.revision, tickets(core)) == (Phase.FLAPPING, before.revision, sent)
    assert core.outcomes()["flapping"] == 61
    assert "reopened" not in {name for name, count in core.outcomes().items() if count > 1}


def test_what_is_quiet_and_over_resolves_its_incident_then() -> None:
    core = core_with()
    last = flap(core, 6)

    core.pass_time(last + 5 * MINUTE - 1)
    assert only(core)[1].is_open
    core.pass_time(last + 5 * MINUTE)

    record, incident = only(core)
    assert (record.phase, incident.is_open, incident.flapping) == (Phase.RESOLVED, False, 0)
    assert sum(incident.firing) == 0
    assert incident.notes[-1].text == "CPU does not flap any more: it is over"


def test_what_is_quiet_and_fires_keeps_its_incident() -> None:
    core = core_with()
    last = flap(core, 7)

    core.pass_time(last + 5 * MINUTE)

    record, incident = only(core)
    assert (record.phase, incident.is_open, sum(incident.firing)) == (Phase.FIRING, True, 1)
    assert incident.notes[-1].text == "CPU does not flap any more: it fires"
    core.tell(received(firing(starts_at=NOON + 6 * MINUTE), at=last + 6 * MINUTE))
    assert core.outcomes()["duplicate"] == 1


def test_after_it_was_quiet_it_takes_as_many_changes_again() -> None:
    """That is the hysteresis: one change more does not make it flap."""
    core = core_with()
    last = flap(core, 6)
    core.pass_time(last + 5 * MINUTE)

    at = last + 6 * MINUTE
    core.tell(received(firing(starts_at=at), at=at))
    core.tell(received(resolved(starts_at=at), at=at + MINUTE))

    record, incident = only(core)
    assert (record.phase, incident.is_open) == (Phase.RESOLVED, False)


def test_changes_that_are_far_apart_are_believed() -> None:
    core = core_with(FlapRule(changes=4, within=2 * MINUTE, quiet=5 * MINUTE))

    flap(core, 20)

    assert only(core)[0].phase is Phase.RESOLVED


def test_it_can_be_turned_off() -> None:
    core = core_with(None)

    flap(core, 20)

    assert only(core)[0].phase is Phase.RESOLVED


def test_a_worse_severity_is_told_while_it_flaps() -> None:
    core = core_with()
    flap(core, 4)
    milder = firing(starts_at=NOON + 4 * MINUTE, severity=Severity.LOW)

    core.tell(received(milder, at=NOON + 4 * MINUTE))

    record, incident = only(core)
    assert (record.phase, incident.firing) == (Phase.FLAPPING, (0, 0, 0, 1, 0))


def test_repeats_do_not_put_off_the_end() -> None:
    core = core_with()
    last = flap(core, 5)
    for minute in range(1, 5):
        core.tell(received(firing(starts_at=NOON + 4 * MINUTE), at=last + minute * MINUTE))
    core.pass_time(last + 5 * MINUTE)

    assert only(core)[0].phase is Phase.FIRING
    assert core.outcomes()["duplicate"] == 4


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.sampled_from(["change", "copy", "old"])),
        max_size=30,
    ),
    st.integers(0, 3 * HOUR),
)
def test_in_the_end_what_fires_is_what_was_said_last(told: list[tuple[int, str, str]], skew: int) -> None:
    """With copies, with late deliveries, whatever the tools' clocks say: once it is quiet the last word holds."""
    core, now = core_with(), NOON
    life = {name: [(NOON - skew, False)] for name in "ab"}
    for minutes, name, what in told:
        now += minutes * MINUTE + 1_000
        begins, fires = life[name][-1]
        if what == "change":
            life[name].append((now - skew, True) if not fires else (begins, False))
        began, is_on = life[name][-1] if what != "old" else life[name][len(life[name]) // 2]
        if len(life[name]) == 1:
            continue
        core.tell(
            received(firing(name, starts_at=began) if is_on else resolved(name, starts_at=began), at=now)
        )
        open_now = [each for each in core.all(Incident) if each.is_open]
        flapping = [each for each in core.all(AlertRecord) if each.phase is Phase.FLAPPING]
        assert sum(each.flapping for each in open_now) == len(flapping)
    core.pass_time(now + 6 * MINUTE)

    firing_last = {name for name in "ab" if life[name][-1][1]}
    records = core.all(AlertRecord)
    assert {each.alert.name for each in records if each.fires} == firing_last
    assert Phase.FLAPPING not in {each.phase for each in records}
    assert sum(sum(each.firing) for each in core.all(Incident) if each.is_open) == len(firing_last)
    assert sum(each.flapping for each in core.all(Incident)) == 0
