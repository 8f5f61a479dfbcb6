"""The threads: one writes, one reads. Each has a connection of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What a job does. It may raise: then nothing of it is written, and whoever submitted it gets the error."""

CLOSE_TIMEOUT: Final = 10.0
"""Seconds that jobs under way get when the database is closed."""
MAX_GROUP: Final = 128
"""Jobs that share a commit: with large messages, tens of megabytes."""


class Job(Generic[T]):
    """Work, who waits for it, and how it went."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[T], future: asyncio.Future[T]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tell the one who waits, unless nobody does any more."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


_RunGroup = Callable[[sqlite3.Connection, Sequence[Job[Any]]], None]


class Lane:
    """A thread with a connection of its own: takes the jobs that wait, runs them, settles them together."""

    def __init__(self, name: str, connection: sqlite3.Connection, run_group: _RunGroup) -> None:
        self._connection = connection
        self._run_group = run_group
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._ended = asyncio.Event()
        # A daemon: a disk that hangs must not keep the process from ending.
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Put *work* in line."""
        job = Job(work, self._loop.create_future())
        self._jobs.put(job)
        return job.future

    async def stop(self) -> None:
        """Let the thread finish what is in line; interrupt it when that takes too long."""
        self._jobs.put(None)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._ended.wait()
        except TimeoutError:
            self._connection.interrupt()

    def _run(self) -> None:
        for group in self._groups():
            self._run_group(self._connection, group)
            self._tell(partial(_settle, group))
        with suppress(sqlite3.Error):
            self._connection.close()
        self._tell(self._ended.set)

    def _groups(self) -> Iterator[list[Job[Any]]]:
        """Give what waits, at least one job at a time, until told to stop."""
        while (job := self._jobs.get()) is not None:
            yield [job, *islice(iter(self._next, None), MAX_GROUP - 1)]

    def _next(self) -> Job[Any] | None:
        """Take a job without waiting; None at the end of the line, or of all."""
        with suppress(Empty):
            if (job := self._jobs.get_nowait()) is not None:
                return job
            self._jobs.put(None)
        return None

    def _tell(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it everyone who waits
            self._loop.call_soon_threadsafe(callback)


def _settle(group: Sequence[Job[Any]]) -> None:
    for job in group:
        job.settle()


def write_group(connection: sqlite3.Connection, group: Sequence[Job[Any]]) -> None:
    """Commit all jobs together; one that fails leaves the others alone."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        _attempt_all(connection, group)
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - the thread must live on, whoever waits gets the error
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for job in group:
            job.error = job.error or error


def _attempt_all(connection: sqlite3.Connection, group: Sequence[Job[Any]]) -> None:
    if len(group) == 1:  # whatever fails rolls back nothing but itself: it needs no savepoint
        group[0].result = group[0].work(connection)
        return
    for job in group:
        _attempt(connection, job)


def _attempt(connection: sqlite3.Connection, job: Job[Any]) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction, as it does when the disk is full
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def read_group(connection: sqlite3.Connection, group: Sequence[Job[Any]]) -> None:
    """Run all jobs, each on its own."""
    for job in group:
        try:
            job.result = job.work(connection)
        except Exception as error:  # noqa: BLE001 - the thread must live on, whoever waits gets the error
            job.error = error
