"""Tells the state store how many alerts were accepted, so that the accounting can be audited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from domain.errors import Unavailable

EVERY = 0.2

log = structlog.get_logger()


class Reporter:
    """Reports a producer's total whenever it grew, at most every *every* seconds."""

    def __init__(
        self,
        report: Callable[[dict[str, int]], Awaitable[None]],
        producer: str,
        total: Callable[[], int],
        *,
        every: float = EVERY,
    ) -> None:
        self._report = report
        self._producer = producer
        self._total = total
        self._every = every
        self._reported = 0
        self._failing = False

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            await self.flush()

    async def flush(self) -> None:
        """Report now, if there is news. A store that does not answer gets it the next time."""
        total = self._total()
        if total == self._reported:
            return
        try:
            await self._report({self._producer: total})
        except Unavailable as error:
            self._note(failing=True, error=str(error))
        else:
            self._reported = total
            self._note(failing=False)

    def _note(self, *, failing: bool, error: str = "") -> None:
        if failing != self._failing:
            self._failing = failing
            log.warning("reporting failed", error=error) if failing else log.info("reporting works again")
