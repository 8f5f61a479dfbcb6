"""Silences as seen from outside a shard: each partition has all of them, and is told of each change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.reads import ReadModel
from correlation.silences import SILENCES, Silences, silence_list
from correlation.state import Waiting
from correlation.waiting import list_records
from domain.events import OperatorAsked, encode
from domain.ports import Broker, Message, alerts_mailbox
from domain.suppression import ExpireSilence, SetSilence, Silence, SuppressionAction
from domain.times import Millis


async def read_silences(reads: ReadModel) -> tuple[Silence, ...]:
    """Read all there are; the first partition knows them like any other."""
    (record,) = await reads.records(alerts_mailbox(0), [SILENCES], Silences)
    return record.items if record else ()


async def count_silences(reads: ReadModel, now: Millis) -> Mapping[str, int]:
    """Count them by their state."""
    return Counter(each.state_at(now).value for each in await read_silences(reads))


@dataclass(frozen=True, slots=True)
class Silencing:
    """Reads silences, and has them set and ended."""

    reads: ReadModel
    broker: Broker
    clock: Callable[[], Millis]

    async def one(self, name: str) -> Silence | None:
        """Find one by its id."""
        return next((each for each in await read_silences(self.reads) if each.id == name), None)

    async def waiting(self, silence: Silence) -> int:
        """Count the alerts that wait for its end, as far as they are on its list."""
        names = list_records(silence_list(silence.id))
        found = await asyncio.gather(
            *(self.reads.records(shard, names, Waiting) for shard in self.reads.shards)
        )
        return sum(len(part.keys) for parts in found for part in parts if part)

    async def put(self, silence: Silence) -> None:
        """Have it set, in place of the one of the same id."""
        await self._ask(SetSilence(silence), silence.author, silence.comment)

    async def expire(self, name: str, actor: str) -> None:
        """Have one ended before its time."""
        await self._ask(ExpireSilence(name), actor, "")

    async def _ask(self, action: SuppressionAction, actor: str, reason: str) -> None:
        body = encode([OperatorAsked(self.clock(), actor, reason, action)])
        for partition in range(self.reads.partitions):
            await self.broker.publish(alerts_mailbox(partition), [Message("operator", 0, body)])
