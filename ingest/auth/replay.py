"""What was taken already: a bounded window of ids, with the time given from outside."""

from __future__ import annotations

import heapq

from domain.times import Millis
from ingest.auth.scheme import Once

MOST = 20_000


class ReplayWindow:
    """Remembers what must not be taken twice until it does not matter any more.

    At most *most* are kept; beyond that the one that would be forgotten first goes. Only what is authentic
    and was taken gets in, so nobody can push others out.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._until: dict[bytes, Millis] = {}
        self._queue: list[tuple[Millis, bytes]] = []

    def __len__(self) -> int:
        return len(self._until)

    def holds(self, once: Once, now: Millis) -> bool:
        """Tell whether this was remembered, and still matters."""
        return self._until.get(once.key, now - 1) >= now

    def remember(self, once: Once, now: Millis) -> None:
        """Keep it, and forget what does not matter any more."""
        if once.until > self._until.get(once.key, now - 1):
            self._until[once.key] = once.until
            heapq.heappush(self._queue, (once.until, once.key))
        while self._queue and (self._queue[0][0] < now or len(self._queue) > self._most):
            self._drop(*heapq.heappop(self._queue))

    def _drop(self, until: Millis, key: bytes) -> None:
        if self._until.get(key) == until:  # else it was prolonged
            del self._until[key]
