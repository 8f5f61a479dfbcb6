"""Who must wait: a source that posts too fast or too much at once, and bodies there is no memory for.

Each source has a gate of its own, so that a noisy tool does not starve the others.
"""

from __future__ import annotations

from http import HTTPStatus
from math import ceil

from ingest.problems import Refusal, wait

KIB = 1 << 10
SMALL = 64 * KIB
"""Bytes that every body may have without asking: honest small requests pass while large ones wait."""


class Gate:
    """Lets the requests of one source in, as many at once and as fast as it may."""

    def __init__(self, most: int = 2_000, per_second: float | None = None, burst: int = 1) -> None:
        """Set the limits; without *per_second* there is none on how fast."""
        self._most = most
        self._per_second = per_second
        self._burst = max(burst, 1)
        self._tokens = float(self._burst)
        self._filled_at = 0.0
        self.inside = 0
        """Requests that were let in and are not answered yet."""

    def enter(self, now: float) -> None:
        """Let a request in; *now* is seconds on any clock that does not jump.

        Raises:
            Refusal: 429 with the seconds to wait.
        """
        if self.inside >= self._most:
            raise _too_many(f"{self._most} requests of this source are under way already", 1)
        if self._per_second is not None:
            self._take_token(now, self._per_second)
        self.inside += 1

    def leave(self) -> None:
        """Let a request out that was let in."""
        self.inside -= 1

    def _take_token(self, now: float, per_second: float) -> None:
        gained = max(0.0, now - self._filled_at) * per_second
        self._tokens, self._filled_at = min(self._burst, self._tokens + gained), now
        if self._tokens < 1:
            detail = f"this source may post {per_second:g} times a second, {self._burst} at once"
            raise _too_many(detail, (1 - self._tokens) / per_second)
        self._tokens -= 1


class Budget:
    """Memory for bodies that are still arriving. Slow senders hold it long, so it is bounded."""

    def __init__(self, most: int, shared: Budget | None = None) -> None:
        """Give out up to *most* bytes; of *shared*, where it is a source's share of what there is for all."""
        self._most = most
        self._shared = shared
        self.held = 0
        """Bytes given out."""

    def take(self, size: int) -> None:
        """Take *size* bytes.

        Raises:
            Refusal: 503 if they are not there, 429 if they are more than a share.
        """
        if self.held + size > self._most:
            if self._shared is not None:
                raise _too_many("too many large bodies of this source are arriving at the same time", 1)
            raise wait("busy", "too many large bodies are arriving at the same time", 1)
        if self._shared is not None:
            self._shared.take(size)
        self.held += size

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self.held -= size
        if self._shared is not None:
            self._shared.give_back(size)


def _too_many(detail: str, seconds: float) -> Refusal:
    retry_after = {"Retry-After": str(max(1, ceil(seconds)))}
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail, headers=retry_after)
