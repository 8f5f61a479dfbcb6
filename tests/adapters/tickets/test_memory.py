"""The in-process ticketing tool, and the troubles it can be told to have."""

from __future__ import annotations

import pytest

from adapters.fakes.base import Shown
from adapters.http import Http
from adapters.tickets.memory import Memory, MemoryConfig
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.priority import Priority
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import TicketSystemContract, Tool, a_ticket


class TestMemory(TicketSystemContract):
    @pytest.fixture
    def tool(self) -> Tool:
        memory = MemoryConfig(type="memory").build(Http())

        async def look(ref: TicketRef) -> Shown:
            ticket = memory.tickets[ref.id]
            return Shown(
                ticket.title, ticket.description, ticket.state is TicketState.OPEN, ticket.priority.value
            )

        return Tool(memory, look, {priority: priority.value for priority in Priority})


async def test_tickets_are_numbered_and_actions_recorded() -> None:
    memory, ticket = Memory(), a_ticket()
    ref = await memory.create(ticket)
    await memory.update(ref, ticket, TicketAction.RESOLVE)

    assert ref == TicketRef("TKT-1", "memory:TKT-1")
    assert [(done.action, done.id) for done in memory.actions] == [("create", "TKT-1"), ("resolve", "TKT-1")]


async def test_a_write_told_to_fail_does_nothing_and_the_next_one_works() -> None:
    memory, ticket = Memory(), a_ticket()
    memory.fail_next(TemporaryError("no", Reason.SERVER_ERROR))
    with pytest.raises(TemporaryError):
        await memory.create(ticket)

    assert await memory.find(ticket.key) is None
    assert (await memory.create(ticket)).id == "TKT-1"


async def test_a_write_whose_answer_is_lost_was_done() -> None:
    memory, ticket = Memory(), a_ticket()
    memory.lose_next_answer()
    with pytest.raises(TemporaryError) as caught:
        await memory.create(ticket)

    assert caught.value.unknown
    assert await memory.find(ticket.key) == TicketRef("TKT-1", "memory:TKT-1")


async def test_like_most_tools_it_makes_two_tickets_for_one_key() -> None:
    memory, ticket = Memory(), a_ticket()
    first = await memory.create(ticket)
    second = await memory.create(ticket)

    assert first != second
    assert await memory.find(ticket.key) == first


async def test_an_unknown_ticket_cannot_be_updated() -> None:
    with pytest.raises(PermanentError) as caught:
        await Memory().update(TicketRef("TKT-9"), a_ticket(), TicketAction.UPDATE)

    assert caught.value.reason is Reason.NOT_FOUND
