"""The life of an incident, told in alerts."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from correlation.rules import CorrelationRules, GroupRule
from domain.alert import NEVER, AlertRecord, AlertState, Phase, Severity, Sightings
from domain.incident import Incident, IncidentState, TimelineEntry
from domain.matching import Matcher
from domain.priority import Priority
from routing.rules import Route
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    correlation_core,
    firing,
    received,
    resolved,
    routing_rules,
)
from tests.core import Core


def only_incident(core: Core) -> Incident:
    """The one incident there is."""
    (incident,) = core.all(Incident)
    assert isinstance(incident, Incident)
    return incident


def test_first_alert_opens() -> None:
    """An alert that nobody knows opens an incident."""
    core = correlation_core()

    core.tell(received(firing()))

    incident = only_incident(core)
    assert core.outcomes() == {"opened": 1}
    assert (incident.state, incident.alerts, incident.service) == (IncidentState.OPEN, 1, "checkout")


def test_same_group_joins() -> None:
    """Another alert of the same service joins."""
    core = correlation_core()

    core.tell(received(firing("a"), firing("b")))

    assert core.outcomes() == {"opened": 1, "joined": 1}
    assert only_incident(core).alerts == 2


def test_repeat_is_only_counted() -> None:
    """A repeat changes the counts of the alert and of its incident, and nothing else."""
    core = correlation_core()
    core.tell(received(firing()))
    before = only_incident(core)

    core.tell(received(firing(), firing(), at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 1, "duplicate": 2}
    assert only_incident(core) == before
    assert core.get("seen:prom/CPU") == Sightings(3, NOON + MINUTE)
    assert core.get(f"seen:{before.id}") == Sightings(3, NOON + MINUTE)


def test_repeats_around_a_change_within_a_batch() -> None:
    """Repeats are counted for the incident that their alert belonged to at the time, also within one batch."""
    core, later = correlation_core(), NOON + 2 * HOUR
    anew = firing(starts_at=later)

    core.tell_all(
        [
            [received(firing(), firing(), firing())],
            [received(resolved(), at=NOON + SECOND)],
            [received(anew, anew, at=later)],
            [received(firing(), at=later + SECOND)],
        ]
    )

    first, second = sorted(core.all(Incident), key=lambda incident: incident.opened_at)
    assert core.outcomes() == {"opened": 2, "duplicate": 3, "resolved": 1, "outdated": 1}
    assert core.get(f"seen:{first.id}") == Sightings(4, NOON + SECOND)
    assert core.get(f"seen:{second.id}") == Sightings(3, later + SECOND)
    assert core.get("seen:prom/CPU") == Sightings(7, later + SECOND)


def test_last_resolve_resolves() -> None:
    """The incident is resolved when the last of its alerts is."""
    core = correlation_core()
    core.tell(received(firing("a"), firing("b")))

    core.tell(received(resolved("a"), at=NOON + MINUTE))
    assert only_incident(core).is_open
    core.tell(received(resolved("b"), at=NOON + 2 * MINUTE))

    incident = only_incident(core)
    assert (incident.state, incident.resolved_at) == (IncidentState.RESOLVED, NOON + 2 * MINUTE)


def test_fires_again_soon() -> None:
    """What fires again within reopen_within opens the same incident again."""
    core = correlation_core()
    core.tell(received(firing(), resolved()))

    core.tell(received(firing(starts_at=NOON + 10 * MINUTE), at=NOON + 10 * MINUTE))

    assert core.outcomes() == {"opened": 1, "resolved": 1, "reopened": 1}
    assert only_incident(core).is_open
    assert only_incident(core).alerts == 1


def test_fires_again_late() -> None:
    """What fires again after reopen_within opens another incident."""
    core = correlation_core()
    core.tell(received(firing(), resolved()))

    core.tell(received(firing(starts_at=NOON + 2 * HOUR), at=NOON + 2 * HOUR))

    assert core.outcomes() == {"opened": 2, "resolved": 1}
    assert len(core.all(Incident)) == 2


def test_window_rolls() -> None:
    """Each alert that joins moves the window; one that comes after it opens another incident."""
    core = correlation_core()

    for name, minute in (("a", 0), ("b", 50), ("c", 100), ("d", 161)):
        core.tell(received(firing(name), at=NOON + minute * MINUTE))

    assert core.outcomes() == {"opened": 2, "joined": 2}


def test_max_age_ends_growth() -> None:
    """An incident older than max_age takes no new alerts."""
    rules = CorrelationRules(groups=(GroupRule("g", ("service",), window=HOUR, max_age=2 * HOUR),))
    core = correlation_core(rules)

    for name, minute in (("a", 0), ("b", 50), ("c", 100), ("d", 121)):
        core.tell(received(firing(name), at=NOON + minute * MINUTE))

    assert core.outcomes() == {"opened": 2, "joined": 2}


def test_rejoins_its_own_incident() -> None:
    """An alert that fires again while its incident is open goes back to it, whatever the window says."""
    core = correlation_core()
    core.tell(received(firing("a"), firing("b"), resolved("a")))

    core.tell(received(firing("a", starts_at=NOON + 5 * HOUR), at=NOON + 5 * HOUR))

    assert core.outcomes() == {"opened": 1, "joined": 2, "resolved": 1}
    assert only_incident(core).alerts == 2


def test_missing_label_stands_alone() -> None:
    """An alert without the label to group by is an incident of its own, and counted as such."""
    core = correlation_core()

    core.tell(received(firing("a", service=""), firing("b", service="")))

    assert core.outcomes() == {"opened": 2}
    assert core.counters["missing_group_label"] == 2


def test_first_matching_rule_groups() -> None:
    """The first rule whose match fits makes the group."""
    rules = CorrelationRules(
        groups=(
            GroupRule("databases", ("cluster",), match=Matcher.of({"kind": "db"})),
            GroupRule("rest", ("service",)),
        )
    )
    core = correlation_core(rules)

    core.tell(
        received(
            firing("a", service="x", labels={"kind": "db", "cluster": "c1"}),
            firing("b", service="y", labels={"kind": "db", "cluster": "c1"}),
            firing("c", service="y"),
        )
    )

    assert sorted(incident.rule for incident in core.all(Incident)) == ["databases", "rest"]


def test_rule_without_labels_takes_all() -> None:
    """A rule that groups by nothing takes all that it matches together."""
    core = correlation_core(CorrelationRules(groups=(GroupRule("all", ()),)))

    core.tell(received(firing("a", service="x"), firing("b", service="y")))

    assert core.outcomes() == {"opened": 1, "joined": 1}


def test_severity_change() -> None:
    """A change of severity is told to the incident."""
    core = correlation_core()
    core.tell(received(firing(severity=Severity.MEDIUM)))

    core.tell(received(firing(severity=Severity.CRITICAL), at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 1, "updated": 1}
    assert only_incident(core).severity is Severity.CRITICAL


def test_a_destination_that_is_gone_is_left_alone() -> None:
    """One taken out of the configuration is told nothing more; the timeline says so once, others go on."""
    routing = dataclasses.replace(routing_rules(), routes=(Route("all", ("noc", "old")),))
    core = correlation_core(routing=routing)
    core.tell(received(firing()))
    fewer = correlation_core(CorrelationRules(destinations=frozenset({"noc"}))).handler
    core.handler, core.sent = fewer, []

    core.tell(received(firing("b"), at=NOON + MINUTE))
    core.pass_time(NOON + 2 * MINUTE)
    core.tell(received(firing("c"), at=NOON + 3 * MINUTE))
    core.pass_time(NOON + 4 * MINUTE)

    timeline = core.logs[f"timeline:{only_incident(core).id}"]
    story = [each for each in timeline if isinstance(each, TimelineEntry) and each.destination == "old"]
    assert {mailbox for mailbox, _ in core.sent} == {"tickets.noc"}
    assert [entry.verdict for entry in story] == ["destination_removed"]


def test_a_test_opens_nothing() -> None:
    """Somebody tried the connection: that is counted, and changes nothing."""
    core = correlation_core()
    core.tell(received(firing()))
    before = only_incident(core)

    core.tell(received(replace(firing("other"), state=AlertState.TEST), at=NOON + SECOND))

    assert core.outcomes() == {"opened": 1, "test": 1}
    assert only_incident(core) == before


class TestDisorder:
    """What comes late or twice."""

    def test_resolve_before_firing(self) -> None:
        """A resolve that comes first is remembered: its firing opens an incident that is resolved already."""
        core = correlation_core()

        core.tell(received(resolved(), at=NOON + MINUTE))
        core.tell(received(firing(), at=NOON + MINUTE + SECOND))

        assert core.outcomes() == {"stray_resolve": 1, "late_firing": 1}
        assert not only_incident(core).is_open
        assert core.get("alert:prom/CPU").phase is Phase.RESOLVED

    def test_resolve_is_forgotten(self) -> None:
        """A resolve whose firing never comes is forgotten after a while."""
        core = correlation_core()
        core.tell(received(resolved()))

        core.pass_time(NOON + 2 * HOUR)

        assert core.all(AlertRecord) == []
        assert core.index == {}

    def test_old_firing_after_resolve(self) -> None:
        """A firing that was delayed until after its resolve does not open anything again."""
        core = correlation_core()
        core.tell(received(firing(), resolved()))

        core.tell(received(firing(), at=NOON + 5 * MINUTE))

        assert core.outcomes() == {"opened": 1, "resolved": 1, "outdated": 1}
        assert not only_incident(core).is_open

    def test_old_resolve_after_new_firing(self) -> None:
        """The resolve of an earlier episode does not end the present one."""
        core = correlation_core()
        core.tell(received(firing(), at=NOON))
        core.tell(received(firing(starts_at=NOON + 10 * MINUTE), at=NOON + 10 * MINUTE))

        core.tell(received(resolved(starts_at=NOON), at=NOON + 11 * MINUTE))

        assert core.outcomes() == {"opened": 1, "duplicate": 1, "outdated": 1}
        assert only_incident(core).is_open

    def test_repeated_resolve(self) -> None:
        """Alertmanager tells of a resolve several times: all but the first are duplicates."""
        core = correlation_core()

        core.tell(received(firing(), resolved(), resolved(), resolved()))

        assert core.outcomes() == {"opened": 1, "resolved": 1, "duplicate": 2}


class TestSilence:
    """Alerts not heard of."""

    def test_expires(self) -> None:
        """An alert not heard of for stale_after is taken for resolved."""
        core = correlation_core()
        core.tell(received(firing()))
        listen(core, NOON, NOON + DAY)

        core.pass_time(NOON + DAY)

        assert core.get("alert:prom/CPU").phase is Phase.EXPIRED
        assert not only_incident(core).is_open
        assert core.counters["expired"] == 1

    def test_repeats_keep_it_alive(self) -> None:
        """Each repeat counts as being heard of."""
        core = correlation_core()
        core.tell(received(firing()))
        listen(core, NOON, NOON + 20 * HOUR)
        core.tell(received(firing(), at=NOON + 20 * HOUR))
        listen(core, NOON + 20 * HOUR, NOON + 30 * HOUR)

        assert only_incident(core).is_open

    def test_heard_again(self) -> None:
        """What was taken for resolved and is heard of again opens its incident again."""
        core = correlation_core()
        core.tell(received(firing()))
        listen(core, NOON, NOON + DAY)

        core.tell(received(firing(), at=NOON + DAY + MINUTE))

        assert core.outcomes() == {"opened": 1, "reopened": 1}
        assert only_incident(core).is_open

    def test_not_while_nobody_listens(self) -> None:
        """Silence during an outage of ours says nothing about the alert."""
        core = correlation_core()
        core.tell(received(firing()))

        core.pass_time(NOON + 5 * DAY)

        assert only_incident(core).is_open


def listen(core: Core, since: int, until: int) -> None:
    """Let time go on without a gap, as the owner's heartbeat does."""
    for moment in range(since, until + 1, 30 * SECOND):
        core.pass_time(moment)


class TestPriority:
    """Impact × urgency, as the incident grows and shrinks."""

    def test_matrix(self) -> None:
        """A critical alert of a highly critical service is a P1; reasons are on the timeline."""
        core = correlation_core()

        core.tell(received(firing()))

        incident = only_incident(core)
        assert incident.assessment is not None
        assert (incident.assessment.priority, incident.assessment.team) == (Priority.P1, "payments")
        (entry,) = [line for line in core.logs[f"timeline:{incident.id}"] if line.verdict == "prioritised"]  # type: ignore[attr-defined]
        assert entry.reason == (  # type: ignore[attr-defined]
            "P1: high impact (checkout has high criticality) and high urgency (severity critical)"
        )

    def test_rises_at_once_falls_later(self) -> None:
        """It rises with the first worse alert, and falls only when a lower one was right for a while."""
        core = correlation_core()
        core.tell(received(firing("mild", severity=Severity.LOW)))
        assert priority(core) is Priority.P3
        core.tell(received(firing("bad"), at=NOON + MINUTE))
        assert priority(core) is Priority.P1

        core.tell(received(resolved("bad"), at=NOON + 2 * MINUTE))
        assert priority(core) is Priority.P1
        core.pass_time(NOON + 13 * MINUTE)

        assert priority(core) is Priority.P3

    def test_a_relapse_keeps_it(self) -> None:
        """A worse alert in the meantime starts the wait anew."""
        core = correlation_core()
        core.tell(received(firing("mild", severity=Severity.LOW), firing("bad")))
        core.tell(received(resolved("bad"), at=NOON + 2 * MINUTE))
        core.tell(received(firing("bad", starts_at=NOON + 5 * MINUTE), at=NOON + 5 * MINUTE))

        core.pass_time(NOON + 30 * MINUTE)

        assert priority(core) is Priority.P1

    @pytest.mark.parametrize(
        ("services", "expected"),
        [(["search"], Priority.P3), (["search", "a", "b"], Priority.P1)],
    )
    def test_widespread(self, services: list[str], expected: Priority) -> None:
        """From three services on the impact is one level higher."""
        core = correlation_core(CorrelationRules(groups=(GroupRule("g", ("site",)),)))

        core.tell(received(*(firing(name, service=name, labels={"site": "x"}) for name in services)))

        assert priority(core) is expected


def priority(core: Core) -> Priority:
    """The priority of the one incident."""
    assessment = only_incident(core).assessment
    assert assessment is not None
    return assessment.priority


class TestForgetting:
    """Nothing is kept for ever."""

    def test_purged(self) -> None:
        """A resolved incident, its alerts, logs and index entries are gone after keep_resolved."""
        rules = dataclasses.replace(CorrelationRules(), keep_resolved=7 * DAY)
        core = correlation_core(rules)
        core.tell(received(firing("a"), firing("b")))
        core.tell(received(resolved("a"), resolved("b"), at=NOON + MINUTE))

        core.pass_time(NOON + 8 * DAY)

        left = {name for name, record in core.records.items() if record is not None}
        assert left == {"listening:"}
        assert (core.index, core.logs, core.timers) == ({}, {}, {})


class TestHeartbeat:
    """A dead man's switch: its absence is the alert."""

    RULES = CorrelationRules(expect_every={"prom": 5 * MINUTE})

    def beat(self, core: Core, minute: int) -> None:
        """A sign of life, with the shard's own heartbeat in between."""
        listen(core, core.clock or NOON, NOON + minute * MINUTE)
        core.tell(
            received(replace(firing("Watchdog"), state=AlertState.HEARTBEAT), at=NOON + minute * MINUTE)
        )

    def test_nothing_while_it_beats(self) -> None:
        """Heartbeats in time open nothing."""
        core = correlation_core(self.RULES)

        for minute in (0, 4, 8, 12):
            self.beat(core, minute)

        assert core.outcomes() == {"heartbeat": 4}
        assert core.all(Incident) == []

    def test_silence_opens_and_a_beat_resolves(self) -> None:
        """One that stays out opens an incident; the next one resolves it."""
        core = correlation_core(self.RULES)
        self.beat(core, 0)
        listen(core, NOON, NOON + 6 * MINUTE)

        incident = only_incident(core)
        assert incident.is_open
        assert incident.lead.summary == "no heartbeat of Watchdog any more"
        assert incident.severity is Severity.CRITICAL

        self.beat(core, 7)
        assert not only_incident(core).is_open
        assert core.get("alert:prom/Watchdog").phase is Phase.ALIVE

    def test_stays_open_while_silent(self) -> None:
        """However long the silence lasts, it does not go stale."""
        core = correlation_core(self.RULES)
        self.beat(core, 0)
        listen(core, NOON, NOON + 2 * DAY)

        assert only_incident(core).is_open

    def test_expected_before_it_was_heard(self) -> None:
        """That a heartbeat is expected counts once; said again, it ends no silence."""
        expected = replace(firing("Watchdog"), state=AlertState.HEARTBEAT, starts_at=NEVER)
        core = correlation_core(self.RULES)
        core.tell(received(expected))
        listen(core, NOON, NOON + 6 * MINUTE)
        assert only_incident(core).is_open

        core.tell(received(expected, at=NOON + 6 * MINUTE))

        assert only_incident(core).is_open
        assert core.outcomes() == {"heartbeat": 1, "outdated": 1}

    def test_told_to_be_over(self) -> None:
        """A tool that says the heartbeat has ended is believed at once."""
        core = correlation_core(self.RULES)
        self.beat(core, 0)

        core.tell(received(resolved("Watchdog"), at=NOON + MINUTE))

        assert only_incident(core).is_open


def test_acknowledged_in_the_tool() -> None:
    """What somebody took on in the monitoring tool is on the timeline, and still fires."""
    core = correlation_core()
    core.tell(received(firing()))

    core.tell(received(replace(firing(), state=AlertState.ACKNOWLEDGED), at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 1, "acknowledged": 1}
    incident = only_incident(core)
    assert incident.is_open
    assert "acknowledged" in [getattr(line, "verdict", "") for line in core.logs[f"timeline:{incident.id}"]]
