"""``/api/v1/silences``: set, shown, extended and ended over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from domain.times import to_text
from tests.app.api.world import World, opened_world
from tests.builders import HOUR, MINUTE, NOON, firing

BODY = {"matchers": ['service="checkout"'], "duration": "1h", "author": "alice", "comment": "new disks"}
ALERTMANAGERS = {
    "matchers": [{"name": "service", "value": "check.*", "isRegex": True, "isEqual": True}],
    "startsAt": to_text(NOON),
    "endsAt": to_text(NOON + HOUR),
    "createdBy": "alice",
    "comment": "new disks",
}


async def put(world: World, body: dict[str, Any], status: int = 200) -> Any:
    async with world.client.post("/api/v1/silences", json=body) as response:
        assert response.status == status, await response.text()
        told = await response.json(content_type=None)
    await world.run()
    return told


async def expire(world: World, name: str) -> None:
    async with world.client.delete(f"/api/v1/silences/{name}?by=bob") as response:
        assert (response.status, await response.json()) == (200, {"id": name, "expired": True})
    await world.run()


@pytest.mark.parametrize("body", [BODY, ALERTMANAGERS])
async def test_a_silence_is_set_and_alerts_wait_for_its_end(world: World, body: dict[str, Any]) -> None:
    """Our own body and Alertmanager's mean the same."""
    silence = await put(world, body)
    await world.post(firing())
    await world.run()

    (alert,) = (await world.get("/api/v1/alerts?state=waiting"))["items"]
    assert alert["suppressed_by"]["by"] == silence["id"]
    assert "silenced by alice" in alert["suppressed_by"]["reason"]
    shown = await world.get(f"/api/v1/silences/{silence['id']}")
    assert (shown["state"], shown["alerts"], shown["ends_at"]) == ("active", 1, to_text(NOON + HOUR))
    assert (await world.get("/api/v1/incidents"))["items"] == []


async def test_one_that_is_expired_lets_its_alerts_go(world: World) -> None:
    silence = await put(world, BODY)
    await world.post(firing())
    await world.run()

    world.now = NOON + MINUTE
    await expire(world, silence["id"])
    await world.run()

    assert len((await world.get("/api/v1/incidents"))["items"]) == 1
    assert [each["state"] for each in (await world.get("/api/v1/silences"))["items"]] == ["expired"]
    assert (await world.get("/api/v1/silences?state=active"))["items"] == []


async def test_one_with_a_known_id_takes_its_place(world: World) -> None:
    silence = await put(world, BODY)
    await put(world, {**BODY, "id": silence["id"], "duration": "2h"})

    (shown,) = (await world.get("/api/v1/silences"))["items"]
    assert (shown["id"], shown["ends_at"]) == (silence["id"], to_text(NOON + 2 * HOUR))


async def test_every_partition_is_told() -> None:
    async with opened_world(partitions=2) as world:
        silence = await put(world, BODY)
        await world.post(firing("a"), partition=0)
        await world.post(firing("b"), partition=1, producer="b")
        await world.run()

        assert (await world.get(f"/api/v1/silences/{silence['id']}"))["alerts"] == 2


async def test_figures_tell_of_it(world: World) -> None:
    await put(world, BODY)
    await world.post(firing())
    await world.run()

    figures = await world.get("/api/v1/stats")
    assert (figures["silences"], figures["suppressed"]["silence"]) == ({"active": 1}, 1)
    async with world.client.get("/metrics") as response:
        text = await response.text()
    assert 'tocsin_alerts_suppressed_total{kind="silence"} 1.0' in text
    assert 'tocsin_silences{state="active"} 1.0' in text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": ["service=~("]}, "is not a pattern"),
        ({"matchers": ['service=~".*"']}, "would silence everything"),
        ({"duration": None}, "say when it ends"),
        ({"ends_at": to_text(NOON + HOUR)}, "say when it ends"),
        ({"duration": None, "ends_at": to_text(NOON)}, "over before it begins"),
        ({"author": ""}, "author"),
        ({"id": "a/b"}, "id"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, change: dict[str, Any], why: str) -> None:
    problem = await put(world, {**BODY, **change}, 400)

    assert problem["type"] == "urn:tocsin:problem:bad-silence"
    assert why in problem["detail"]


async def test_one_that_is_not_there_is_not_found(world: World) -> None:
    problem = await world.get("/api/v1/silences/nothing", 404)

    assert problem["type"] == "urn:tocsin:problem:unknown-silence"
