"""``/api/v1/problems``: causes of incidents that recur."""

from __future__ import annotations

from typing import Any

import pytest

from domain.ticket import TicketKind
from tests.app.api.world import World
from tests.builders import HOUR, MINUTE, NOON, firing, resolved


@pytest.fixture
async def recurring(world: World) -> World:
    """An incident has come twice; its rule asks for no more."""
    for hour in (0, 2):
        at = NOON + hour * HOUR
        await world.post(firing("R", service="recurring", starts_at=at), at=at)
        await world.post(resolved("R", service="recurring", starts_at=at), at=at + MINUTE)
        await world.run()
    world.now = NOON + 3 * HOUR
    await world.run()
    return world


async def only(world: World) -> dict[str, Any]:
    """The one problem there is."""
    (problem,) = (await world.get("/api/v1/problems"))["items"]
    return dict(problem)


async def post(world: World, path: str, body: str = "", status: int = 200) -> Any:
    async with world.client.post(path, data=body) as response:
        assert response.status == status, await response.text()
        answer = await response.json(content_type=None)
    await world.run()
    return answer


async def test_a_problem_is_shown_with_its_incidents_and_they_with_it(recurring: World) -> None:
    problem = await only(recurring)
    assert problem["state"] == "open"
    for id_ in problem["incidents"]:
        assert (await recurring.get(f"/api/v1/incidents/{id_}"))["problem"] == problem["id"]
    assert await recurring.get(f"/api/v1/problems/{problem['id']}") == problem


async def test_it_has_a_ticket_of_its_own(recurring: World) -> None:
    (ticket,) = (await only(recurring))["tickets"]

    assert (ticket["destination"], ticket["state"]) == ("noc", "open")
    kinds = [each.kind for each in recurring.tickets.tickets.values()]
    assert kinds.count(TicketKind.PROBLEM) == 1


async def test_it_is_filtered_by_state_and_service(recurring: World) -> None:
    for query, count in (("state=open", 1), ("state=closed", 0), ("service=recurring", 1), ("service=x", 0)):
        assert len((await recurring.get(f"/api/v1/problems?{query}"))["items"]) == count


async def test_who_resolves_it_and_why_is_on_its_timeline(recurring: World) -> None:
    id_ = (await only(recurring))["id"]
    await post(recurring, f"/api/v1/problems/{id_}/resolve", '{"actor": "dana", "reason": "mended"}')

    assert (await only(recurring))["state"] == "resolved"
    story = (await recurring.get(f"/api/v1/problems/{id_}/timeline"))["items"]
    assert ("problem_resolved", "by dana: mended") in [(each["verdict"], each["reason"]) for each in story]
    await post(recurring, f"/api/v1/problems/{id_}/reopen")
    assert (await only(recurring))["state"] == "open"


async def test_a_workaround_makes_it_a_known_error(recurring: World) -> None:
    id_ = (await only(recurring))["id"]
    await post(recurring, f"/api/v1/problems/{id_}/workaround", '{"text": "restart", "url": "https://w"}')

    problem = await only(recurring)
    assert (problem["state"], problem["workaround"]) == (
        "known_error",
        {"text": "restart", "url": "https://w"},
    )


@pytest.mark.parametrize("body", ["[]", "{", '{"txt": "a"}', "{}"])
async def test_a_body_that_makes_no_sense_is_refused(recurring: World, body: str) -> None:
    id_ = (await only(recurring))["id"]
    answer = await post(recurring, f"/api/v1/problems/{id_}/workaround", body, 400)

    assert answer["type"] == "urn:tocsin:problem:bad-body"


async def test_one_that_there_is_not_cannot_be_asked_anything(world: World) -> None:
    for path in ("/api/v1/problems/none/resolve", "/api/v1/problems/none/reopen"):
        assert (await post(world, path, "", 404))["type"] == "urn:tocsin:problem:unknown-problem"
    await world.get("/api/v1/problems/none", 404)
    await world.get("/api/v1/problems/none/timeline", 404)


async def test_figures_tell_what_became_of_problems(recurring: World) -> None:
    assert (await recurring.get("/api/v1/stats"))["problems"]["opened"] == 1
    async with recurring.client.get("/metrics") as response:
        assert 'tocsin_problems_total{event="opened"} 1.0' in await response.text()
