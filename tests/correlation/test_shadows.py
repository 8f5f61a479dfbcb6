"""Rules in shadow: what they would have done is told, and nothing else is different."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from config.load import parse
from config.settings import Settings
from correlation.shadow_log import KEPT, SHADOWS, ShadowLog
from domain.incident import Incident
from tests.builders import MINUTE, NOON, correlation_core, firing, received, resolved
from tests.core import Core

ACTIVE = """
sources: {prom: {type: alertmanager}}
destinations: {noc: {type: memory}, desk: {type: memory}}
enrich:
  - {id: site, set: {site: fra}}
%s
correlation:
  groups:
%s
    - {id: by-service, by: [service]}
routes:
%s
  - {id: all, destinations: [noc]}
"""
SHADOWS_ONLY = (
    "  - {id: rack, set: {rack: r1}, mode: shadow}",
    "    - {id: by-site, by: [site], mode: shadow}",
    "  - {id: to-desk, destinations: [desk], mode: shadow, routes: [{id: deep, match: {service: cart}}]}",
)


def settings(*shadows: str) -> Settings:
    return parse(ACTIVE % (shadows or ("", "", "")), "tocsin.yaml", {})


def core(of: Settings) -> Core:
    return correlation_core(of.correlation, of.routing)


def told(it: Core) -> list[tuple[str, str, str]]:
    log = it.records.get(SHADOWS)
    return [(line.kind, line.rule, line.says) for line in log.lines] if isinstance(log, ShadowLog) else []


def test_what_each_would_have_done_is_counted_and_written_down():
    it = core(settings(*SHADOWS_ONLY))

    it.tell(received(firing(), firing("RAM")))

    grouped = "would group it as by-site|site=fra, not as by-service|service=checkout"
    assert told(it) == [
        ("groups", "by-site", grouped),
        ("enrich", "rack", "would add rack=r1"),
        ("routes", "to-desk", "would send it to desk, not to noc"),
        ("groups", "by-site", grouped),
        ("enrich", "rack", "would add rack=r1"),
    ]
    assert {name: count for name, count in it.counters.items() if name.startswith("shadow.")} == {
        "shadow.groups.by-site": 2,
        "shadow.enrich.rack": 2,
        "shadow.routes.to-desk": 1,
    }


def test_what_is_below_a_route_in_shadow_is_in_shadow():
    it = core(settings(*SHADOWS_ONLY))

    it.tell(received(firing(service="cart")))

    assert ("routes", "deep", "would send it to desk, not to noc") in told(it)
    (incident,) = it.all(Incident)
    assert incident.assessment.destinations == ("noc",)


def test_repeats_and_ends_are_not_told_of():
    it = core(settings(*SHADOWS_ONLY))
    it.tell(received(firing()))
    before = told(it)

    it.tell(received(firing(), resolved(), at=NOON + MINUTE))

    assert told(it) == before


def test_the_log_is_bounded():
    it = core(settings(*SHADOWS_ONLY))

    it.tell(received(*(firing(f"a{n}") for n in range(KEPT))))

    assert len(told(it)) == KEPT
    assert it.counters["shadow.enrich.rack"] == KEPT


alerts = st.lists(
    st.builds(
        lambda name, service, ends: (
            resolved(name, service=service) if ends else firing(name, service=service)
        ),
        st.sampled_from(["CPU", "RAM", "Disk"]),
        st.sampled_from(["cart", "checkout"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(alerts)
def test_nothing_else_is_different(given_alerts):
    """The same incidents, timelines and tickets as without them."""
    with_shadows, without = core(settings(*SHADOWS_ONLY)), core(settings())
    for it in (with_shadows, without):
        for number, alert in enumerate(given_alerts):
            it.tell(received(alert, at=NOON + number * MINUTE))
        it.records.pop(SHADOWS, None)

    assert with_shadows.records == without.records
    assert with_shadows.sent == without.sent
    assert with_shadows.timers == without.timers
    assert {name: unsigned(lines) for name, lines in with_shadows.logs.items()} == {
        name: unsigned(lines) for name, lines in without.logs.items()
    }


def unsigned(lines) -> list[tuple[object, ...]]:
    """Leave the version out: it is another configuration."""
    return [
        tuple(getattr(line, name) for name in line.__struct_fields__ if name != "rules") for line in lines
    ]
