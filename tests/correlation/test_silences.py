"""Silences: what people want to hear nothing of for a time, and what becomes of it when the time is over."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation.rules import CorrelationRules
from correlation.silences import SILENCES, SILENCES_AT_MOST, Silences
from correlation.state import timeline_log
from domain.alert import AlertRecord, AlertState, Phase
from domain.commands import Resolve
from domain.events import OperatorAsked
from domain.incident import Incident, TimelineEntry
from domain.matching import BadMatcher
from domain.suppression import ExpireSilence, SetSilence, Silence, SuppressionAction
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

DISKS = Silence("5f2a", ('service="checkout"',), NOON, NOON + HOUR, "alice", "new disks")


def ask(core: Core, action: SuppressionAction, at: int = NOON) -> None:
    core.tell(OperatorAsked(at, "alice", "", action))


def silenced(silence: Silence = DISKS, rules: CorrelationRules | None = None) -> Core:
    core = correlation_core(rules)
    ask(core, SetSilence(silence))
    return core


def record(core: Core, name: str = "CPU") -> AlertRecord:
    found = core.get(f"alert:prom/{name}")
    assert isinstance(found, AlertRecord)
    return found


def story(core: Core) -> list[str]:
    (incident,) = core.all(Incident)
    return [line.reason for line in core.logs[timeline_log(incident.id)] if isinstance(line, TimelineEntry)]


def test_what_is_silenced_opens_nothing_and_says_who_wants_it_so() -> None:
    """It is kept, and counted as suppressed each time."""
    core = silenced()

    core.tell(received(firing(), at=NOON + MINUTE))
    core.tell(received(firing(), at=NOON + 2 * MINUTE))

    assert (core.all(Incident), core.outcomes()) == ([], {"suppressed": 2})
    held = record(core).held
    assert held is not None
    assert (held.kind, held.by) == ("silence", "5f2a")
    assert held.reason == "silenced by alice until 2024-01-01T13:00:00.000Z: new disks (silence 5f2a)"


def test_what_fires_when_the_silence_is_over_opens_its_incident() -> None:
    """At the silence's end, not at the next repeat; the timeline names the silence."""
    core = silenced()
    core.tell(received(firing(), at=NOON + MINUTE))

    core.pass_time(NOON + HOUR - 1)
    assert core.all(Incident) == []
    core.pass_time(NOON + HOUR)

    (incident,) = core.all(Incident)
    assert incident.opened_at == NOON + HOUR
    assert story(core)[0] == (
        "first of by-service|service=checkout, "
        "after silenced by alice until 2024-01-01T13:00:00.000Z: new disks (silence 5f2a)"
    )
    assert [name for name in core.records if name.startswith("waiting:") and core.records[name]] == []


def test_a_silence_that_is_ended_early_lets_all_go_at_once() -> None:
    core = silenced()
    core.tell(received(*(firing(f"a{n}") for n in range(300)), at=NOON + MINUTE))

    ask(core, ExpireSilence("5f2a"), NOON + 2 * MINUTE)
    core.pass_time(NOON + 2 * MINUTE)

    (incident,) = core.all(Incident)
    assert sum(incident.firing) == 300


def test_a_silence_that_is_extended_holds_on() -> None:
    core = silenced()
    core.tell(received(firing(), at=NOON + MINUTE))

    later = Silence(DISKS.id, DISKS.matchers, NOON, NOON + 2 * HOUR, "bob", "slow disks")
    ask(core, SetSilence(later), NOON + 2 * MINUTE)
    core.pass_time(NOON + HOUR + MINUTE)

    assert core.all(Incident) == []
    held = record(core).held
    assert held is not None
    assert "bob" in held.reason
    core.pass_time(NOON + 2 * HOUR)
    assert len(core.all(Incident)) == 1


def test_one_that_covers_less_than_before_lets_the_others_go() -> None:
    core = silenced()
    core.tell(received(firing("a"), firing("b"), at=NOON + MINUTE))

    fewer = Silence(DISKS.id, ("alertname=a",), NOON, NOON + HOUR, "alice")
    ask(core, SetSilence(fewer), NOON + 2 * MINUTE)
    core.pass_time(NOON + 2 * MINUTE)

    assert [record(core, name).phase for name in "ab"] == [Phase.WAITING, Phase.FIRING]


def test_what_ends_under_a_silence_was_never_an_incident() -> None:
    core = silenced()
    core.tell(received(firing(), at=NOON + MINUTE))
    core.tell(received(resolved(), at=NOON + 2 * MINUTE))
    core.pass_time(NOON + 2 * HOUR)

    assert (core.all(Incident), core.outcomes()) == ([], {"suppressed": 1, "resolved": 1})


def test_an_incident_that_is_open_already_is_left_as_it_is() -> None:
    """The silence says what must not begin. What fires counts on, and its end resolves the incident."""
    core = correlation_core()
    core.tell(received(firing("a"), at=NOON))
    ask(core, SetSilence(DISKS), NOON + MINUTE)

    core.tell(received(firing("a"), firing("b"), at=NOON + 2 * MINUTE))

    (incident,) = core.all(Incident)
    assert (incident.is_open, sum(incident.firing)) == (True, 1)
    assert core.outcomes() == {"opened": 1, "duplicate": 1, "suppressed": 1}
    core.tell(received(resolved("a"), at=NOON + 3 * MINUTE))
    assert not core.all(Incident)[0].is_open


def test_a_silenced_alert_does_not_open_again_what_somebody_resolved() -> None:
    """A new episode of an alert that fires on in a resolved incident waits like any other."""
    core = correlation_core()
    core.tell(received(firing(), at=NOON))
    (incident,) = core.all(Incident)
    core.tell(OperatorAsked(NOON + MINUTE, "bob", "", Resolve(incident.id)))
    ask(core, SetSilence(DISKS), NOON + MINUTE)

    core.tell(received(firing(starts_at=NOON + 2 * MINUTE), at=NOON + 2 * MINUTE))

    (incident,) = core.all(Incident)
    assert (incident.is_open, sum(incident.firing), record(core).phase) == (False, 0, Phase.WAITING)
    core.pass_time(NOON + HOUR)
    assert sorted((each.is_open, sum(each.firing)) for each in core.all(Incident)) == [(False, 0), (True, 1)]


def test_a_silence_that_has_yet_to_begin_holds_nothing() -> None:
    core = silenced(Silence("later", ("service=checkout",), NOON + HOUR, NOON + 2 * HOUR, "alice"))

    core.tell(received(firing(), at=NOON))

    assert core.outcomes() == {"opened": 1}


def test_a_heartbeat_that_stays_out_under_a_silence_opens_nothing_until_it_is_over() -> None:
    """However long that is: nothing can be heard of what is missing."""
    rules = CorrelationRules(expect_every={"prom": MINUTE}, stale_after=5 * MINUTE)
    core = silenced(rules=rules)
    beat = replace(firing("Watchdog"), state=AlertState.HEARTBEAT)
    core.tell(received(beat, at=NOON))

    for minute in range(60):
        core.pass_time(NOON + minute * MINUTE)
        assert core.all(Incident) == []
    core.pass_time(NOON + HOUR)

    (incident,) = core.all(Incident)
    assert incident.opened_at == NOON + HOUR
    core.tell(received(beat, at=NOON + HOUR + MINUTE))
    assert not core.all(Incident)[0].is_open


def test_expiring_twice_or_what_is_not_there_changes_nothing() -> None:
    core = silenced()
    ask(core, ExpireSilence("5f2a"), NOON + MINUTE)
    before = core.get(SILENCES)

    ask(core, ExpireSilence("5f2a"), NOON + 2 * MINUTE)
    ask(core, ExpireSilence("nothing"), NOON + 2 * MINUTE)

    assert core.get(SILENCES) == before


def test_old_ones_are_forgotten_and_their_number_is_bounded() -> None:
    core = silenced()
    assert len(core.get(SILENCES).items) == 1
    for number in range(SILENCES_AT_MOST + 5):
        one = Silence(f"s{number:05}", ("a=b",), NOON + 9 * DAY, NOON + 10 * DAY + number, "alice")
        ask(core, SetSilence(one), NOON + 8 * DAY)

    kept = core.get(SILENCES)
    assert isinstance(kept, Silences)
    assert len(kept.items) == SILENCES_AT_MOST
    assert kept.get("5f2a") is None
    assert kept.get("s00004") is None


def test_one_that_cannot_be_read_is_refused_whole() -> None:
    """It raises, so the shard puts it alone into quarantine; no alert ever meets it."""
    core = correlation_core()

    with pytest.raises(BadMatcher, match="not a pattern"):
        ask(core, SetSilence(Silence("bad", ("service=~(",), NOON, NOON + HOUR, "alice")))
    assert core.records.get(SILENCES) is None


NAMES = ("a", "b")
STEPS = st.one_of(
    st.tuples(st.just("fire"), st.sampled_from(NAMES)),
    st.tuples(st.just("end"), st.sampled_from(NAMES)),
    st.tuples(st.just("again"), st.sampled_from(NAMES)),
    st.tuples(st.just("silence"), st.sampled_from([("a",), ("b",), NAMES]), st.integers(-5, 15)),
    st.tuples(st.just("expire"), st.just("")),
)


@dataclass
class Model:
    """What everybody would say that silences do."""

    fires: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(NAMES, False))
    counts: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(NAMES, False))
    silence: tuple[tuple[str, ...], int, int] = ((), 0, 0)

    def look(self, now: int) -> None:
        names, begins, ends = self.silence
        for name in NAMES:
            quiet = name in names and begins <= now < ends
            self.counts[name] = self.fires[name] and (self.counts[name] or not quiet)


@given(st.lists(st.tuples(st.integers(1, 8), STEPS), max_size=14))
def test_at_any_moment_all_that_fires_and_is_not_silenced_counts(told: list[tuple[int, tuple]]) -> None:  # type: ignore[type-arg]
    """Whatever happens in whatever order: the state is that of a model of ten lines."""
    core, model = correlation_core(), Model()
    now, episode = NOON, dict.fromkeys(NAMES, NOON)
    for pause, (what, *details) in told:
        for _ in range(pause):
            now += MINUTE
            core.pass_time(now)
            model.look(now)
        if what in ("fire", "again"):
            (name,) = details
            if what == "fire" and not model.fires[name]:
                episode[name] = now
                model.fires[name] = True
            elif f"alert:prom/{name}" not in core.records:
                continue
            alert = firing(name, starts_at=episode[name])
            core.tell(received(alert, at=now), received(alert, at=now))
            model.look(now)
        elif what == "end":
            (name,) = details
            core.tell(received(resolved(name, starts_at=episode[name]), at=now))
            model.fires[name] = model.counts[name] = False
        elif what == "silence":
            names, minutes = details
            begins, ends = (
                (now, now + minutes * MINUTE) if minutes > 0 else (now - minutes * MINUTE, now + 9 * MINUTE)
            )
            model.silence = (names, begins, ends)
            pattern = "|".join(names)
            ask(core, SetSilence(Silence("s", (f'alertname=~"{pattern}"',), begins, ends, "alice")), now)
        else:
            names, begins, ends = model.silence
            model.silence = (names, min(begins, now), min(ends, now))
            ask(core, ExpireSilence("s"), now)
        core.pass_time(now)
        model.look(now)
        _agree(core, model)


def _agree(core: Core, model: Model) -> None:
    records = {each.alert.name: each for each in core.all(AlertRecord)}
    for name in NAMES:
        known = records.get(name)
        assert (known is not None and known.fires) is model.counts[name]
        if known is not None and known.alert.state is AlertState.FIRING and model.fires[name]:
            assert (known.phase is Phase.WAITING) is not model.counts[name]
    counted = sum(sum(each.firing) for each in core.all(Incident) if each.is_open)
    assert counted == sum(model.counts.values())
