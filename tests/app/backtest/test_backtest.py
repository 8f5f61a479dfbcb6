"""The same traffic under two configurations: what is found to differ, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backtest import running
from app.backtest.difference import Difference, Kind, difference
from app.backtest.running import Backtest
from app.backtest.side import Side
from app.backtest.traffic import Recorded
from config.load import parse
from config.settings import Settings
from correlation.handler import CorrelationHandler, Item
from correlation.items import AlertItem
from correlation.state import alert_record
from domain.alert import Alert, AlertRecord
from domain.batch import Batch
from domain.commands import Resolve
from domain.events import AlertsReceived, Event, OperatorAsked, decode_sealed, encode
from domain.incident import Incident
from domain.times import Millis
from ingest.sources import Post
from tests.builders import HOUR, MINUTE, NOON, SECOND, firing, resolved
from tests.correlation.test_order import deliveries, told

BY_SERVICE = "[{id: by-service, by: [service]}]"
ALONE = "[{id: alone, by: [alertname]}]"


@cache
def rules(groups: str = BY_SERVICE, criticality: str = "high") -> Settings:
    """A configuration."""
    return parse(
        f"sources: {{prom: {{type: alertmanager}}}}\ncorrelation: {{groups: {groups}}}\n"
        f"services: {{checkout: {{criticality: {criticality}}}, cart: {{criticality: medium}}}}\n"
        f"destinations: {{desk: {{type: memory}}}}\nroutes: [{{id: all, destinations: [desk]}}]",
        "rules.yaml",
        {},
    )


def recorded(event: Event, at: Millis) -> Recorded:
    """Something as a journal gives it."""
    return Recorded(at, decode_sealed(encode([event])))


def compared(before: Settings, after: Settings, *stories: tuple[Millis, Alert]) -> Difference:
    """Replay alerts under both."""
    backtest = Backtest(before, after)
    for at, alert in stories:
        backtest.take(recorded(AlertsReceived("r", NOON + at, [alert]), NOON + at))
    backtest.flush()
    return difference(backtest.before.tally, backtest.after.tally, backtest.pairs, backtest.alerts)


def kinds(found: Difference) -> dict[Kind, int]:
    """Count what differs."""
    return {kind: len(found.of(kind)) for kind in Kind if found.of(kind)}


CPU, DISK = firing("CPU"), firing("Disk")
TWO = ((0, CPU), (SECOND, DISK))


def test_the_same_rules_differ_in_nothing() -> None:
    found = compared(rules(), rules(), *TWO)

    assert kinds(found) == {Kind.SAME: 1}
    assert found.before == found.after
    assert found.before.tickets == {"desk": 1}
    assert found.before.noise_reduction == 0.5


def test_incidents_that_become_one_are_merged_and_the_other_way_round_split() -> None:
    assert kinds(compared(rules(ALONE), rules(), *TWO)) == {Kind.MERGED: 1}
    assert kinds(compared(rules(), rules(ALONE), *TWO)) == {Kind.SPLIT: 1}


def test_groups_that_are_cut_differently_are_told_apart_from_these() -> None:
    stories = [(0, firing("CPU", labels={"site": "a"})), (1, firing("CPU2", labels={"site": "b"}))]
    stories += [(2, firing("Disk", labels={"site": "b"}, service="cart"))]
    by_site = rules("[{id: by-site, by: [site]}]")

    assert kinds(compared(rules(), by_site, *stories)) == {Kind.REGROUPED: 1}


def test_a_p1_that_is_none_any_more_is_missed() -> None:
    found = compared(rules(), rules(criticality="low"), *TWO)

    assert [each.title for each in found.p1_missed] == ["CPU is bad"]
    (change,) = found.reprioritised()
    assert change.priorities == ("P1", "P3")


def test_a_p1_within_a_larger_p1_is_not_missed() -> None:
    assert compared(rules(ALONE), rules(), *TWO).p1_missed == ()


def test_tickets_that_go_elsewhere_are_a_change() -> None:
    silent = parse("sources: {prom: {type: alertmanager}}", "rules.yaml", {})

    (change,) = compared(rules(), silent, (0, CPU)).changes

    assert (change.kind, change.is_change) == (Kind.SAME, True)


def test_a_fallback_is_not_needed_where_tickets_are_made_at_once() -> None:
    """A replay must not take it for the tool's failure that nobody answers in it."""
    settings = parse(
        "sources: {prom: {type: alertmanager}}\nservices: {checkout: {criticality: critical}}\n"
        "destinations: {desk: {type: memory, fallback: spare, fallback_after: 5m}, spare: {type: memory}}\n"
        "routes: [{id: all, destinations: [desk]}]",
        "rules.yaml",
        {},
    )

    found = compared(settings, settings, (0, CPU), (HOUR, DISK))

    assert found.after.tickets == {"desk": 1}


def test_what_a_person_did_is_done_to_the_incident_of_the_same_alert() -> None:
    backtest = Backtest(rules(ALONE), rules())
    backtest.take(recorded(AlertsReceived("r", NOON, [CPU]), NOON))
    backtest.flush()
    (incident,) = backtest.before.tally.incidents
    backtest.take(recorded(OperatorAsked(NOON + MINUTE, "ann", "done", Resolve(incident)), NOON + MINUTE))
    backtest.take(recorded(OperatorAsked(NOON + MINUTE, "ann", "done", Resolve("unknown")), NOON + MINUTE))
    backtest.flush()

    for side in (backtest.before, backtest.after):
        (id_,) = side.tally.incidents
        known = side.incident(id_)
        assert known is not None
        assert not known.is_open
    assert backtest.strangers == 1


def test_a_request_is_read_by_each_configuration_in_its_own_way() -> None:
    body = (
        b'{"version": "4", "receiver": "x", "status": "firing", "alerts": [{"status": "firing", "labels": '
        b'{"alertname": "Disk", "severity": "bad", "service": "cart"}, "annotations": {}, '
        b'"startsAt": "2024-01-01T11:59:00Z"}]}'
    )
    posts = [Post(body, NOON, "prom"), Post(body, NOON, "unknown"), Post(b"nonsense", NOON, "prom")]
    worse = parse(
        "sources: {prom: {type: alertmanager, severities: {bad: critical}}}\n"
        "services: {cart: {criticality: medium}}\ncorrelation: {groups: [{id: by-service, by: [service]}]}",
        "rules.yaml",
        {},
    )
    backtest = Backtest(rules(), worse)
    for post in posts:
        backtest.take(Recorded(NOON, post=post))
    backtest.flush()
    found = difference(backtest.before.tally, backtest.after.tally, backtest.pairs, backtest.alerts)

    assert [change.priorities for change in found.changes] == [("P3", "P2")]
    assert backtest.after.unread == {"unknown": 1, "prom": 1}


@pytest.mark.parametrize("partitions", [1, 3])
def test_partitions_are_those_of_the_configuration(partitions: int) -> None:
    settings = parse(
        f"correlation: {{partitions: {partitions}, partition_by: [service], groups: {BY_SERVICE}}}",
        "rules.yaml",
        {},
    )

    found = compared(rules(), settings, (0, CPU), (1, firing("x", service="cart")), (2, DISK))

    assert [len(each.after) for each in found.changes] == [1, 1]


@given(deliveries())
def test_a_replay_decides_as_the_shard_did(story_and_arrival: tuple[list[Alert], list[Alert]]) -> None:
    """The same alerts at the same moments give the same incidents, and the same outcomes."""
    _, arrival = story_and_arrival
    live = told(arrival)

    side = Side(rules(), in_memory=4)
    for second, alert in enumerate(arrival):
        at = NOON + second * SECOND
        for partition, letter in side.letters(at, [AlertsReceived("r", at, [alert])]):
            side.decide(partition, [letter])

    assert sorted(side.tally.incidents) == sorted(each.id for each in live.all(Incident))
    assert side.tally.outcomes == live.outcomes()
    for record in live.all(AlertRecord):
        assert side.incident_of(record.key) == record.incident, alert_record(record.key)


@settings(max_examples=25)
@given(st.data())
def test_how_much_is_decided_at_once_does_not_matter(data: st.DataObject) -> None:
    _, arrival = data.draw(deliveries())
    stories = [(second * SECOND, alert) for second, alert in enumerate(arrival)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "ITEMS_AT_ONCE", data.draw(st.integers(1, 5)))
        in_pieces = compared(rules(ALONE), rules(), *stories)
    at_once = compared(rules(ALONE), rules(), *stories)

    assert shape(in_pieces) == shape(at_once)


def shape(found: Difference) -> Sequence[object]:
    """What a report says."""
    changes = [
        (each.kind, [one.id for one in each.before], [one.id for one in each.after]) for each in found.changes
    ]
    return [changes, found.before, found.after, [each.id for each in found.p1_missed]]


def test_an_alert_that_is_over_and_back_is_in_both_its_incidents() -> None:
    late = 2 * HOUR
    stories = [(0, CPU), (MINUTE, resolved("CPU")), (late, firing("CPU", starts_at=NOON + late))]

    assert kinds(compared(rules(), rules(), *stories)) == {Kind.SAME: 2}


def test_alerts_are_not_decided_on_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers between alerts part a batch; what was read for its rest is still known then."""
    decided: list[object] = []
    handle = CorrelationHandler.handle

    def counting(handler: CorrelationHandler, batch: Batch, item: Item) -> None:
        decided.append(item)
        handle(handler, batch, item)

    monkeypatch.setattr(CorrelationHandler, "handle", counting)
    stories = [(number * SECOND, firing(f"CPU{number}")) for number in range(50)]

    compared(rules(), rules(), *stories)

    assert len([each for each in decided if isinstance(each, AlertItem)]) == 2 * len(stories)
