"""Waits for messages without losing any to whatever else there is to wait for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from domain.errors import TocsinError
from domain.ports import Received, Subscription


class Reader:
    """Keeps one receive under way, and looks at other things meanwhile."""

    def __init__(self, subscription: Subscription, wake: asyncio.Event, limit: int, wait: float) -> None:
        self._subscription = subscription
        self._wake = wake
        self._limit = limit
        self._wait = wait
        self._receiving: asyncio.Task[list[Received]] | None = None
        self.woken = False
        """Whether the last ``take`` ended because somebody woke us."""

    async def take(self, patience: float) -> list[Received]:
        """Return messages, or nothing after *patience* seconds or as soon as somebody woke us."""
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._subscription.receive(self._limit, self._wait))
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait(
                {self._receiving, waking}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waking.cancel()
        self.woken = self._wake.is_set()
        if not self._receiving.done():
            return []
        received, self._receiving = self._receiving.result(), None
        return received

    async def close(self) -> None:
        """Stop receiving; what was not taken stays in the mailbox."""
        if self._receiving is not None:
            self._receiving.cancel()
            with suppress(asyncio.CancelledError, TocsinError):
                await self._receiving
