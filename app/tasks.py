"""The long-lived tasks of a process. They are meant to run for ever: one that fails ends the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

GRACE = 20.0
"""Seconds that a stopping part may take to settle what it has in hand."""

log = structlog.get_logger("service")


class Tasks:
    """Named tasks, and the news of the first that fails."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done, with the error, as soon as a task failed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.failed.cancel()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Begin a task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("task_failed", task=task.get_name(), exc_info=error)
            if not self.failed.done():
                self.failed.set_exception(error)

    async def finish(self, task: asyncio.Task[None], grace: float) -> None:
        """Wait for a task to end by itself, up to *grace* seconds; then cancel it."""
        _, late = await asyncio.wait({task}, timeout=grace)
        if late:
            log.warning("task_cancelled", task=task.get_name(), after_seconds=grace)
            task.cancel()
            await asyncio.wait({task})
