"""Calls to ticketing tools are counted by how they ended, and go through unchanged."""

from __future__ import annotations

import asyncio

import pytest

from adapters.tickets.memory import Memory
from app.metered import DeliveryMeter
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import TicketSystem
from domain.ticket import DesiredTicket, TicketAction
from tests.builders import correlation_core, firing, received


def ticket() -> DesiredTicket:
    core = correlation_core()
    core.tell(received(firing()))
    desired: DesiredTicket = core.sent[0][1].tickets[0]  # type: ignore[union-attr, assignment]
    return desired


def counted(meter: DeliveryMeter) -> dict[tuple[str, ...], float]:
    samples = [sample for family in meter.calls.collect() for sample in family.samples]
    return {tuple(s.labels.values()): s.value for s in samples if s.name.endswith("_total")}


async def test_each_call_is_counted_by_how_it_ended():
    meter, memory = DeliveryMeter(), Memory()
    system = meter.around("noc", memory)
    ref = await system.create(ticket())
    assert await system.find(ticket().key) == ref
    await system.update(ref, ticket(), TicketAction.RESOLVE)
    with pytest.raises(PermanentError):
        await system.update(TicketRef("gone"), ticket(), TicketAction.UPDATE)
    await system.ping()
    await system.close()
    assert counted(meter) == {
        ("noc", "create", "ok"): 1,
        ("noc", "find", "ok"): 1,
        ("noc", "resolve", "ok"): 1,
        ("noc", "update", "not_found"): 1,
    }
    assert [done.action for done in memory.actions] == [TicketAction.CREATE, TicketAction.RESOLVE]


async def test_a_call_that_is_given_up_and_a_defect_are_told_apart():
    class Odd(Memory):
        search_lag = 3.0

        async def find(self, key: str) -> TicketRef | None:
            await asyncio.sleep(60)
            return None

        async def create(self, ticket: DesiredTicket) -> TicketRef:
            raise ZeroDivisionError

    meter = DeliveryMeter()
    system: TicketSystem = meter.around("noc", Odd())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await system.find("k")
    with pytest.raises(ZeroDivisionError):
        await system.create(ticket())
    assert counted(meter) == {("noc", "find", "cancelled"): 1, ("noc", "create", Reason.BUG.value): 1}
    assert system.search_lag == 3.0
