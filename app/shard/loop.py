"""The loop of a shard: take a batch, load what it needs, decide, commit, publish, acknowledge.

One process works a shard at a time. The broker decides which: whoever gets a message claims the shard in the
store, and from then on commits of the owner before it are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from app.shard.effects import Effects
from app.shard.reader import Reader
from app.shard.worker import Worker
from domain.batch import Handler
from domain.errors import Fenced, TocsinError
from domain.events import Tick, encode
from domain.ports import Broker, Message, Received, StateStore, Subscription
from domain.times import Millis

MESSAGES = 16
"""Messages taken at once; each may hold some hundred kilobytes."""
STANDBY_WAIT = 2.0
"""Seconds between a standby's looks at whether somebody does the work."""
OVERDUE: Millis = 5_000
"""A timer this late tells a standby that nobody works the shard."""
LINGER = 0.01
"""Least seconds from the beginning of one batch to that of the next."""
HEARTBEAT = 15.0
"""Seconds of silence after which the owner has it written down that time went on."""
TICK_PATIENCE = 1.0
"""Seconds to wait for our own tick to come back."""
TENURE = 10.0
"""Least seconds that a shard is worked before it is given to the process whose it is: that may have died just now."""
TENURE_AT_MOST = 640.0
HOLD_BACK = 1.0
"""Seconds that a process lets the one whose shard it is go first."""
PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds to wait before trying again, after the first, second, ... failure in a row."""

log = structlog.get_logger("shard")


@dataclass(frozen=True, slots=True)
class Ports:
    """What a shard works with."""

    broker: Broker
    store: StateStore
    clock: Callable[[], Millis]


class Shard:
    """One mailbox, one namespace of state, and the handler that decides."""

    def __init__(self, name: str, handler: Handler, effects: Effects, ports: Ports) -> None:
        self.name = name
        self._handler = handler
        self._effects = effects
        self._ports = ports
        self._stopping = False
        self._failures = 0
        self._is_ours = True
        self._since = 0.0
        self._tenure = TENURE
        self.is_worked = False
        """Whether this process works the shard at the moment."""

    def stop(self) -> None:
        """Ask the loop to end after what it has in hand."""
        self._stopping = True
        self._effects.wake.set()

    def entrust(self, *, ours: bool) -> None:
        """Tell whether this process is the one to work the shard; one that is not gives it away in time."""
        self._is_ours = ours
        if ours:
            self._tenure = TENURE
        elif self._is_leaving:
            self._effects.wake.set()

    def adopt(self, handler: Handler) -> None:
        """Have *handler*, of the same kind, decide from the next batch on."""
        self._handler = handler

    async def run(self) -> None:
        """Work until stopped. A dependency that goes away is waited for; what was not committed comes again."""
        while not self._stopping:
            try:
                await self._hold_back()
                async with self._ports.broker.subscribe(self.name) as subscription:
                    await self._attend(subscription)
            except TocsinError as error:
                self._effects.forget()
                await self._recover(error)

    @property
    def _is_leaving(self) -> bool:
        """Whether to end the work once what is in hand is settled."""
        held = asyncio.get_running_loop().time() - self._since
        return self._stopping or (self.is_worked and not self._is_ours and held >= self._tenure)

    async def _hold_back(self) -> None:
        """Let the process whose shard it is subscribe first: it is then the first that the broker serves."""
        if not self._is_ours:
            await asyncio.sleep(HOLD_BACK)

    def _note_handover(self) -> None:
        """Wait longer the next time, should it come back to us: then the other cannot work it, for all its words."""
        log.info("shard_handed_over", shard=self.name)
        self._tenure = min(2 * self._tenure, TENURE_AT_MOST)

    async def _recover(self, error: TocsinError) -> None:
        """Say once that something is wrong, and wait a little longer each time."""
        if isinstance(error, Fenced):
            log.info("shard_taken_over", shard=self.name)
        elif not self._failures:
            log.warning("shard_interrupted", shard=self.name, error=str(error))
        await asyncio.sleep(PAUSES[min(self._failures, len(PAUSES) - 1)])
        self._failures += 1

    async def _attend(self, subscription: Subscription) -> None:
        """Stand by until a message shows that the shard is ours; then work it."""
        await self._tick()
        received = await self._stand_by(subscription)
        if not received:
            return
        ports, acknowledge = self._ports, subscription.acknowledge
        worker = Worker(self.name, self._handler, ports.broker, ports.store, self._effects, acknowledge)
        await worker.claim(ports.clock())
        reader = Reader(subscription, self._effects.wake, MESSAGES, HEARTBEAT)
        self.is_worked = True
        self._since = asyncio.get_running_loop().time()
        try:
            await self._work(worker, reader, received)
            if not self._stopping:
                self._note_handover()
        finally:
            self.is_worked = False
            worker.abandon()
            await reader.close()

    async def _stand_by(self, subscription: Subscription) -> list[Received]:
        while not self._stopping:
            received = await subscription.receive(MESSAGES, STANDBY_WAIT)
            if received:
                return received
            due = await self._ports.store.next_due(self.name)
            if due is not None and due < self._ports.clock() - OVERDUE:
                await self._tick()
        return []

    async def _work(self, worker: Worker, reader: Reader, received: list[Received]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            worker.handler = self._handler
            await worker.settle(received, self._ports.clock())
            await self._linger(worker, begun + LINGER - loop.time())
            worker.is_leaving = self._is_leaving
            received = [] if worker.is_leaving else await reader.take(0)
            if received:
                continue
            await worker.finish()
            self._note_success()
            if worker.is_leaving and not self._effects.in_flight():
                await worker.rest()
                return
            received = await self._next(worker, reader)

    async def _linger(self, worker: Worker, seconds: float) -> None:
        """Let a little more come in before the next batch: under load that makes few large ones of many small.

        The first message after a silence never waits, nor does what a ticketing tool answers.
        """
        if seconds > 0 and not worker.is_leaving and not self._effects.in_flight():
            await worker.finish()
            await asyncio.sleep(seconds)

    def _note_success(self) -> None:
        if self._failures:
            log.info("shard_works_again", shard=self.name)
        self._failures = 0

    async def _next(self, worker: Worker, reader: Reader) -> list[Received]:
        """Wait for messages, for the end of an action, or for a timer."""
        if worker.is_leaving:
            await self._effects.wake.wait()
            return []
        if worker.is_due:
            return await reader.take(0)
        received = await reader.take(min(HEARTBEAT, worker.seconds_until_due(self._ports.clock())))
        if received or reader.woken or worker.is_due:
            return received
        await self._tick()
        return await reader.take(TICK_PATIENCE)

    async def _tick(self) -> None:
        """Make time part of what the shard is told, so that a replay of its journal decides the same."""
        await self._ports.broker.publish(self.name, [Message("tick", 0, encode([Tick(self._ports.clock())]))])
