"""What is asked for in a wrong way is refused with the right way."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from app.api.paging import read_number, read_place
from tests.app.api.world import World
from tests.builders import firing

STATES = ["open", "resolved", "closed"]
PRIORITIES = ["P1", "P2", "P3", "P4", "P5"]
LIMITS = ["a number from 1 to 1000"]
CURSORS = ["what an answer had as next"]


@pytest.mark.parametrize(
    ("query", "parameter", "allowed"),
    [
        ("state=over", "state", STATES),
        ("state=", "state", STATES),
        ("priority=p1", "priority", PRIORITIES),
        ("service=", "service", ["a name"]),
        ("limit=0", "limit", LIMITS),
        ("limit=1001", "limit", LIMITS),
        ("limit=-1", "limit", LIMITS),
        ("limit=%D9%A3", "limit", LIMITS),
        ("limit=1_0", "limit", LIMITS),
        ("limit=" + "9" * 5000, "limit", LIMITS),
        ("cursor=MTAw", "cursor", CURSORS),
        ("cursor=%21", "cursor", CURSORS),
        ("cursor=na%C3%AFve", "cursor", CURSORS),
        ("cursor=", "cursor", CURSORS),
        ("limit=1&limit=2", "limit", ["once"]),
    ],
)
async def test_a_value_that_makes_no_sense_is_refused(
    world: World, query: str, parameter: str, allowed: list[str]
):
    problem = await world.get(f"/api/v1/incidents?{query}", 400)
    assert problem["type"] == "urn:tocsin:problem:bad-parameter"
    assert (problem["parameter"], problem["allowed"]) == (parameter, allowed)
    assert all(word in problem["detail"] for word in allowed) or allowed == ["once"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/incidents", ["state", "service", "priority", "limit", "cursor"]),
        ("/api/v1/alerts", ["state", "service", "source", "limit", "cursor"]),
        ("/api/v1/incidents/0123456789abcdef", []),
        ("/api/v1/incidents/0123456789abcdef/timeline", ["limit", "cursor"]),
        ("/api/v1/incidents/0123456789abcdef/alerts", ["limit", "cursor"]),
        ("/api/v1/stats", []),
    ],
)
async def test_a_parameter_that_is_not_known_is_refused(world: World, path: str, allowed: list[str]):
    problem = await world.get(f"{path}?colour=red", 400)
    assert problem["type"] == "urn:tocsin:problem:unknown-parameter"
    assert (problem["parameter"], problem["allowed"]) == ("colour", allowed)
    assert "'colour'" in problem["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/incidents", "/healthz", "/metrics"])
async def test_what_is_read_is_not_written(world: World, path: str, method: str):
    async with world.client.request(method, path) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
        assert response.content_type == "application/problem+json"


async def test_head_answers_as_get_does_without_a_body(world: World):
    async with world.client.head("/api/v1/incidents") as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/incident", "/api/v1/incidents/a/b/c"])
async def test_an_address_that_is_not_there_names_those_that_are(world: World, path: str):
    problem = await world.get(path, 404)
    assert "/api/v1/incidents" in problem["detail"]


async def test_a_store_that_does_not_answer_is_a_reason_to_come_back(world: World):
    await world.store.close()
    for path in ("/api/v1/incidents", "/api/v1/incidents/a", "/api/v1/alerts", "/api/v1/stats"):
        async with world.client.get(path) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")
            assert (await response.json(content_type="application/problem+json"))["title"] == "Store away"


async def test_answers_are_not_kept_by_proxies(world: World):
    await world.post(firing())
    await world.run()
    async with world.client.get("/api/v1/incidents") as response:
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "text", ['[1e400,"a",0]', '[NaN,"a",0]', '[1,"\\ud800",0]', "[1,2,3]", "[1]", "{}", "null", "1", ""]
)
def test_a_place_is_read_only_from_what_is_one(text: str):
    with pytest.raises(ValueError):
        read_place(urlsafe_b64encode(text.encode()).decode())


@pytest.mark.parametrize("text", ["-1", "9223372036854775808", "1.5", "[1]", "null", ""])
def test_a_number_is_read_only_from_what_is_one(text: str):
    with pytest.raises(ValueError):
        read_number(urlsafe_b64encode(text.encode()).decode())
