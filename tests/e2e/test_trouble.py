"""The ticketing tool has a bad day: nothing is lost, nothing is made twice, and people can see what is wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.e2e.alerts import example, firing
from tests.e2e.conftest import Deploy
from tests.e2e.looks import decided, outcomes, pending, settled, the_incident
from tests.e2e.serve import eventually
from tests.e2e.sink import DONE_BUT_DROPPED, DROPPED, FINE, HANGS, Fault, Sink, always, first, refusing

SERVICES = ("checkout", "search", "unknown")


async def test_a_tool_that_is_down_gets_one_create_and_the_last_word(deploy: Deploy, sink: Sink):
    """While it is down, all that happens to an incident coalesces: nothing is lost and nothing is told twice."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await sink.down()
        for number in range(10):
            answer = await tocsin.post([firing(service, f"{number}") for service in SERVICES])
            assert answer.status == 202
        await decided(tocsin, 30)
        await pending(tocsin, 3)
        await sink.up()
        await settled(tocsin, 30)
        for incident in await tocsin.incidents():
            assert sink.actions(incident["id"])[0] == "create"
            assert len(sink.actions(incident["id"])) <= 2
            assert sink.shown(incident["id"])["version"] == incident["revision"]
    assert sorted(sink.creates.values()) == [1, 1, 1]


async def test_updates_after_a_create_coalesce(deploy: Deploy, sink: Sink):
    """A burst of alerts of one incident is not a burst of updates of its ticket."""
    async with deploy(example(sink.url, "min_interval: 2s")) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout", "first")])
        await the_incident(tocsin, shows=1)
        for number in range(40):
            await tocsin.post([firing("checkout", f"{number}")])
        incident = await the_incident(tocsin, shows=41)
    assert incident["alerts"] == 41
    assert sink.actions()[:2] == ["create", "update"]
    assert len(sink.actions()) <= 5
    times = [each.at for each in sink.posted]
    assert all(later - earlier > 1.9 for earlier, later in pairwise(times)), times


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured(deploy: Deploy, sink: Sink, status: int):
    """A tool that asks for a pause gets it, and then what it was to be told."""
    sink.mood = first(1, refusing(status, Retry_After="3"))
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        await the_incident(tocsin, shows=1)
    refused, done = sink.posted
    assert done.at - refused.at >= 2.95
    assert (done.json, sink.actions()) == (refused.json, ["create"])


async def test_a_refusal_for_good_parks_the_ticket_and_says_why(deploy: Deploy, sink: Sink):
    """It is not tried again by itself; news of the incident gives it another chance."""
    sink.mood = always(refusing(422))
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])

        async def parked() -> str:
            [incident] = await tocsin.incidents()
            assert incident["tickets"][0]["state"] == "parked"
            return str(incident["id"])

        key = await eventually(parked)
        assert (await tocsin.stats())["destinations"]["noc"].items() >= {"pending": 0, "parked": 1}.items()
        last = (await tocsin.timeline(key))[-1]
        assert (last["verdict"], last["reason"][:9]) == ("ticket_create", "rejected:")
        assert "422" in last["reason"]
        assert "not today" in last["reason"]
        sink.mood = always(FINE)
        await tocsin.post([firing("checkout", "another")])
        await the_incident(tocsin, shows=2)
        assert (await tocsin.stats())["destinations"]["noc"].items() >= {"pending": 0, "parked": 0}.items()
    assert sink.actions() == ["create"]


@pytest.mark.parametrize(
    ("fault", "creates"),
    [
        pytest.param(DONE_BUT_DROPPED, 1, id="done, answer lost"),
        pytest.param(Fault(status=500), 1, id="done, answered 500"),
        pytest.param(DROPPED, 2, id="not done, answer lost"),
        pytest.param(refusing(500), 2, id="not done, answered 500"),
        pytest.param(HANGS, 2, id="not done, no answer in time"),
    ],
)
async def test_a_create_of_unknown_outcome_is_looked_up_first(
    deploy: Deploy, sink: Sink, fault: Fault, creates: int
):
    """GET ?key= settles whether it was done; only then, and only if not, it is done again."""
    sink.mood = first(1, fault, "create")
    async with deploy(example(sink.url, "timeout: 1s")) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        incident = await the_incident(tocsin, shows=1)
    key = incident["id"]
    assert sink.lookups == [key]
    assert [each.action for each in sink.posted].count("create") == creates
    assert sink.creates == {key: 1}
    assert sink.shown(key)["version"] == 1
    assert incident["tickets"][0]["id"] == f"T-{key}"


async def test_a_tool_that_loses_every_answer_still_gets_one_ticket_each(deploy: Deploy, sink: Sink):
    """Even if no create is ever answered, the look-up is what makes it known."""
    sink.mood = lambda action: DONE_BUT_DROPPED if action == "create" else FINE
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing(f"service-{n}") for n in range(4)])
        stats = await settled(tocsin, 4)
    assert outcomes(stats) == {"opened": 4}
    assert sorted(sink.creates.values()) == [1, 1, 1, 1]
