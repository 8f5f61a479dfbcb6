"""The OpenAPI document says what is served, all of it, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.api.openapi import document
from app.listener import _application
from app.reload import Reloader
from app.service import Role, running
from config.load import load
from domain.change import Change, ChangeState
from domain.errors import PermanentError, Reason
from domain.events import Audited, ChangesReceived, Quarantined, encode
from domain.ports import Message
from tests.app.api.world import World
from tests.builders import HOUR, MINUTE, NOON, firing, resolved

DOCUMENT = document("1.2.3")
METHODS = ("get", "post", "put", "patch", "delete")
NOT_FOUND = "/api/v1/{rest}"
"""Answers whatever has no address; it is none itself."""
CONFIG = """
sources:
  shop: {type: alertmanager}
  any: {type: generic, mapping: {identity: id}}
  pd: {type: pagerduty_events_v2}
  og: {type: opsgenie_alert_api}
destinations:
  noc: {type: memory}
"""


def strict(schema: Any) -> Any:
    """Let no shape have members that are not told of."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: strict(part) for key, part in schema.items()}
    return {**told, "additionalProperties": False} if "properties" in told else told


COMPONENTS = {"schemas": strict(DOCUMENT["components"]["schemas"])}


def check(value: Any, schema: Any) -> None:
    Draft202012Validator({**schema, "components": COMPONENTS}).validate(value)


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def contents() -> Iterator[tuple[str, Any]]:
    for path, method, operation in operations():
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in [*bodies, *operation["responses"].values()]:
            for media, content in body.get("content", {}).items():
                yield f"{method} {path} {media}", content


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate(DOCUMENT)


def test_each_example_is_one_of_its_schema() -> None:
    examples = [(where, each) for where, each in contents() if "example" in each]
    assert len(examples) > 30
    for where, each in examples:
        try:
            check(each["example"], each["schema"])
        except Exception as error:
            error.add_note(where)
            raise


def test_each_answer_of_ours_that_is_no_problem_has_an_example() -> None:
    """Whoever reads the document sees what comes back."""
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            json = answer.get("content", {}).get("application/json", {})
            assert status >= "400" or not json.get("schema") or "example" in json, (path, method)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """All that one process serves."""
    file = tmp_path / "tocsin.yaml"
    file.write_text(CONFIG)
    async with (
        running(load(file, {}), tmp_path, frozenset(Role)) as service,
        TestClient(TestServer(_application(service, Reloader(service, lambda: load(file, {}))))) as client,
    ):
        yield client


def served(client: TestClient[web.Request, web.Application]) -> set[str]:
    resources = client.app.router.resources() if client.app else ()
    return {each.canonical for each in resources}


async def test_what_is_served_is_in_it_and_the_reverse(client: TestClient[web.Request, web.Application]):
    assert served(client) - {NOT_FOUND} == set(DOCUMENT["paths"])


async def test_the_methods_are_those_that_are_served(client: TestClient[web.Request, web.Application]):
    """A method that is not told of is answered 405, and one that is told of is not."""
    names = {"source": "any", "rest": "x", "destination": "noc", "id": "1", "key": "1"}
    told = {(path, method) for path, method, _ in operations()}
    for path in DOCUMENT["paths"]:
        wider = "/ingest/" in path  # there the tool's methods decide; the document names those of all
        for method in METHODS:
            async with client.request(method, path.format(**names)) as response:
                allowed = response.status != 405
            assert allowed == ((path, method) in told) or (wider and not allowed), (path, method)


async def test_the_document_is_served(client: TestClient[web.Request, web.Application]):
    async with client.get("/api/openapi.json") as response:
        assert response.status == 200
        assert (await response.json())["paths"] == DOCUMENT["paths"]


GETS = sorted(path for path, method, each in operations() if method == "get" and each["tags"] != ["ingest"])


@pytest.mark.parametrize("path", GETS)
async def test_the_parameters_are_those_that_are_read(world: World, path: str):
    """An address names the parameters that it knows, when it is given another."""
    told = [each["name"] for each in DOCUMENT["paths"][path]["get"].get("parameters", [])]
    if not path.startswith("/api/v1/") or "400" not in DOCUMENT["paths"][path]["get"]["responses"]:
        assert told == []
        return
    problem = await world.get(
        path.format(id="0", source="s", destination="noc", key="0") + "?colour=red", 400
    )
    assert problem["allowed"] == told


async def full(world: World) -> None:
    """Have something of everything."""
    await world.post(firing("A"), firing("B"))
    await world.run()
    await world.post(resolved("A"), firing("C", service="cart"), at=NOON + MINUTE)
    world.tickets.fail_next(PermanentError("no such queue", Reason.REJECTED))
    kept = Quarantined(
        "beef-1", NOON, "prom", "is missing", "alerts", b"{}", headers={"authorization": "***"}
    )
    change = Change("github/42", "github", "deployment", ChangeState.SUCCEEDED, NOON, "v2", starts_at=NOON)
    await world.boxes.publish(
        world.reads.shards[0], [Message("c", 1, encode([ChangesReceived("1", NOON, [change])]))]
    )
    known = {"id": "leak", "match": ["service=x"], "workaround": "restart"}
    async with world.client.post("/api/v1/known-errors", json=known) as response:
        assert response.status == 200
    for hour in (2, 4):
        at = NOON + hour * HOUR
        await world.post(firing("R", service="recurring", starts_at=at), at=at)
        await world.post(resolved("R", service="recurring", starts_at=at), at=at + MINUTE)
    asked = Audited(NOON, "bot", "operator", "POST", "/api/v1/reconcile", 200)
    await world.boxes.publish(world.reads.shards[0], [Message("q", 1, encode([kept, asked]))])
    await world.run()


async def test_real_answers_are_as_it_says(world: World):
    await full(world)
    key = (await world.get("/api/v1/parked"))["items"][0]["key"]
    silence = {"id": key, "matchers": ["service=x"], "duration": "1h", "author": "dana"}
    async with world.client.post("/api/v1/silences", json=silence) as response:
        assert response.status == 200
    await world.run()
    problem = (await world.get("/api/v1/problems"))["items"][0]["id"]
    ids = {"quarantine": "beef-1", "problems": problem, "known-errors": "leak"}
    seen = 0
    for path, method, operation in operations():
        media = operation["responses"].get("200", {}).get("content", {}).get("application/json")
        if method != "get" or media is None or path.startswith("/ingest"):
            continue
        id_ = next((each for part, each in ids.items() if part in path), key)
        answer = await world.get(
            path.format(destination="noc", source="github", key="42" if "changes" in path else key, id=id_)
        )
        check(answer, media["schema"])
        assert answer.get("items", answer), f"{path} shows nothing"
        seen += 1
    assert seen == len(GETS) - 2  # the body in quarantine and the metrics are no JSON


async def test_real_problems_are_as_it_says(world: World):
    for path, status in (
        ("/api/v1/incidents/none", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/stats?x=1", 400),
    ):
        problem = await world.get(path, status)
        whole = {"$ref": "#/components/schemas/ProblemView", "components": DOCUMENT["components"]}
        Draft202012Validator(whole).validate(problem)
