"""Asks ticketing tools what people changed: for tools that cannot call us, and for calls that were missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from adapters.delivery.state import CURSOR, Cursor
from domain.errors import TocsinError
from domain.events import TicketsSeen, encode
from domain.ports import Broker, Message, StateStore, TicketSystem, tickets_mailbox
from domain.times import Millis

log = structlog.get_logger("polling")


class Poller:
    """Polls one destination; what it sees goes the way of callbacks.

    The cursor is kept with the tickets, and moves with them. Only the process that works the shard polls.
    """

    def __init__(
        self,
        destination: str,
        system: TicketSystem,
        broker: Broker,
        store: StateStore,
        *,
        is_owner: Callable[[], bool],
        clock: Callable[[], Millis],
    ) -> None:
        self._destination = destination
        self._mailbox = tickets_mailbox(destination)
        self._system = system
        self._broker = broker
        self._store = store
        self._is_owner = is_owner
        self._clock = clock
        self._failing = False

    async def run(self, every: float) -> None:
        """Poll every so many seconds, until cancelled."""
        while True:
            if self._is_owner():
                await self._try()
            await asyncio.sleep(every)

    async def _try(self) -> None:
        try:
            await self.poll()
        except TocsinError as error:
            if not self._failing:
                log.warning("poll_failed", destination=self._destination, error=str(error))
            self._failing = True
        except Exception:  # a defect of one adapter must not end the others
            log.exception("poll_broke", destination=self._destination)
        else:
            self._failing = False

    async def poll(self) -> None:
        """Poll once."""
        before = await self._cursor()
        polled = await self._system.poll(before)
        if polled.seen or polled.cursor != before:
            news = TicketsSeen(self._clock(), list(polled.seen), polled.cursor)
            await self._broker.publish(self._mailbox, [Message("poll", 0, encode([news]))])

    async def _cursor(self) -> str:
        (known,) = await self._store.load(self._mailbox, [CURSOR])
        return msgspec.msgpack.decode(known, type=Cursor).at if known else ""
