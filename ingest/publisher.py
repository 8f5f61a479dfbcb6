"""Group commit: what is posted at the same time shares broker messages and their confirms.

One lane a mailbox. While a publish of a lane is under way, whatever comes waits, and goes out together in the
next one. There is never more than one at a time, so order is kept. When nothing is under way, nothing waits longer
than it takes to read what has arrived on other connections already.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Protocol

import msgspec
import structlog

from domain.alert import Alert
from domain.errors import BrokerUnavailable, StorageFull, TocsinError
from domain.events import AlertsReceived, ChangesReceived, Quarantined, QuarantineSettled, encode
from domain.ports import Message, alerts_mailbox

MAX_MESSAGE = 256 * 1024
MAX_EVENTS = 64
MAX_MESSAGES = 16
MAX_WAITING = 64 * 1024 * 1024

FIRST_RETRY, LONGEST_RETRY = 0.1, 5.0

log = structlog.get_logger()


class Publishes(Protocol):
    """The writing end of a Broker, or of a Spool before it."""

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Put *messages* into *mailbox*; see ``domain.ports.Broker``."""
        ...


@dataclass(slots=True)
class _Part:
    """An encoded event on its way. A large request makes several; its sender is told after the last."""

    event: bytes
    alerts: int
    last: bool
    done: asyncio.Future[None]


class Publisher:
    """Turns accepted alerts into durable messages. One for each process."""

    def __init__(
        self,
        broker: Publishes,
        producer: str,
        *,
        partitions: int = 1,
        partition: Callable[[Alert], int] | None = None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Make the lanes. *producer* is unique to this start of the process; *partition* places an alert."""
        if partitions > 1 and partition is None:
            raise ValueError("several partitions need a function that places an alert")
        self._lanes = [_Lane(broker, alerts_mailbox(n), producer) for n in range(partitions)]
        self._partition = partition
        self._max_waiting = max_waiting
        self.producer = producer

    @property
    def confirmed(self) -> int:
        """Alerts that are on durable storage, in all."""
        return sum(lane.confirmed for lane in self._lanes)

    @property
    def waiting(self) -> int:
        """Bytes not yet confirmed."""
        return sum(lane.waiting for lane in self._lanes)

    async def publish(self, event: AlertsReceived) -> None:
        """Return once every alert of *event* is on durable storage.

        Raises:
            BrokerUnavailable: it is unknown which of them are.
            StorageFull: there is no room; part of an event that spans partitions may be in.
        """
        if self.waiting > self._max_waiting:
            raise StorageFull(f"more than {self._max_waiting} bytes wait for the broker", retry_after=2)
        if len(self._lanes) == 1:
            await self._lanes[0].put(event)
        else:
            await _settle([self._lanes[n].put(part) for n, part in self._split(event)])

    async def file(self, event: Quarantined | QuarantineSettled) -> None:
        """Return once *event*, which holds no alerts of its own, is on durable storage; raises as ``publish``."""
        if self.waiting > self._max_waiting:
            raise StorageFull(f"more than {self._max_waiting} bytes wait for the broker", retry_after=2)
        await self._lanes[0].put(event)

    async def announce(self, event: ChangesReceived) -> None:
        """Return once every partition has *event* on durable storage; raises as ``publish``."""
        if self.waiting > self._max_waiting:
            raise StorageFull(f"more than {self._max_waiting} bytes wait for the broker", retry_after=2)
        await _settle([lane.put(event) for lane in self._lanes])

    def _split(self, event: AlertsReceived) -> list[tuple[int, AlertsReceived]]:
        assert self._partition is not None
        parts: dict[int, list[Alert]] = {}
        for alert in event.alerts:
            parts.setdefault(self._partition(alert), []).append(alert)
        return [(n, msgspec.structs.replace(event, alerts=alerts)) for n, alerts in parts.items()]

    async def drain(self, grace: float) -> bool:
        """Wait up to *grace* seconds for what is under way; tell whether all of it is settled. Then stop."""
        tasks = [lane.task for lane in self._lanes if lane.task]
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late


async def _settle(parts: list[asyncio.Future[None]]) -> None:
    """Wait for all, then raise the first error: an answer must not overtake what is still under way."""
    for result in await asyncio.gather(*parts, return_exceptions=True):
        if result is not None:
            raise result


class _Lane:
    """The way into one mailbox."""

    def __init__(self, broker: Publishes, mailbox: str, producer: str) -> None:
        self._broker = broker
        self._mailbox = mailbox
        self._producer = producer
        self._sequence = 0
        self._queue: deque[_Part] = deque()
        self._trouble = ""
        """Why the last publish failed; while there is one, it is tried again and nobody else gets in."""
        self.task: asyncio.Task[None] | None = None
        self.confirmed = 0
        self.waiting = 0

    def put(
        self, event: AlertsReceived | ChangesReceived | Quarantined | QuarantineSettled
    ) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._trouble:
            done.set_exception(BrokerUnavailable(self._trouble))
            return done
        pieces = _pieces(event)
        for number, (data, alerts) in enumerate(pieces, start=1):
            self._queue.append(_Part(data, alerts, number == len(pieces), done))
            self.waiting += len(data)
        if self.task is None:
            self.task = asyncio.create_task(self._run(), name=f"publish {self._mailbox}")
        return done

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._gather()
                await self._publish(_groups(self._queue))
        finally:
            self.task = None
            self._fail([], BrokerUnavailable("stopped"))

    async def _gather(self) -> None:
        """Let in who is at the door: turns of the loop, until one brings nobody, cost less than messages."""
        before = 0
        while before < len(self._queue) < MAX_EVENTS:
            before = len(self._queue)
            await asyncio.sleep(0)

    async def _publish(self, groups: list[list[_Part]]) -> None:
        parts = [part for group in groups for part in group]
        messages = [self._message(group) for group in groups]
        try:
            await self._broker.publish(self._mailbox, messages)
        except StorageFull as error:  # none is in, so their numbers are free again
            self._sequence -= len(messages)
            self._fail(parts, error)
        except asyncio.CancelledError:
            self._fail(parts, BrokerUnavailable("stopped"))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the outcome is unknown
            await self._settle_unknown(messages, parts, error)
        else:
            self._confirm(parts)

    def _message(self, group: list[_Part]) -> Message:
        self._sequence += 1
        body = msgspec.msgpack.encode([msgspec.Raw(part.event) for part in group])
        return Message(self._producer, self._sequence, body, sum(part.alerts for part in group))

    async def _settle_unknown(self, messages: list[Message], parts: list[_Part], error: Exception) -> None:
        """Tell the senders, then publish the same again until it is in: so sequence and count stay true."""
        self._trouble = str(error) or type(error).__name__
        log.warning("publishing failed", mailbox=self._mailbox, error=repr(error))
        self._fail(parts, BrokerUnavailable(self._trouble))
        pause = FIRST_RETRY
        while not await self._is_in(messages):
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_RETRY)
        self.confirmed += sum(message.alerts for message in messages)
        self._trouble = ""
        log.info("publishing works again", mailbox=self._mailbox)

    async def _is_in(self, messages: list[Message]) -> bool:
        try:
            await self._broker.publish(self._mailbox, messages)
        except Exception as error:  # noqa: BLE001 - logged when it began
            self._trouble = str(error) or type(error).__name__
            return False
        return True

    def _confirm(self, parts: list[_Part]) -> None:
        for part in parts:
            self.confirmed += part.alerts
            self.waiting -= len(part.event)
            if part.last and not part.done.done():
                part.done.set_result(None)

    def _fail(self, parts: list[_Part], error: TocsinError) -> None:
        """Let *parts* and all that wait behind them go."""
        for part in (*parts, *self._queue):
            self.waiting -= len(part.event)
            if not part.done.done():
                part.done.set_exception(copy(error))  # each is raised on its own, and grows its own traceback
        self._queue.clear()


def _pieces(
    event: AlertsReceived | ChangesReceived | Quarantined | QuarantineSettled,
) -> list[tuple[bytes, int]]:
    """Encode *event*, halved until each piece fits a message."""
    data = encode([event])[1:]  # without the head of the list: it is put together with others
    if not isinstance(event, AlertsReceived):
        return [(data, 0)]
    count = len(event.alerts)
    if len(data) <= MAX_MESSAGE or count < 2:  # noqa: PLR2004 - a single alert cannot be halved
        return [(data, count)]
    halves = (event.alerts[: count // 2], event.alerts[count // 2 :])
    return [piece for half in halves for piece in _pieces(msgspec.structs.replace(event, alerts=half))]


def _groups(queue: deque[_Part]) -> list[list[_Part]]:
    """Take from *queue* the parts of the next messages."""
    groups: list[list[_Part]] = []
    while queue and len(groups) < MAX_MESSAGES:
        groups.append(_group(queue))
    return groups


def _group(queue: deque[_Part]) -> list[_Part]:
    group = [queue.popleft()]
    size = len(group[0].event)
    while queue and len(group) < MAX_EVENTS and size + len(queue[0].event) <= MAX_MESSAGE:
        part = queue.popleft()
        size += len(part.event)
        group.append(part)
    return group
