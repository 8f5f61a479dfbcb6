"""How alerts find their incident by the graph, by text and by time; and whose symptom they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from correlation.candidates import MOST, PLACES
from correlation.rules import CorrelationRules, GroupRule
from correlation.state import GroupRecord
from correlation.strategies import MINUTE, ByLabels, ByText, ByTopology, Strategy
from domain.alert import Alert, AlertRecord
from domain.incident import Incident, TimelineEntry
from domain.topology import Edge, Relation, Topology
from tests.builders import HOUR, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

DEPENDS, RUNS = Relation.DEPENDS_ON, Relation.RUNS_ON
GRAPH = Topology(
    [
        Edge("shop", DEPENDS, "cart"),
        Edge("cart", DEPENDS, "db"),
        Edge("db", RUNS, "host-1"),
        *(Edge(f"far-{number}", DEPENDS, f"far-{number + 1}") for number in range(20)),
    ]
)
NAMES = ("shop", "cart", "db", "far-0", "far-9")


def rules(*strategies: Strategy) -> CorrelationRules:
    return CorrelationRules(groups=(GroupRule("all", (), 2 * MINUTE, strategies=strategies),), topology=GRAPH)


def at(place: str, name: str = "", start: int = NOON) -> Alert:
    """An alert from a place of the graph."""
    return replace(firing(name or f"{place} is bad", service=place, starts_at=start), resource=place)


def told(core: Core, *alerts: Alert, gap: int = SECOND) -> list[str]:
    """Tell the alerts, each *gap* after the one before; name the incident of each."""
    homes = []
    for alert in alerts:
        moment = max(core.clock + gap, NOON)
        core.tell(received(alert, at=moment))
        homes.append(core.get(f"alert:prom/{alert.fingerprint}").incident)
    return homes


def last_reason(core: Core, incident: str) -> str:
    entries = [line for line in core.logs[f"timeline:{incident}"] if isinstance(line, TimelineEntry)]
    return [entry.reason for entry in entries if entry.alert][-1]


def test_near_in_the_graph_is_one_incident_and_far_is_another() -> None:
    """What happens around is joined; what is far away at the same moment is not."""
    core = correlation_core(rules(ByTopology()))

    shop, db, far = told(core, at("shop"), at("db"), at("far-9"))

    assert shop == db != far


def test_the_deepest_dependency_is_the_cause_and_names_the_incident() -> None:
    """However the alerts come, the title is that of what the others need."""
    core = correlation_core(rules(ByTopology()))

    (home, *_) = told(core, at("cart"), at("db"), at("shop"))

    incident = core.get(f"incident:{home}")
    assert (incident.cause, incident.cause_service, incident.lead.name) == ("db", "db", "db is bad")
    assert core.outcomes() == {"opened": 1, "joined": 1, "symptom": 1}


def test_much_later_is_another_incident() -> None:
    """After the window nothing is left that draws it."""
    core = correlation_core(rules(ByTopology()))

    first, second = told(core, at("shop"), at("cart"), gap=HOUR)

    assert first != second


def test_a_peer_is_a_place_too() -> None:
    """Who names the other end of a call belongs where that fails."""
    core = correlation_core(rules(ByTopology()))
    calls = replace(at("far-9"), labels={**at("far-9").labels, "peer": "db"})

    db, caller = told(core, at("db"), calls)

    assert db == caller


def test_one_alert_that_comes_back_does_not_open_another() -> None:
    """A single alert that fires anew stays in its incident."""
    core = correlation_core(rules(ByTopology()))

    told(core, at("db"), at("cart"))
    core.tell(received(resolved("db is bad", service="db"), at=NOON + 5 * SECOND))
    (again,) = told(core, at("db", start=NOON + 10 * SECOND))

    assert len(core.all(Incident)) == 1
    assert core.all(Incident)[0].id == again


def test_many_that_come_back_are_another_outbreak() -> None:
    """When much of an incident fires anew at once, it is not the same incident any more."""
    core = correlation_core(rules(ByTopology()))
    names = [f"check {number}" for number in range(12)]

    before = told(core, *(at("db", name) for name in names))
    after = told(core, *(at("db", name, NOON + MINUTE) for name in names))

    assert len(set(before)) == 1
    assert len(set(before + after)) == 2
    assert all(sum(each.firing) for each in core.all(Incident))


def test_text() -> None:
    """Numbers and addresses do not matter, other words do."""
    core = correlation_core(rules(ByText((("summary", 85.0),), 10 * MINUTE)))
    texts = ("disk full on 10.0.0.1: 93%", "disk full on 10.0.0.2: 97%", "certificate expires")

    first, second, other = told(
        core, *(replace(firing(f"a{number}"), summary=text) for number, text in enumerate(texts))
    )

    assert first == second != other


def test_time_within_a_site() -> None:
    """The same site a moment later, not another site, nor the same much later."""
    core = correlation_core(rules(ByLabels(("site",), 2 * MINUTE, "time")))
    sites = ("north", "north", "south")
    first, second, other = told(
        core, *(firing(f"a{number}", labels={"site": site}) for number, site in enumerate(sites))
    )

    assert first == second != other
    (late,) = told(core, firing("a9", labels={"site": "north"}), gap=HOUR)
    assert late != first


def test_the_first_strategy_that_finds_one_is_taken() -> None:
    """Declared order decides, and the reason tells which it was."""
    core = correlation_core(rules(ByTopology(), ByLabels(("site",), HOUR)))
    north = {"site": "north"}

    first, second = told(
        core, firing("a", service="far-0", labels=north), firing("b", service="db", labels=north)
    )

    assert first == second
    assert last_reason(core, first).startswith("by labels: site=north")


CATALOGUE = CorrelationRules(needs={"shop": ("db", "cart"), "cart": ("db",)}, topology=GRAPH)


def test_what_cannot_work_without_a_failing_service_is_its_symptom() -> None:
    """It joins that incident, and does not give it another title, though it is worse."""
    core = correlation_core(CATALOGUE)

    db, shop = told(core, at("db"), at("shop"), gap=HOUR // 2)

    assert db == shop
    assert core.get(f"incident:{db}").lead.name == "db is bad"
    assert core.outcomes() == {"opened": 1, "symptom": 1}
    assert "shop cannot work without db" in last_reason(core, db)


def test_nothing_is_a_symptom_of_what_is_over() -> None:
    """Only an open incident takes symptoms."""
    core = correlation_core(CATALOGUE)
    told(core, at("db"))
    core.tell(received(resolved("db is bad", service="db"), at=NOON + 2 * SECOND))

    told(core, at("shop"))

    assert core.outcomes() == {"opened": 2, "resolved": 1}


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[Alert, int]]:
    """Alerts that fire and end all over the graph, with the time between them."""
    told: list[tuple[Alert, int]] = []
    for number in range(draw(st.integers(1, 25))):
        place, gap = draw(st.sampled_from(NAMES)), draw(st.sampled_from((0, 1, 20, 150)))
        start = NOON + draw(st.integers(0, 3)) * MINUTE
        alert = at(place, f"{place} {draw(st.integers(0, 2))}", start)
        ended = resolved(alert.name, service=place, starts_at=start)
        told.append((ended if draw(st.booleans()) and number else alert, gap * SECOND))
    return told


def played(story: list[tuple[Alert, int]], copies: int = 1) -> Core:
    core = correlation_core(rules(ByTopology(), ByText((("summary", 85.0),), MINUTE)))
    clock = NOON
    for alert, gap in story:
        clock += gap
        for _ in range(copies):
            core.tell(received(alert, at=clock))
    return core


def homes(core: Core) -> dict[str, str]:
    return {record.key: record.incident for record in core.all(AlertRecord)}


@given(stories())
def test_the_same_story_gives_the_same_incidents(story: list[tuple[Alert, int]]) -> None:
    """Decisions depend on nothing but what was told; and copies of it change nothing."""
    core = played(story)

    assert homes(core) == homes(played(story)) == homes(played(story, copies=2))


@given(stories())
def test_each_alert_is_counted_in_one_incident(story: list[tuple[Alert, int]]) -> None:
    """What an incident counts as firing are its members that fire, and a group remembers only so much."""
    core = played(story)

    for incident in core.all(Incident):
        members = [record for record in core.all(AlertRecord) if record.incident == incident.id]
        assert sum(incident.firing) == sum(record.fires for record in members)
    assert sum(core.outcomes().values()) == len(story)
    for group in core.all(GroupRecord):
        assert len(group.current) <= MOST
        assert all(len(each.places) <= PLACES for each in group.current)


def test_a_long_storm_is_remembered_in_bounds() -> None:
    """Neither places nor incidents pile up, and weights stay finite."""
    core = correlation_core(rules(ByTopology()))
    told(core, *(at(f"host-{number}", f"a{number}") for number in range(3 * PLACES)), gap=20 * SECOND)

    (group,) = core.all(GroupRecord)
    assert len(group.current) <= MOST
    assert all(weight < 1e30 for each in group.current for pair in each.places.values() for weight in pair)
