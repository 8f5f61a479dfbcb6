"""``/api/v1/known-errors``: workarounds that people record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.api.world import World
from tests.builders import MINUTE, NOON, firing, resolved

LEAK = {
    "id": "leak",
    "match": ["service=checkout"],
    "workaround": "restart",
    "url": "https://w",
    "actor": "dana",
}


async def post(world: World, body: dict[str, Any], status: int = 200) -> Any:
    async with world.client.post("/api/v1/known-errors", json=body) as response:
        assert response.status == status, await response.text()
        answer = await response.json(content_type=None)
    await world.run()
    return answer


async def test_one_that_is_recorded_is_shown_and_counts_how_often_it_helped(world: World) -> None:
    await post(world, LEAK)
    await world.post(firing())
    await world.post(resolved(), at=NOON + MINUTE)
    await world.run()

    (known,) = (await world.get("/api/v1/known-errors"))["items"]
    assert (known["author"], known["origin"], known["matched"], known["helped"]) == ("dana", "api", 1, 1)
    assert await world.get("/api/v1/known-errors/leak") == known
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    assert incident["workaround"]["text"] == "restart"
    assert (await world.get("/api/v1/stats"))["known_errors"] == {"leak": {"matched": 1, "helped": 1}}
    async with world.client.get("/metrics") as response:
        assert 'tocsin_known_errors_total{event="helped",known_error="leak"} 1.0' in await response.text()


async def test_one_that_is_dropped_is_gone(world: World) -> None:
    await post(world, LEAK)
    async with world.client.delete("/api/v1/known-errors/leak") as response:
        assert response.status == 200
    await world.run()

    assert (await world.get("/api/v1/known-errors"))["items"] == []
    await world.get("/api/v1/known-errors/leak", 404)
    async with world.client.delete("/api/v1/known-errors/leak") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": []},
        {"match": ["service"]},
        {"match": ['service=~"("']},
        {"match": ["service!=x"]},
        {"workaround": ""},
        {"id": "a b"},
        {"helps_within_seconds": -1},
        {"colour": "red"},
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, wrong: dict[str, Any]) -> None:
    assert (await post(world, {**LEAK, **wrong}, 400))["type"] == "urn:tocsin:problem:bad-body"
