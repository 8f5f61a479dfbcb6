"""The timers of a shard in memory, as a store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from domain.ports import Timer
from domain.times import Millis

SLACK = 10_000
"""Entries of the heap beyond twice the timers there are, before it is made anew."""


class Timers:
    """Moments to be woken at, the earliest first, ties by id."""

    def __init__(self) -> None:
        self._armed: dict[str, Millis] = {}
        self._heap: list[tuple[Millis, str]] = []

    def __len__(self) -> int:
        return len(self._armed)

    def next_due(self) -> Millis | None:
        """Say when the earliest is due."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, until: Millis, limit: int) -> list[Timer]:
        """List those due at or before *until*, and take them off: whoever acts on one arms it again or not at all."""
        found: list[Timer] = []
        while len(found) < limit and (due := self.next_due()) is not None and due <= until:
            _, name = heappop(self._heap)
            del self._armed[name]
            found.append(Timer(name, due))
        return found

    def arm(self, changes: Mapping[str, Millis | None]) -> None:
        """Set timers, and take those away that are None."""
        for name, due in changes.items():
            if due is None:
                self._armed.pop(name, None)
            elif self._armed.get(name) != due:
                self._armed[name] = due
                heappush(self._heap, (due, name))
        if len(self._heap) > 2 * len(self._armed) + SLACK:
            self._heap = [(due, name) for name, due in self._armed.items()]
            heapify(self._heap)

    def _drop_stale(self) -> None:
        while self._heap and self._armed.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
