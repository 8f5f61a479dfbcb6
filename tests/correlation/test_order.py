"""Deliveries come twice, late and mixed up; what is left in the end is the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.alert import Alert, AlertRecord, Sightings
from domain.incident import Incident
from tests.builders import MINUTE, NOON, SECOND, correlation_core, firing, received, resolved
from tests.core import Core

NAMES = ("a", "b", "c")
EPISODES = (NOON, NOON + 5 * MINUTE, NOON + 10 * MINUTE)


def episode(name: str, start: int, *, ends: bool) -> list[Alert]:
    """What a tool says of one episode: it fires, and perhaps it ends."""
    story = [firing(name, starts_at=start)]
    return [*story, resolved(name, starts_at=start)] if ends else story


@st.composite
def stories(draw: st.DrawFn) -> list[Alert]:
    """Some episodes of some alerts; of an identity only the last may be left open, as tools do."""
    told: list[Alert] = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        count = draw(st.integers(1, len(EPISODES)))
        for number, start in enumerate(EPISODES[:count], 1):
            told += episode(name, start, ends=number < count or draw(st.booleans()))
    return told


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Alert], list[Alert]]:
    """A story as it happened, and as it arrived: some of it twice, all of it mixed up."""
    story = draw(stories())
    copies = draw(st.lists(st.sampled_from(story), max_size=len(story)))
    return story, draw(st.permutations([*story, *copies]))


def told(alerts: list[Alert]) -> Core:
    """A shard that was told of *alerts*, one a second, and then left alone: what flapped is believed again."""
    core = correlation_core()
    for second, alert in enumerate(alerts):
        core.tell(received(alert, at=NOON + second * SECOND))
    core.pass_time(core.clock + 16 * MINUTE)
    return core


def shape(core: Core) -> dict[str, Any]:
    """What matters in the end: which alerts fire, which incidents are open, and who belongs where."""
    return {
        "firing": {record.key: record.fires for record in core.all(AlertRecord)},
        "incidents": [
            (
                incident.state,
                incident.alerts,
                incident.firing,
                incident.services,
                incident.labels,
                incident.lead,
            )
            for incident in core.all(Incident)
        ],
        "placed": all(record.incident for record in core.all(AlertRecord)),
    }


def kept(core: Core) -> dict[str, Any]:
    """All records that exist, but for the clock's, which is written down now and then."""
    return {name: record for name, record in core.records.items() if record and name != "listening:"}


@given(deliveries())
def test_order_and_copies_do_not_matter(story_and_arrival: tuple[list[Alert], list[Alert]]) -> None:
    """Any order and duplication of the same deliveries leaves the same alerts firing in the same incidents."""
    story, arrival = story_and_arrival

    assert shape(told(story)) == shape(told(arrival))


@given(deliveries())
def test_every_alert_has_one_outcome(story_and_arrival: tuple[list[Alert], list[Alert]]) -> None:
    """Outcomes add up to what was accepted, and sightings to the same."""
    _, arrival = story_and_arrival
    core = told(arrival)

    assert sum(core.outcomes().values()) == len(arrival)
    assert sum(sightings(core, record.key) for record in core.all(AlertRecord)) == len(arrival)


def sightings(core: Core, key: str) -> int:
    """How often an alert was heard of; one that has no record of it was once."""
    seen = core.records.get(f"seen:{key}")
    return seen.count if isinstance(seen, Sightings) else 1


@given(deliveries(), st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_batches_do_not_matter(story_and_arrival: tuple[list[Alert], list[Alert]], sizes: list[int]) -> None:
    """However the same messages fall into batches, the state is the same, byte for byte."""
    _, arrival = story_and_arrival
    one_by_one = told(arrival)

    core = correlation_core()
    seconds = iter(range(len(arrival)))
    rest = list(arrival)
    for size in [*sizes, len(arrival)]:
        batch, rest = rest[:size], rest[size:]
        core.tell_all([[received(alert, at=NOON + next(seconds) * SECOND)] for alert in batch])
    core.pass_time(one_by_one.clock)

    assert kept(core) == kept(one_by_one)
    assert core.counters == one_by_one.counters
    assert core.logs == one_by_one.logs


@given(deliveries())
def test_incident_counts_its_firing_alerts(story_and_arrival: tuple[list[Alert], list[Alert]]) -> None:
    """An incident's count of firing alerts is that of its members, and it is open while one fires."""
    _, arrival = story_and_arrival
    core = told(arrival)

    for incident in core.all(Incident):
        members = [record for record in core.all(AlertRecord) if record.incident == incident.id]
        assert sum(incident.firing) == sum(record.fires for record in members)
        assert incident.is_open is any(record.fires for record in members)
