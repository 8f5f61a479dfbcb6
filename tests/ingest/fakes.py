"""A broker that can be told how to misbehave."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from domain.errors import BrokerUnavailable, StorageFull
from domain.events import AlertsReceived, decode
from domain.ports import Message


class FakeBroker:
    """Implements ``publish`` only."""

    def __init__(self) -> None:
        self.boxes: dict[str, list[Message]] = defaultdict(list)
        self.publishes = 0
        self.concurrent = self.most_concurrent = self.concurrent_alerts = 0
        self.open = asyncio.Event()
        self.open.set()
        self.down = False
        self.full = False
        self.outcomes_lost = 0

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        self.publishes += 1
        self.concurrent += 1
        self.most_concurrent = max(self.most_concurrent, self.concurrent)
        self.concurrent_alerts += (alerts := sum(message.alerts for message in messages))
        try:
            await asyncio.sleep(0)
            await self.open.wait()
            self._put(mailbox, messages)
        finally:
            self.concurrent -= 1
            self.concurrent_alerts -= alerts

    def _put(self, mailbox: str, messages: Sequence[Message]) -> None:
        if self.down:
            raise BrokerUnavailable("connection refused")
        if self.full:
            raise StorageFull("disk is full", retry_after=7)
        self.boxes[mailbox] += messages
        if self.outcomes_lost:
            self.outcomes_lost -= 1
            raise BrokerUnavailable("connection lost before the confirm")

    def distinct(self, mailbox: str = "alerts.0") -> list[Message]:
        """List the messages as a receiver sees them that drops what it has seen, and insists on the order."""
        seen: dict[str, int] = defaultdict(int)
        kept = []
        for message in self.boxes[mailbox]:
            if message.sequence > seen[message.producer]:
                assert message.sequence == seen[message.producer] + 1
                seen[message.producer] = message.sequence
                kept.append(message)
        return kept

    def events(self, mailbox: str = "alerts.0") -> list[AlertsReceived]:
        events = [event for message in self.distinct(mailbox) for event in decode(message.body)]
        return [event for event in events if isinstance(event, AlertsReceived)]

    def names(self, mailbox: str = "alerts.0") -> list[str]:
        return [alert.name for event in self.events(mailbox) for alert in event.alerts]


async def until(condition: Callable[[], object], patience: float = 5.0) -> None:
    """Wait for *condition*."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - it looks at what has no event
            await asyncio.sleep(0.002)
