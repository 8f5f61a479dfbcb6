"""Pages of long lists: of one index that is spread over the partitions, or of a log.

A page begins beyond a place, not at a number, so whatever is put in meanwhile neither repeats nor hides
anything that was there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from domain.ports import Entry, StateStore

T = TypeVar("T")
P = TypeVar("P")

AT_ONCE = 500
"""Entries looked at before others get their turn in this process: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T, P]):
    """Part of a list, and the place to go on from; None at the end of the list."""

    items: list[T]
    next: P | None


class Place(NamedTuple):
    """A place in an index of all partitions. The newest, which is the greatest, comes first."""

    score: float
    member: str
    partition: int


class Line(NamedTuple):
    """A place in a log, and what is there."""

    number: int
    text: bytes = b""


class Source(Protocol[P]):
    """A list that can be read on from any place."""

    async def read(self, after: P | None, size: int) -> tuple[list[P], bool]:
        """Give up to *size* places beyond *after*, none only at the end, and tell whether that is all."""
        ...


async def collect(
    source: Source[P],
    load: Callable[[list[P]], Awaitable[Sequence[T | None]]],
    *,
    limit: int,
    after: P | None,
    bound: int,
) -> Page[T, P]:
    """Fill a page with what *load* finds wanted: it gives None for what is not.

    Looks at no more than about *bound* places. A page may thus be short, or empty, and yet have a next one.
    """
    found: list[tuple[P, T]] = []
    seen = 0
    while True:
        places, at_end = await source.read(after, min(limit + 1 + seen, AT_ONCE))
        values = await load(places)
        found += [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
        if len(found) > limit:
            return Page([value for _, value in found[:limit]], found[limit - 1][0])
        if at_end or seen + len(places) >= bound:
            return Page([value for _, value in found], None if at_end else places[-1])
        after = places[-1]
        seen += len(places)


@dataclass(frozen=True, slots=True)
class IndexSource:
    """An index of several shards as one list, the newest first."""

    store: StateStore
    shards: Sequence[str]
    """The partition of a place is its number in here."""
    index: str

    async def read(self, after: Place | None, size: int) -> tuple[list[Place], bool]:
        """Merge what the partitions have next."""
        share = min(size, 2 * size // len(self.shards) + 8)
        lists = await asyncio.gather(*(self._scan(n, after, share) for n in range(len(self.shards))))
        ends = [places[-1] for places in lists if len(places) == share]
        # Beyond the end of a list that goes on, something of that partition could be missing in between.
        safe = [place for places in lists for place in places if not ends or place >= max(ends)]
        safe.sort(reverse=True)
        return safe[:size], not ends and len(safe) <= size

    async def _scan(self, partition: int, after: Place | None, limit: int) -> list[Place]:
        entries = await self.store.scan(
            self.shards[partition], self.index, limit=limit, after=_entry(after, partition), newest=True
        )
        return [Place(entry.score, entry.member, partition) for entry in entries]


def _entry(after: Place | None, partition: int) -> Entry | None:
    """Say where a partition goes on. Two may have the same member at the same moment; the later one is first.

    ``member + NUL`` comes right after ``member``, so what is beyond it begins with ``member`` itself.
    """
    if after is None:
        return None
    own_turn_comes = partition < after.partition
    return Entry(after.score, after.member + "\0" if own_turn_comes else after.member)


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log, the oldest line first."""

    store: StateStore
    shard: str
    log: str

    async def read(self, after: Line | None, size: int) -> tuple[list[Line], bool]:
        """Give the next lines; they are numbered from 1."""
        start = after.number if after else 0
        lines = await self.store.lines(self.shard, self.log, start=start, limit=size)
        return [Line(number, text) for number, text in enumerate(lines, start + 1)], len(lines) < size


_LOG_SHIFT = 40
"""A line of the n-th log is numbered from n times two to this power."""


@dataclass(frozen=True, slots=True)
class LogsSource:
    """Several logs of a shard, one after another."""

    store: StateStore
    shard: str
    logs: Sequence[str]

    async def read(self, after: Line | None, size: int) -> tuple[list[Line], bool]:
        """Give the next lines of the log where it goes on, or of the first later one that has any."""
        number, start = divmod(after.number if after else 0, 1 << _LOG_SHIFT)
        while number < len(self.logs):
            place = Line(start)
            lines, at_end = await LogSource(self.store, self.shard, self.logs[number]).read(place, size)
            if lines:
                first = number << _LOG_SHIFT
                numbered = [Line(first + line.number, line.text) for line in lines]
                return numbered, at_end and number == len(self.logs) - 1
            number, start = number + 1, 0
        return [], True
