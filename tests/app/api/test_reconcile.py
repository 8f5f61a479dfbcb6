"""``/api/v1/reconcile``: tickets are looked at in their tool, and set right where they differ."""

from __future__ import annotations

from typing import Any, cast

import pytest

from adapters.delivery.hearing import Owners
from adapters.tickets.memory import Memory
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import TicketSystem
from domain.ticket import TicketSeen
from tests.app.api.world import World
from tests.builders import firing


class Legible(Memory):
    """A tool that can be read, in which somebody changed the title."""

    def __init__(self, tickets: Memory) -> None:
        super().__init__()
        self.tickets = tickets.tickets
        self.title: str | None = None
        self.error: PermanentError | None = None

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        if self.error is not None:
            raise self.error
        ticket = self.tickets[ref.id]
        return TicketSeen(ref.id, 0, state=ticket.state, title=self.title or ticket.title)


@pytest.fixture
async def tool(world: World) -> Legible:
    """An incident and its ticket."""
    await world.post(firing())
    await world.run()
    tool = Legible(world.tickets)
    world.systems["noc"] = (cast(TicketSystem, tool), Owners())
    return tool


async def looked(world: World, query: str = "") -> Any:
    async with world.client.post(f"/api/v1/reconcile{query}") as response:
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.mark.usefixtures("tool")
async def test_a_ticket_that_is_as_it_should_be_is_left_alone(world: World) -> None:
    assert await looked(world) == {"checked": 1, "differences": [], "repaired": True}
    assert not world.boxes.take("tickets.noc")


async def test_what_differs_is_told_and_set_right(world: World, tool: Legible) -> None:
    tool.title = "lunch"
    answer = await looked(world, "?destination=noc")
    updates = len(world.tickets.actions)
    await world.run()

    assert [one["what"] for one in answer["differences"]] == [["title"]]
    assert len(world.tickets.actions) == updates + 1


async def test_a_dry_run_only_tells(world: World, tool: Legible) -> None:
    tool.title = "lunch"
    answer = await looked(world, "?dry_run=true")

    assert answer["repaired"] is False
    assert not world.boxes.take("tickets.noc")


async def test_what_cannot_be_read_is_told(world: World, tool: Legible) -> None:
    tool.error = PermanentError("no right to see it", Reason.AUTHENTICATION)
    answer = await looked(world)

    assert answer["differences"][0]["what"] == ["unreadable: no right to see it"]


@pytest.mark.usefixtures("tool")
async def test_a_destination_that_cannot_be_read_is_named(world: World) -> None:
    async with world.client.post("/api/v1/reconcile?destination=mail") as response:
        problem = await response.json(content_type="application/problem+json")

    assert response.status == 404
    assert "those that can: noc" in problem["detail"]
