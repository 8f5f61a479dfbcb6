"""Inhibition: what follows from something worse that fires is suppressed, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.inhibition_rules import SOURCES_AT_MOST, InhibitRule, Sources
from correlation.rules import CorrelationRules, GroupRule
from correlation.state import timeline_log
from domain.alert import Alert, AlertRecord, Phase, Severity
from domain.incident import Incident, TimelineEntry
from domain.matching import Matcher
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

DOWN = InhibitRule("host-down", Matcher.of({"alertname": "Down"}), Matcher.of("alertname!=Down"), ("host",))
WORSE = InhibitRule(
    "worse", Matcher.of({"severity": "critical"}), Matcher.of('severity=~"critical|low"'), ("host",)
)


def core_with(*rules: InhibitRule) -> Core:
    return correlation_core(CorrelationRules((GroupRule("by-service", ("service",)),), inhibit=rules))


def down(host: str = "a", **more: int) -> Alert:
    return firing("Down", labels={"host": host}, **more)  # type: ignore[arg-type]


def slow(host: str = "a", **more: int) -> Alert:
    return firing("Slow", service="cart", labels={"host": host}, **more)  # type: ignore[arg-type]


def slow_is_over(starts_at: int = NOON) -> Alert:
    return resolved("Slow", service="cart", starts_at=starts_at)


def incident_of(core: Core, service: str) -> Incident | None:
    found = [each for each in core.all(Incident) if each.service == service]
    return found[-1] if found else None


def test_a_target_waits_while_its_source_fires() -> None:
    core = core_with(DOWN)

    core.tell(received(down(), at=NOON))
    core.tell(received(slow(), at=NOON + MINUTE))
    core.pass_time(NOON + HOUR)

    assert core.outcomes() == {"opened": 1, "suppressed": 1}
    held = core.get("alert:prom/Slow").held
    assert (held.kind, held.reason) == ("inhibition", "inhibited by rule host-down: prom/Down fires")


def test_a_target_that_came_first_stops_counting_when_its_source_comes() -> None:
    """Nothing else fires in its incident: that is resolved, and says why."""
    core = core_with(DOWN)
    core.tell(received(slow(), at=NOON))

    core.tell(received(down(), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE)

    incident = incident_of(core, "cart")
    assert incident is not None
    assert (incident.is_open, sum(incident.firing)) == (False, 0)
    said = core.logs[timeline_log(incident.id)][-1]
    assert isinstance(said, TimelineEntry)
    assert (said.verdict, said.reason) == ("suppressed", "inhibited by rule host-down: prom/Down fires")


def test_what_still_fires_when_the_last_source_ends_counts_again() -> None:
    core = core_with(DOWN)
    core.tell(received(slow(), at=NOON))
    core.tell(received(down(), at=NOON + MINUTE))
    core.tell(received(resolved("Down"), at=NOON + 5 * MINUTE))
    core.pass_time(NOON + 5 * MINUTE)

    incident = incident_of(core, "cart")
    assert incident is not None
    assert (incident.is_open, sum(incident.firing)) == (True, 1)


def test_another_host_is_not_touched() -> None:
    core = core_with(DOWN)
    core.tell(received(down("a"), at=NOON))
    core.tell(received(slow("b"), at=NOON + MINUTE))

    assert core.outcomes() == {"opened": 2}


def test_a_source_that_is_not_heard_of_any_more_inhibits_nothing() -> None:
    rules = CorrelationRules(inhibit=(DOWN,), stale_after=30 * MINUTE)
    core = correlation_core(rules)
    core.tell(received(down(), at=NOON))
    for minute in range(60):
        core.tell(received(slow(), at=NOON + minute * MINUTE))
        core.pass_time(NOON + minute * MINUTE)

    incident = incident_of(core, "cart")
    assert incident is not None
    assert incident.opened_at == NOON + 30 * MINUTE


def test_what_fits_both_sides_does_not_inhibit_itself_or_its_like() -> None:
    """As in Alertmanager: critical ones fit both sides of the rule, so they only inhibit the low one."""
    core = core_with(WORSE)
    core.tell(received(*(firing(name, labels={"host": "a"}) for name in "ab"), at=NOON))
    core.tell(received(firing("c", severity=Severity.LOW, labels={"host": "a"}), at=NOON))

    assert core.outcomes() == {"opened": 1, "joined": 1, "suppressed": 1}


def test_a_target_that_becomes_less_severe_is_inhibited_from_then_on() -> None:
    core = core_with(WORSE)
    core.tell(received(*(firing(name, labels={"host": "a"}) for name in "ab"), at=NOON))

    core.tell(received(firing("b", severity=Severity.LOW, labels={"host": "a"}), at=NOON + MINUTE))
    core.pass_time(NOON + MINUTE)

    assert core.get("alert:prom/b").phase is Phase.WAITING
    assert sum(core.all(Incident)[0].firing) == 1


def test_records_are_gone_when_nothing_inhibits_and_lists_are_made_anew() -> None:
    core = core_with(DOWN)
    core.tell(received(down(), slow(), at=NOON))
    core.tell(received(resolved("Down"), slow_is_over(), at=NOON + MINUTE))
    core.pass_time(NOON + 2 * DAY)

    left = [
        name for name, record in core.records.items() if record and name.startswith(("sources:", "waiting:"))
    ]
    assert left == []


def test_sources_are_bounded() -> None:
    sources = Sources()
    for number in range(SOURCES_AT_MOST + 5):
        sources = sources.plus(f"k{number}", twofold=False)

    assert len(sources.of(twofold=True)) == SOURCES_AT_MOST


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["Down", "Slow", "Odd"]), st.sampled_from("xy"), st.booleans(), st.integers(0, 2)
    ),
    max_size=14,
)


@given(EVENTS, st.booleans())
def test_a_target_counts_if_it_fires_and_no_source_of_it_does(
    told: list[tuple[str, str, bool, int]], at_once: bool
) -> None:
    """In any order, with copies; each condition a batch of its own, or several at once."""
    core = core_with(
        DOWN, InhibitRule("slow", Matcher.of("alertname=Slow"), Matcher.of("alertname=Odd"), ("host",))
    )
    now = NOON
    fires: dict[tuple[str, str], int] = {}
    for name, host, begins, minutes in told:
        now += minutes * MINUTE + 1
        key = f"{name}-{host}"
        known = fires.get((name, host), 0)
        if begins:
            fires[name, host] = known or now
            alert = firing(key, labels={"alertname": name, "host": host}, starts_at=fires[name, host])
        elif known:
            alert = resolved(key, starts_at=known)
            del fires[name, host]
        else:
            continue
        core.tell(received(alert, at=now), received(alert, at=now))
        if not at_once:
            core.pass_time(now)
            _agree(core, fires)
    core.pass_time(now)
    _agree(core, fires)


def _agree(core: Core, fires: dict[tuple[str, str], int]) -> None:
    """The model: who is inhibited by whom, said in two lines."""
    counts = set()
    for name, host in fires:
        worse = {"Slow": ["Down"], "Odd": ["Down", "Slow"], "Down": []}[name]
        if not any((other, host) in fires for other in worse):
            counts.add(f"{name}-{host}")
    assert {each.alert.name for each in core.all(AlertRecord) if each.fires} == counts
    assert sum(sum(each.firing) for each in core.all(Incident) if each.is_open) == len(counts)
