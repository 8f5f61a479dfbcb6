"""Paging: whatever there is and however it is asked for, each item comes once, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import app.pages
from app.pages import IndexSource, Page, Place, collect
from app.reads import AlertFilter, IncidentFilter, ReadModel, ShownIncident
from correlation.state import ALERTS, INCIDENTS, OPEN_INCIDENTS, alert_record, incident_record
from domain.alert import AlertRecord, Phase
from domain.incident import Assessment, Incident, IncidentState, Lead
from domain.ports import Commit, StateStore, alerts_mailbox
from domain.priority import Level, Priority
from routing.router import IncidentRouter
from tests.app.api.world import opened_store
from tests.builders import firing, routing_rules

_encode = msgspec.msgpack.encode

ids = st.text("abcdef0123456789", min_size=1, max_size=3)
moments = st.integers(0, 3)
services = st.sampled_from(["cart", "search"])
filters = st.builds(
    IncidentFilter,
    st.none() | st.sampled_from(IncidentState),
    st.none() | services,
    st.none() | st.sampled_from([Priority.P1, Priority.P2]),
)


def incident(id_: str, opened_at: int, state: IncidentState, service: str, priority: Priority) -> Incident:
    judged = Assessment(Level.LOW, Level.LOW, priority, "", ())
    lead = Lead(0, 0, "", "", "")
    return Incident(
        id_, "r", "g", state, opened_at, 0, 0, lead, {}, (service,), (0,) * 5, 1, 1, assessment=judged
    )


incidents = st.builds(
    incident,
    ids,
    moments,
    st.sampled_from(IncidentState),
    services,
    st.sampled_from([Priority.P1, Priority.P2]),
)
partitioned = st.lists(
    st.lists(incidents, max_size=12, unique_by=lambda each: each.id), min_size=1, max_size=3
)
"""The incidents of each partition. Ids and moments are few, so that all kinds of ties come up."""


async def put(store: StateStore, partition: int, values: list[Incident]) -> None:
    commit = Commit()
    for each in values:
        commit.records[incident_record(each.id)] = _encode(each)
        commit.index[INCIDENTS, each.id] = each.opened_at
        if each.is_open:
            commit.index[OPEN_INCIDENTS, each.id] = each.opened_at
    shard = alerts_mailbox(partition)
    await store.commit(shard, await store.claim(shard), commit)


async def fill(store: StateStore, parts: list[list[Incident]]) -> None:
    for n, part in enumerate(parts):
        await put(store, n, part)


def joined(found: list[list[Incident]]) -> list[Incident]:
    return [each for page in found for each in page]


def model(store: StateStore, partitions: int, bound: int = 10_000) -> ReadModel:
    return ReadModel(store, partitions, (), IncidentRouter(routing_rules()), bound)


async def pages(
    ask: Callable[[Place | None], Awaitable[Page[ShownIncident, Place]]],
) -> list[list[Incident]]:
    page = await ask(None)
    found = [page]
    while page.next is not None:
        page = await ask(page.next)
        found.append(page)
    return [[shown.incident for shown in each.items] for each in found]


def expected(parts: list[list[Incident]], wanted: IncidentFilter) -> list[Incident]:
    places = [(each.opened_at, each.id, n, each) for n, part in enumerate(parts) for each in part]
    places.sort(key=lambda place: place[:3], reverse=True)
    return [each for *_, each in places if wanted.wants(each)]


@given(parts=partitioned, wanted=filters, limit=st.integers(1, 5), at_once=st.integers(1, 20))
@settings(max_examples=60)
async def test_the_pages_together_are_the_list_and_only_the_last_is_short(
    parts: list[list[Incident]], wanted: IncidentFilter, limit: int, at_once: int
):
    async with opened_store() as store:
        await fill(store, parts)
        reads = model(store, len(parts))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app.pages, "AT_ONCE", at_once)
            found = await pages(lambda place: reads.incidents(wanted, limit=limit, after=place))
    assert joined(found) == expected(parts, wanted)
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1] or len(found) == 1


@given(parts=partitioned, wanted=filters, limit=st.integers(1, 5), bound=st.integers(1, 6))
@settings(max_examples=40)
async def test_a_bound_on_the_work_makes_pages_short_and_leaves_nothing_out(
    parts: list[list[Incident]], wanted: IncidentFilter, limit: int, bound: int
):
    async with opened_store() as store:
        await fill(store, parts)
        reads = model(store, len(parts), bound)
        found = await pages(lambda place: reads.incidents(wanted, limit=limit, after=place))
    assert joined(found) == expected(parts, wanted)


@given(parts=partitioned, more=partitioned, limit=st.integers(1, 4))
@settings(max_examples=30)
async def test_what_comes_in_meanwhile_neither_hides_nor_repeats_what_was_there(
    parts: list[list[Incident]], more: list[list[Incident]], limit: int
):
    late = {n: [replace(each, group="late") for each in part] for n, part in enumerate(more[: len(parts)])}

    async def ask(place: Place | None) -> Page[ShownIncident, Place]:
        page = await reads.incidents(IncidentFilter(), limit=limit, after=place)
        for n, part in late.items():
            known = {each.id for each in parts[n]}
            await put(store, n, [each for each in part if each.id not in known])
        late.clear()
        return page

    async with opened_store() as store:
        await fill(store, parts)
        reads = model(store, len(parts))
        found = joined(await pages(ask))
    assert [each for each in found if each.group != "late"] == expected(parts, IncidentFilter())


async def test_an_incident_that_goes_away_while_being_listed_is_left_out():
    async with opened_store() as store:
        await put(store, 0, [incident(id_, 1, IncidentState.OPEN, "cart", Priority.P1) for id_ in "abc"])
        shard = alerts_mailbox(0)
        await store.commit(shard, await store.claim(shard), Commit(records={incident_record("b"): None}))
        page = await model(store, 1).incidents(IncidentFilter(), limit=2)
    assert ([shown.incident.id for shown in page.items], page.next) == (["c", "a"], None)


async def test_the_same_alert_in_two_partitions_is_listed_twice_and_not_once():
    record = AlertRecord("prom/A", firing("A"), Phase.FIRING, "", 5, 5)
    async with opened_store() as store:
        for partition in range(2):
            commit = Commit(
                records={alert_record("prom/A"): _encode(record)}, index={(ALERTS, "prom/A"): 5.0}
            )
            shard = alerts_mailbox(partition)
            await store.commit(shard, await store.claim(shard), commit)
        reads = model(store, 2)
        first = await reads.alerts(AlertFilter(), limit=1)
        second = await reads.alerts(AlertFilter(), limit=1, after=first.next)
    assert first.next == Place(5, "prom/A", 1)
    assert [len(page.items) for page in (first, second)] == [1, 1]
    assert second.next is None


async def test_a_filter_that_nothing_matches_costs_a_bounded_number_of_reads():
    looked_at = []

    async def nothing(places: list[Place]) -> list[None]:
        looked_at.extend(places)
        return [None] * len(places)

    async with opened_store() as store:
        values = [incident(f"{n:03x}", n, IncidentState.OPEN, "cart", Priority.P1) for n in range(300)]
        await put(store, 0, values)
        page: Page[None, Place] = await collect(
            IndexSource(store, ["alerts.0"], INCIDENTS), nothing, limit=10, after=None, bound=100
        )
    assert (page.items, page.next) == ([], looked_at[-1])
    assert 100 <= len(looked_at) < 250


async def test_a_busy_partition_is_not_overtaken_by_quiet_ones():
    """Each partition is asked for its share only; what the busy one has beyond it still comes first."""
    busy = [incident(f"{n:03x}", 100 + n, IncidentState.OPEN, "cart", Priority.P1) for n in range(200)]
    quiet = [
        [incident(f"{p}{n:02x}", n, IncidentState.OPEN, "cart", Priority.P1) for n in range(5)] for p in "abc"
    ]
    parts = [busy, *quiet]
    async with opened_store() as store:
        await fill(store, parts)
        reads = model(store, len(parts))
        found = await pages(lambda place: reads.incidents(IncidentFilter(), limit=100, after=place))
    assert joined(found) == expected(parts, IncidentFilter())
    assert [len(page) for page in found] == [100, 100, 15]
