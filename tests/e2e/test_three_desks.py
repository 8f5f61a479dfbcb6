"""A storm of 200 incidents into three ticketing tools at once, while each is stopped and started again.

Then people act in one tool, and the others follow: told by its webhook, or found by asking.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.fakes.base import Deed, Shown
from adapters.fakes.jira import FakeJiraDataCenter
from adapters.fakes.servicenow import FakeServiceNow
from adapters.fakes.znuny import FakeZnuny
from domain.ticket import TicketState
from tests.e2e.alerts import firing, resolved
from tests.e2e.desk import Desk
from tests.e2e.looks import decided
from tests.e2e.serve import TOKEN, Tocsin, eventually, tocsin

INCIDENTS = 200
OUTAGE = 0.4
QUIET = 3.0
"""Seconds of polls after which an echo would have come around."""


def configuration(desks: list[Desk]) -> str:
    """Write what each incident goes to all *desks* by."""
    return json.dumps(
        {
            "sources": {"prom": {"type": "alertmanager", "auth": {"bearer": TOKEN}}},
            "correlation": {"groups": [{"id": "by-service", "by": ["service"], "window": "1h"}]},
            "routes": [{"destinations": [desk.name for desk in desks]}],
            "destinations": {desk.name: desk.settings for desk in desks},
        }
    )


@pytest.fixture
async def desks() -> AsyncIterator[list[Desk]]:
    """Three tools that are unlike each other, all listening."""
    made = [
        Desk("jira", FakeJiraDataCenter(), _label, frozenset()),
        Desk("snow", FakeServiceNow(), lambda shown: str(shown.fields["correlation_id"]), frozenset()),
        Desk(
            "znuny",
            FakeZnuny(),
            lambda shown: str(shown.fields["DynamicField_TocsinKey"]),
            frozenset({"SessionCreate", "TicketGet", "TicketSearch"}),
        ),
    ]
    async with AsyncExitStack() as stack:
        for desk in made:
            await desk.up()
            stack.push_async_callback(desk.down)
        yield made


async def test_each_incident_is_one_ticket_in_each_tool(desks: list[Desk], tmp_path: Path) -> None:
    """Stops, lost answers and a storm: once in each tool, in the right state. Then people act, without echoes."""
    alerts = [firing(f"service-{number:03}") for number in range(INCIDENTS)]
    async with tocsin(tmp_path, configuration(desks), {}) as served:
        await served.start()
        outages = asyncio.create_task(_stopped_and_started(desks))
        await _storm(served, alerts)
        await _storm(served, [firing(f"service-{number:03}", "two") for number in range(0, INCIDENTS, 4)])
        await _storm(served, [resolved(alert) for alert in alerts[1::2]])
        await outages
        incidents = await _all_shown(served, desks, len(alerts) * 7 // 4)

        assert len(incidents) == INCIDENTS
        for desk in desks:
            assert desk.fake.hazards.lost == 0, "no answer was lost: nothing was tried"
            assert {key: len(ids) for key, ids in desk.tickets().items()} == dict.fromkeys(incidents, 1)
            over = {key for key in incidents if not desk.shown(key).is_open}
            assert over == {key for key, one in incidents.items() if one["state"] == "resolved"}
            assert len(over) == INCIDENTS // 2
        await _people_act(served, desks, [key for key, one in incidents.items() if one["state"] == "open"])


async def _storm(served: Tocsin, alerts: list[dict[str, Any]]) -> None:
    for start in range(0, len(alerts), 20):
        assert (await served.post(alerts[start : start + 20])).status == 202
        await asyncio.sleep(0.05)


async def _stopped_and_started(desks: list[Desk]) -> None:
    """Stop each tool in the middle of its work, twice, and lose answers of writes that were done."""
    for _ in range(2):
        for desk in desks:
            desk.fake.hazards.lost = 2
            await asyncio.sleep(OUTAGE)
            await desk.down()
            await asyncio.sleep(OUTAGE)
            await desk.up()


async def _all_shown(served: Tocsin, desks: list[Desk], accepted: int) -> dict[str, Any]:
    """Wait until every ticket shows what its incident is; return the incidents."""
    await decided(served, accepted)

    async def check() -> dict[str, Any]:
        incidents = await served.incidents()
        for one in incidents:
            shown = {ticket["destination"]: ticket["version"] for ticket in one["tickets"]}
            assert shown == {desk.name: one["revision"] for desk in desks}, one
        return {one["id"]: one for one in incidents}

    return await eventually(check)


async def _people_act(served: Tocsin, desks: list[Desk], keys: list[str]) -> None:
    """Acknowledge in the first tool, resolve in the second and third; the others show it, and then all is quiet."""
    jira, snow, znuny = desks
    before = _writes(desks)
    acknowledged, asked, told = keys[:3]

    await _act(served, jira, acknowledged, TicketState.ACKNOWLEDGED)
    await _show(lambda: (znuny.shown(acknowledged).state, snow.shown(acknowledged).state), ("open", "2"))
    await _act(served, snow, asked, TicketState.RESOLVED, tells=False)
    await _show(lambda: (znuny.shown(asked).is_open, jira.shown(asked).is_open), (False, False))
    await _act(served, znuny, told, TicketState.RESOLVED)
    await _show(lambda: (snow.shown(told).is_open, jira.shown(told).is_open), (False, False))

    stages = {one["id"]: (one["state"], one["stage"]) for one in await served.incidents()}
    assert stages[acknowledged] == ("open", "in_progress")
    assert {stages[asked][0], stages[told][0]} == {"resolved"}
    await asyncio.sleep(QUIET)
    settled = _writes(desks)
    await asyncio.sleep(QUIET)

    assert _writes(desks) == settled, "somebody still answers an echo"
    assert sum(settled.values()) - sum(before.values()) <= 6 * len(desks)
    assert jira.shown(acknowledged).is_open
    for desk in desks:
        assert len(desk.tickets()) == INCIDENTS == len(desk.fake.ids())


async def _act(served: Tocsin, desk: Desk, key: str, state: TicketState, *, tells: bool = True) -> None:
    """Do something to a ticket; the tool tells of it unless it is left to be asked."""
    [id_] = desk.tickets()[key]
    desk.fake.act(id_, Deed(state=state))
    if tells:
        headers, body = desk.fake.callback_of(id_)
        answer = await served.tell(desk.name, headers, body)
        assert (answer.status, answer.json) == (202, {"tickets": 1})


async def _show(look: Callable[[], Any], wanted: Any) -> None:
    async def check() -> None:
        assert look() == wanted

    await eventually(check)


def _writes(desks: list[Desk]) -> dict[str, int]:
    return {desk.name: desk.writes() for desk in desks}


def _label(shown: Shown) -> str:
    [label] = [each for each in shown.fields["labels"] if each.startswith("tocsin-")]
    return str(label).removeprefix("tocsin-")
