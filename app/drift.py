"""Compares tickets with what they should show, by looking at each in its tool, and has them set right.

What is seen goes the way of callbacks, so it is the delivery shard that decides; here is only the looking.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from adapters.delivery.hearing import Owners, differences
from adapters.delivery.state import TicketRecord
from app.pages import Place
from app.reads import ReadModel
from domain.errors import DeliveryError, TocsinError
from domain.events import TicketsSeen, encode
from domain.ports import Broker, Message, TicketSystem, tickets_mailbox
from domain.ticket import TicketSeen
from domain.times import Millis

AT_ONCE = 4
"""Tickets looked at at the same time: what people wait for goes first."""
PAGE = 200

log = structlog.get_logger("drift")


@dataclass(frozen=True, slots=True)
class Difference:
    """One ticket that is not as it should be."""

    destination: str
    key: str
    ticket: str
    """The tool's id."""
    what: tuple[str, ...]
    """state, title, priority, merged, deleted; or unreadable."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at all open tickets of a destination brought."""

    checked: int
    differences: list[Difference]


class Drift:
    """Looks at the tickets of destinations whose tools let themselves be read."""

    def __init__(
        self,
        reads: ReadModel,
        systems: Mapping[str, tuple[TicketSystem, Owners]],
        broker: Broker,
        clock: Callable[[], Millis],
    ) -> None:
        self._reads = reads
        self._systems = systems
        self._broker = broker
        self._clock = clock

    @property
    def destinations(self) -> tuple[str, ...]:
        """Those that can be looked at."""
        return tuple(self._systems)

    async def look(self, destination: str, *, repair: bool) -> Looked:
        """Look at all open tickets of one destination; have those that differ set right if *repair*."""
        checked, found = 0, []
        async for records in self._pages(destination):
            gate = asyncio.Semaphore(AT_ONCE)
            pairs = await asyncio.gather(*(self._one(destination, record, gate) for record in records))
            differing = [(seen, difference) for seen, difference in pairs if difference is not None]
            checked += len(records)
            found += [difference for _, difference in differing]
            if repair:
                await self._tell(destination, [seen for seen, _ in differing if seen is not None])
        return Looked(checked, found)

    async def run(self, destination: str, every: float, is_owner: Callable[[], bool]) -> None:
        """Look every so many seconds, where this process works the destination; until cancelled."""
        while True:
            await asyncio.sleep(every)
            if not is_owner():
                continue
            try:
                looked = await self.look(destination, repair=True)
            except TocsinError as error:
                log.warning("check_failed", destination=destination, error=str(error))
            else:
                log.info(
                    "checked", destination=destination, tickets=looked.checked, differ=len(looked.differences)
                )

    async def _pages(self, destination: str) -> AsyncIterator[list[TicketRecord]]:
        after: Place | None = None
        while True:
            page = await self._reads.tickets(destination, limit=PAGE, after=after)
            yield page.items
            if page.next is None:
                return
            after = page.next

    async def _one(
        self, destination: str, record: TicketRecord, gate: asyncio.Semaphore
    ) -> tuple[TicketSeen | None, Difference | None]:
        assert record.observed is not None
        ref = record.observed.ref
        system, owners = self._systems[destination]
        try:
            async with gate:
                seen = replace(await system.read(ref), at=self._clock())
        except DeliveryError as error:
            what = (f"unreadable: {error}",)
            return None, Difference(destination, record.desired.key, ref.id, what)
        wrong = tuple(differences(record, seen, owners))
        return seen, Difference(destination, record.desired.key, ref.id, wrong) if wrong else None

    async def _tell(self, destination: str, seen: list[TicketSeen]) -> None:
        if seen:
            body = encode([TicketsSeen(self._clock(), seen, is_check=True)])
            await self._broker.publish(tickets_mailbox(destination), [Message("check", 0, body)])
