"""``/api/v1/parked``: what a tool refused for good."""

from __future__ import annotations

import pytest

from domain.errors import PermanentError, Reason
from tests.app.api.world import World
from tests.builders import firing


@pytest.fixture
async def refused(world: World) -> World:
    """One ticket is parked, for a reason that tells the request."""
    error = PermanentError("POST /tickets answered 422: no such field", Reason.REJECTED)
    error.request = "POST http://desk/tickets\n\n{...}"
    world.tickets.fail_next(error)
    await world.post(firing())
    await world.run()
    return world


async def test_a_parked_ticket_is_listed_with_its_reason(refused: World) -> None:
    page = await refused.get("/api/v1/parked")
    (parked,) = page["items"]

    assert (parked["destination"], parked["priority"]) == ("noc", "P1")
    assert "no such field" in parked["reason"]
    assert page["next"] is None


async def test_the_request_that_was_refused_is_shown(refused: World) -> None:
    (parked,) = (await refused.get("/api/v1/parked?destination=noc"))["items"]
    shown = await refused.get(f"/api/v1/parked/noc/{parked['key']}")

    assert shown["request"].startswith("POST http://desk/tickets")


async def test_a_retry_makes_the_ticket(refused: World) -> None:
    (parked,) = (await refused.get("/api/v1/parked"))["items"]
    async with refused.client.post(f"/api/v1/parked/noc/{parked['key']}/retry") as response:
        assert response.status == 200
    await refused.run()

    assert not (await refused.get("/api/v1/parked"))["items"]
    assert len(refused.tickets.tickets) == 1


async def test_what_is_dropped_is_gone(refused: World) -> None:
    (parked,) = (await refused.get("/api/v1/parked"))["items"]
    async with refused.client.delete(f"/api/v1/parked/noc/{parked['key']}") as response:
        assert response.status == 200
    await refused.run()

    assert not (await refused.get("/api/v1/parked"))["items"]
    assert not refused.tickets.tickets


@pytest.mark.parametrize("path", ["noc/ffff", "nowhere/ffff"])
async def test_what_is_not_parked_is_not_found(refused: World, path: str) -> None:
    problem = await refused.get(f"/api/v1/parked/{path}", 404)

    assert problem["type"].endswith("not-parked")
