"""Calls are bounded, budgeted and behind the breaker, and however one ends is told."""

from __future__ import annotations

import asyncio

import pytest
from aiolimiter import AsyncLimiter

from adapters.delivery.breaker import TRIPS_AT
from adapters.delivery.calls import Calls
from adapters.delivery.state import Breaker, Call, Outcome
from adapters.tickets.memory import Memory
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ticket import DesiredTicket, TicketAction
from tests.adapters.delivery.test_faults import desired
from tests.builders import NOON


class Slow(Memory):
    """A tool that answers when it is let, and fails in ways that adapters should not."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.let.set()
        self.defect: Exception | None = None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Wait, then create or fail."""
        await self.let.wait()
        if self.defect:
            raise self.defect
        return await super().create(ticket)


def create(key: str) -> Call:
    """A call that creates a ticket."""
    return Call(TicketAction.CREATE, desired(key, 1), None)


async def outcomes(calls: Calls, count: int) -> list[Outcome]:
    """Wait until *count* calls have ended."""
    ended: list[Outcome] = []
    while len(ended) < count:
        await calls.wake.wait()
        ended += calls.collect(NOON)
    return ended


def make_calls(system: Slow, *, budget: AsyncLimiter | None = None, patience: float = 5.0) -> Calls:
    """Calls to *system*, two at once."""
    return Calls(system, most=2, patience=patience, budget=budget, clock=lambda: NOON)


@pytest.fixture
async def system() -> Slow:
    """A tool."""
    return Slow()


async def test_told(system: Slow) -> None:
    """A call that went well brings the ticket's reference back."""
    calls = make_calls(system)

    calls.begin([create("aa")])
    (outcome,) = await outcomes(calls, 1)

    assert (outcome.ref, outcome.failure) == (
        TicketRef("TKT-1", outcome.ref.url if outcome.ref else ""),
        None,
    )
    assert calls.in_flight() == 0


async def test_bounded(system: Slow) -> None:
    """There is room for as many calls as may be under way, less those that are."""
    system.let.clear()
    calls = make_calls(system)
    assert calls.room() == 2

    calls.begin([create("aa"), create("bb")])
    assert calls.room() == 0

    system.let.set()
    await outcomes(calls, 2)
    assert calls.room() == 2


async def test_budget(system: Slow) -> None:
    """A spent budget leaves no room, and tells when to look again."""
    calls = make_calls(system, budget=AsyncLimiter(1, 60))
    assert calls.room() == 1

    calls.begin([create("aa")])
    await outcomes(calls, 1)

    assert calls.room() == 0
    assert 0 < calls.room_in() <= 60


async def test_breaker(system: Slow) -> None:
    """An open breaker leaves no room until its rest is over, then room for one."""
    calls = make_calls(system)

    calls.begin([Breaker(TRIPS_AT, NOON + 5_000)])
    assert (calls.room(), calls.room_in()) == (0, 5.0)

    calls.begin([Breaker(TRIPS_AT, NOON)])
    assert calls.room() == 1


@pytest.mark.parametrize(
    ("error", "permanent", "unknown", "reason"),
    [
        (TemporaryError("busy", Reason.RATE_LIMITED, retry_after=7), False, False, Reason.RATE_LIMITED),
        (PermanentError("no", Reason.REJECTED), True, False, Reason.REJECTED),
        (ZeroDivisionError("a defect"), True, True, Reason.BUG),
    ],
)
async def test_failures(
    system: Slow, error: Exception, permanent: bool, unknown: bool, reason: Reason
) -> None:
    """How a call failed is told; a defect of an adapter parks the ticket and ends nothing."""
    system.defect = error
    calls = make_calls(system)

    calls.begin([create("aa")])
    (outcome,) = await outcomes(calls, 1)

    assert outcome.failure is not None
    assert (outcome.failure.permanent, outcome.failure.unknown) == (permanent, unknown)
    assert outcome.failure.reason is reason
    assert outcome.failure.retry_after == (7_000 if reason is Reason.RATE_LIMITED else 0)


async def test_hanging_tool(system: Slow) -> None:
    """A call that does not end is given up, its outcome unknown."""
    system.let.clear()
    calls = make_calls(system, patience=0.01)

    calls.begin([create("aa")])
    (outcome,) = await outcomes(calls, 1)

    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.TIMEOUT
    assert outcome.failure.unknown


async def test_forgotten(system: Slow) -> None:
    """Calls given up tell nothing any more."""
    system.let.clear()
    calls = make_calls(system)
    calls.begin([create("aa")])

    calls.forget()
    await asyncio.sleep(0)

    assert calls.in_flight() == 0
    assert calls.collect(NOON) == []
