"""Keys of others: fetched once for all who wait, read, kept; bounded in number, in age and in attempts."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import Unavailable
from domain.times import Millis
from ingest.auth.scheme import Fetch

T = TypeVar("T")

MINUTE: Millis = 60_000
DAY: Millis = 24 * 60 * MINUTE


@dataclass(slots=True)
class _Entry(Generic[T]):
    tried: Millis
    fetched: Millis = 0
    value: T | None = None


class Fetched(Generic[T]):
    """What was fetched, by address. What is there stays in use while it cannot be fetched again.

    A failed attempt at an address is not repeated within *retry*, and all attempts together are at most
    *per_minute*: whoever makes us fetch gains nothing by asking often.
    """

    def __init__(
        self,
        fetch: Fetch,
        read: Callable[[bytes], T],
        *,
        most: int = 32,
        retry: Millis = MINUTE,
        per_minute: int = 10,
    ) -> None:
        self._fetch = fetch
        self._read = read
        self._most = most
        self._retry = retry
        self._attempts: deque[Millis] = deque(maxlen=per_minute)
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def get(self, url: str) -> T | None:
        """Give what is there."""
        entry = self._entries.get(url)
        return entry.value if entry else None

    async def ensure(self, url: str, now: Millis, max_age: Millis = DAY) -> None:
        """See to it that it is there and no older than *max_age*, if that can be had now. Never raises."""
        if url not in self._under_way:
            if not self._is_due(url, now, max_age):
                return
            task = asyncio.create_task(self._load(url, now))
            self._under_way[url] = task
            task.add_done_callback(lambda _: self._under_way.pop(url, None))
        # Who waits may be cancelled; the others still want it.
        await asyncio.wait([self._under_way[url]])

    def _is_due(self, url: str, now: Millis, max_age: Millis) -> bool:
        entry = self._entries.get(url)
        if entry and entry.value is not None and _since(entry.fetched, now) < max_age:
            return False
        if entry and _since(entry.tried, now) < self._retry:
            return False
        attempts = self._attempts
        return len(attempts) < (attempts.maxlen or 1) or _since(attempts[0], now) >= MINUTE

    async def _load(self, url: str, now: Millis) -> None:
        self._attempts.append(now)
        entry = self._entry(url, now)
        try:
            entry.value = self._read(await self._fetch(url))
        except (Unavailable, ValueError):
            return  # what is there stays; who asks sees whether there is anything
        entry.fetched = now

    def _entry(self, url: str, now: Millis) -> _Entry[T]:
        entry = self._entries.setdefault(url, _Entry(now))
        entry.tried = now
        self._entries.move_to_end(url)
        if len(self._entries) > self._most:
            empty = (each for each in self._entries if self._entries[each].value is None and each != url)
            del self._entries[next(empty, next(iter(self._entries)))]
        return entry


def _since(moment: Millis, now: Millis) -> Millis:
    return abs(now - moment)  # a clock that was set back must not stop us for as long
