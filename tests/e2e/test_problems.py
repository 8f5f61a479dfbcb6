"""Incidents that recur become a problem, in a tool that has problem records and in one that has not."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.fakes.servicenow import FakeServiceNow
from adapters.fakes.znuny import FakeZnuny
from tests.e2e.alerts import firing, resolved
from tests.e2e.desk import Desk
from tests.e2e.serve import TOKEN, Tocsin, eventually, tocsin

TIMES = 3


def configuration(desks: list[Desk]) -> str:
    """Each end of an alert ends its incident for good, so that the next is another."""
    return json.dumps(
        {
            "sources": {"prom": {"type": "alertmanager", "auth": {"bearer": TOKEN}}},
            "correlation": {
                "groups": [{"id": "by-service", "by": ["service"], "window": "1h"}],
                "reopen_within": "0s",
            },
            "problems": [{"id": "recurring", "signature": ["service"], "occurrences": TIMES}],
            "routes": [{"destinations": [desk.name for desk in desks]}],
            "destinations": {desk.name: desk.settings for desk in desks},
        }
    )


async def test_a_problem_has_its_ticket_and_those_of_its_incidents_are_linked(tmp_path: Path) -> None:
    """ServiceNow gets a record of its problem table; Znuny, told of no problem type, an ordinary ticket."""
    snow = Desk("snow", FakeServiceNow(), lambda shown: str(shown.fields["correlation_id"]), frozenset())
    znuny = Desk("znuny", FakeZnuny(), lambda shown: str(shown.fields["DynamicField_TocsinKey"]), frozenset())
    async with AsyncExitStack() as stack:
        for desk in (snow, znuny):
            await desk.up()
            stack.push_async_callback(desk.down)
        served = await stack.enter_async_context(tocsin(tmp_path, configuration([snow, znuny]), {}))
        await served.start()
        for _ in range(TIMES):
            await _incident(served)
        problem = await _problem(served)

        async def linked() -> None:
            for incident in problem["incidents"]:
                assert problem["refs"]["snow"].removeprefix("problem/") in snow.shown(incident).links
                notes = " ".join(znuny.shown(incident).comments) + str(znuny.shown(incident).links)
                assert problem["refs"]["znuny"] in notes

        await eventually(linked)
        assert problem["refs"]["snow"].startswith("problem/")
        assert snow.shown(problem["id"]).title == znuny.shown(problem["id"]).title
        assert len(snow.fake.ids()) == TIMES + 1


async def _incident(served: Tocsin) -> None:
    """Let an incident come and go."""
    before = len(await served.incidents())
    alert = firing("checkout")
    assert (await served.post([alert])).status == 202

    async def is_there() -> None:
        assert len(await served.incidents()) == before + 1

    await eventually(is_there)
    assert (await served.post([resolved(alert)])).status == 202

    async def is_over() -> None:
        assert {one["state"] for one in await served.incidents()} == {"resolved"}

    await eventually(is_over)


async def _problem(served: Tocsin) -> dict[str, Any]:
    """Wait until there is one whose tickets are there; with their ids."""

    async def check() -> dict[str, Any]:
        (problem,) = (await served.get("/api/v1/problems"))["items"]
        refs = {each["destination"]: each["id"] for each in problem["tickets"]}
        assert all(refs.values())
        return {**problem, "refs": refs}

    return await eventually(check)
