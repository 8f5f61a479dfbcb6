"""Reads of whatever has a record, an index and a timeline of its own, like problems."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from app.pages import IndexSource, Line, LogSource, Page, Place, collect
from app.reads import ReadModel
from correlation.state import timeline_log
from domain.incident import TimelineEntry
from domain.ports import alerts_mailbox

T = TypeVar("T", bound=msgspec.Struct)

_timeline_entry = msgspec.msgpack.Decoder(TimelineEntry).decode


@dataclass(frozen=True, slots=True)
class Records(Generic[T]):
    """All records of one kind, in whatever partition they are."""

    reads: ReadModel
    index: str
    name: Callable[[str], str]
    """Makes the name of the record of an id."""
    kind: type[T]
    first_only: bool = False
    """Whether all partitions have the same, so that the first is enough."""

    @property
    def _shards(self) -> tuple[str, ...]:
        return self.reads.shards[:1] if self.first_only else self.reads.shards

    async def list(
        self, wants: Callable[[T], bool], *, limit: int, after: Place | None = None
    ) -> Page[T, Place]:
        """List those that are wanted, the newest first."""

        async def load(places: list[Place]) -> list[T | None]:
            """Read what is at these places."""
            found = await self.reads.load(places, self.name, self.kind)
            return [each if each is not None and wants(each) else None for each in found]

        source = IndexSource(self.reads.store, self._shards, self.index)
        return await collect(source, load, limit=limit, after=after, bound=self.reads.bound)

    async def find(self, id_: str) -> tuple[int, T] | None:
        """Find one, and the partition where it is."""
        if not id_.isascii():
            return None
        keys = [self.name(id_)]
        shards = self._shards
        found = await asyncio.gather(*(self.reads.records(shard, keys, self.kind) for shard in shards))
        return next(((number, each) for number, (each,) in enumerate(found) if each is not None), None)

    async def timeline(self, id_: str, *, limit: int, start: int = 0) -> Page[TimelineEntry, int] | None:
        """Read what was decided and done about one, the oldest first; None if there is no such."""
        found = await self.find(id_)
        if found is None:
            return None
        source = LogSource(self.reads.store, alerts_mailbox(found[0]), timeline_log(id_))
        lines, _ = await source.read(Line(start), limit + 1)
        entries = [_timeline_entry(line.text) for line in lines[:limit]]
        return Page(entries, start + limit if len(lines) > limit else None)
