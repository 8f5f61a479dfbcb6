"""Counts and times the calls to ticketing tools, around whichever adapter makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Histogram

from domain.errors import DeliveryError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, LinkKind, Polled, TicketSystem
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class DeliveryMeter:
    """The meters of all destinations; ``app.api.metrics`` shows them."""

    def __init__(self) -> None:
        self.calls = Counter(
            "tocsin_delivery_calls",
            "Calls to ticketing tools; result is ok, or the reason of the failure.",
            ["destination", "action", "result"],
            registry=None,
        )
        self.seconds = Histogram(
            "tocsin_delivery_call_duration_seconds",
            "How long ticketing tools took to answer.",
            ["destination", "action"],
            buckets=BUCKETS,
            registry=None,
        )

    def around(self, destination: str, system: TicketSystem) -> TicketSystem:
        """Meter every call to *system*."""
        return Metered(destination, system, self)

    @contextmanager
    def metering(self, destination: str, action: TicketAction) -> Iterator[None]:
        """Meter one call."""
        started = perf_counter()
        result = "ok"
        try:
            yield
        except BaseException as error:
            result = _result(error)
            raise
        finally:
            self.calls.labels(destination, action.value, result).inc()
            self.seconds.labels(destination, action.value).observe(perf_counter() - started)


class Metered:
    """A ticketing tool whose calls are metered."""

    def __init__(self, destination: str, system: TicketSystem, meter: DeliveryMeter) -> None:
        self.capabilities = system.capabilities
        self.search_lag = system.search_lag
        self.reads_as = system.reads_as
        self._destination = destination
        self._system = system
        self._meter = meter

    async def find(self, key: str) -> TicketRef | None:
        """Look a ticket up."""
        with self._meter.metering(self._destination, TicketAction.FIND):
            return await self._system.find(key)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket."""
        with self._meter.metering(self._destination, TicketAction.CREATE):
            return await self._system.create(ticket)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Change a ticket."""
        with self._meter.metering(self._destination, action):
            return await self._system.update(ref, ticket, action)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write a note."""
        with self._meter.metering(self._destination, TicketAction.COMMENT):
            await self._system.comment(ref, note)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate two tickets."""
        with self._meter.metering(self._destination, TicketAction.LINK):
            await self._system.link(ref, other, kind)

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Attach a file; metered as a comment, which it is to people."""
        with self._meter.metering(self._destination, TicketAction.COMMENT):
            await self._system.attach(ref, name, content, media_type)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands; metered as a look-up."""
        with self._meter.metering(self._destination, TicketAction.FIND):
            return await self._system.read(ref)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what the tool posted: not a delivery, so not metered."""
        return await self._system.callback(call)

    async def poll(self, cursor: str) -> Polled:
        """List what changed: not a delivery, so not metered."""
        return await self._system.poll(cursor)

    async def ping(self) -> None:
        """Check that the tool answers: not a delivery, so not metered."""
        await self._system.ping()

    async def close(self) -> None:
        """Let go of connections."""
        await self._system.close()


def _result(error: BaseException) -> str:
    if isinstance(error, DeliveryError):
        return error.reason.value
    return "cancelled" if isinstance(error, asyncio.CancelledError) else Reason.BUG.value
