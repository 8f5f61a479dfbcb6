"""Any rules with any alerts: whatever people write and tools send, the core decides, and its books balance."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.load import parse
from config.problems import ConfigError
from correlation.handler import CorrelationHandler
from domain.alert import Alert, AlertRecord, AlertState, Severity
from domain.commands import Acknowledge, Close, Hold, Reopen, Resolve
from domain.events import Event, OperatorAsked
from domain.incident import Incident
from routing.router import IncidentRouter
from tests.builders import MINUTE, NOON, received
from tests.core import Core

Rule = dict[str, Any]

SERVICES = ("checkout", "cart", "database")
LABELS = ("service", "name", "resource", "site", "severity")
SECTIONS = ("groups", "inhibit", "maintenance", "problems", "known_errors", "enrich")

matches: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"service": st.sampled_from(SERVICES)}),
    st.fixed_dictionaries({"name": st.sampled_from(["Down", "Slow"])}),
    st.sampled_from(['service=~"c.*"', 'severity!="info"', 'site="", name=~"D.*|S.*"']),
)
some_match = st.sampled_from(['service="database"', 'name="Down"', 'name=~"Slow|Lag"', 'severity="critical"'])
lengths = st.sampled_from(["30s", "2m", "10m", "1h"])
labels = st.lists(st.sampled_from(LABELS), max_size=2, unique=True)
thresholds = st.one_of(
    st.fixed_dictionaries({"count": st.integers(2, 4), "within": lengths}),
    st.fixed_dictionaries(
        {"distinct": st.just("resource"), "at_least": st.integers(2, 3), "within": lengths}
    ),
)
groups = st.fixed_dictionaries(
    {"by": labels, "match": matches, "window": lengths, "max_age": st.just("2h")},
    optional={
        "waiting": st.one_of(
            st.tuples(st.just("hold"), lengths), st.tuples(st.just("threshold"), thresholds)
        ),
        "flapping": st.just({"changes": 3}),
        "resolve_when": st.sampled_from(["all", "first", "root_cause"]),
    },
)
inhibits = st.fixed_dictionaries({"source": some_match, "target": some_match, "equal": labels})
windows = st.fixed_dictionaries(
    {
        "match": some_match,
        "start": st.sampled_from(["2024-01-01T12:05:00", "2024-01-01T11:00:00"]),
        "zone": st.just("UTC"),
        "duration": st.sampled_from(["10m", "2h"]),
        "rrule": st.sampled_from(["", "FREQ=DAILY"]),
    }
)
problems = st.fixed_dictionaries(
    {
        "match": matches,
        "signature": st.just(["service"]),
        "occurrences": st.integers(2, 3),
        "within": st.just("1d"),
    }
)
known_errors = st.fixed_dictionaries({"match": some_match, "workaround": st.just("Restart it")})
enrichments = st.fixed_dictionaries({"match": matches, "set": st.just({"site": "berlin"})})
RULES: tuple[st.SearchStrategy[Any], ...] = (groups, inhibits, windows, problems, known_errors, enrichments)


@st.composite
def configurations(draw: st.DrawFn) -> Rule:
    """Write a configuration of any rules."""
    found: dict[str, Any] = {}
    for name, rules in zip(SECTIONS, RULES, strict=True):
        drawn = draw(st.lists(rules, max_size=2))
        found[name] = [{"id": f"{name}-{number}", **whole(rule)} for number, rule in enumerate(drawn)]
    found["groups"].append({"id": "rest", "by": ["service"]})
    correlation = {
        "groups": found.pop("groups"),
        "reopen_within": draw(lengths),
        "stale_after": draw(st.just("3h")),
    }
    return {
        "sources": {"prom": {"type": "alertmanager"}},
        "correlation": correlation,
        "services": {
            "checkout": {"depends_on": ["cart", "database"], "criticality": "high"},
            "cart": {},
            "database": {},
        },
        "destinations": {"desk": {"type": "memory"}},
        "routes": [{"destinations": ["desk"]}],
        "sla": {"targets": {"P1": {"acknowledge": "5m", "resolve": "1h"}}},
        **found,
    }


def whole(rule: Rule) -> Rule:
    """Give an alert one thing to wait for at most."""
    waiting = dict([rule["waiting"]] if "waiting" in rule else [])
    return {name: value for name, value in rule.items() if name != "waiting"} | waiting


alerts = st.builds(
    lambda name, service, resource, severity, state, episode: Alert(
        "prom",
        f"{name}/{service}/{resource}",
        state,
        severity,
        name,
        f"{name} of {service}",
        {"service": service, "resource": resource},
        {},
        NOON + episode * MINUTE,
        None,
        service,
        resource=resource,
    ),
    st.sampled_from(["Down", "Slow", "Lag"]),
    st.sampled_from([*SERVICES, ""]),
    st.sampled_from(["db-1", "db-2"]),
    st.sampled_from([Severity.CRITICAL, Severity.MEDIUM, Severity.INFO]),
    st.sampled_from([AlertState.FIRING, AlertState.FIRING, AlertState.RESOLVED, AlertState.ACKNOWLEDGED]),
    st.integers(0, 1),
)
steps = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.one_of(alerts, alerts, alerts, st.sampled_from([Acknowledge, Hold, Resolve, Close, Reopen])),
    ),
    min_size=4,
    max_size=20,
)


def core_of(configuration: Rule) -> Core | None:
    """Make a shard of it; None where a check finds that the rules make no sense together."""
    try:
        made = parse(json.dumps(configuration), "any.yaml", {}, Path())
    except ConfigError:
        return None
    return Core(CorrelationHandler("alerts.0", made.correlation, IncidentRouter(made.routing)))


def play(core: Core, told: list[tuple[int, Any]]) -> int:
    """Tell it all, and let a day go by; return the number of alerts."""
    now, count = NOON, 0
    for wait, what in told:
        now += wait * MINUTE
        known = core.all(Incident)
        if isinstance(what, Alert):
            count += 1
            event: Event = received(what, at=now)
        elif known:
            event = OperatorAsked(now, "ann", "", what(known[-1].id))
        else:
            continue
        core.tell(event)
    for minute in range(0, 24 * 60, 20):
        core.pass_time(now + minute * MINUTE)
    return count


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations(), steps)
def test_any_rules_with_any_alerts(configuration: Rule, told: list[tuple[int, Any]]) -> None:
    """Nothing raises, each alert has one outcome, each that fires is counted once, and it happens again the same."""
    core, again = core_of(configuration), core_of(configuration)
    if core is None or again is None:
        return

    count = play(core, told)

    assert core.outcomes().get("quarantined", 0) == 0, core.logs.get("quarantine")
    assert sum(core.outcomes().values()) == count
    firing = Counter(
        record.incident for record in core.all(AlertRecord) if record.fires and record.incident in ids(core)
    )
    assert {incident.id: sum(incident.firing) for incident in core.all(Incident)} == {
        incident.id: firing[incident.id] for incident in core.all(Incident)
    }
    play(again, told)
    assert again.records == core.records
    assert again.timers == core.timers


def ids(core: Core) -> set[str]:
    return {incident.id for incident in core.all(Incident)}
