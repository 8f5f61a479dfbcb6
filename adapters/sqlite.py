"""One SQLite file for all that is durable, written by one thread and read by another.

Jobs are functions of a connection. Those submitted while a commit is being written share the next one, which
makes many small durable writes cheap. The event loop never waits for the file.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Generic, TypeVar

from domain.errors import StorageFull, StoreUnavailable, TocsinError, Unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What a job does. It may raise: then nothing of it is written, and whoever submitted it gets the error."""

SCHEMA_VERSION: Final = 1
OLDEST_SQLITE: Final = (3, 37, 0)
"""The first with STRICT tables; RETURNING is older."""
BUSY_TIMEOUT: Final = 10.0
"""Seconds to wait for another process that writes."""
CLOSE_TIMEOUT: Final = 10.0
"""Seconds that jobs under way get when the database is closed."""
MAX_GROUP: Final = 128
"""Jobs that share a commit: with large messages, tens of megabytes."""

# FULL: a commit is on the disk before anyone is told. Waiting for fsync alone is not enough on macOS.
# The checkpoint comes every 16 MiB rather than 4: fewer pages are written twice.
# No mmap: it counts as our memory, and turns a read error into a crash.
_WRITER_PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -32768;
PRAGMA temp_store = MEMORY;
"""
_READER_PRAGMAS: Final = """
PRAGMA query_only = ON;
PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
"""


class Database:
    """A file and its two threads, used from the event loop it was opened on. Processes may share the file."""

    def __init__(self, path: Path, writer: _Lane, reader: _Lane) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open the file, and make it where it does not exist.

        Raises:
            StoreUnavailable: it cannot be opened, is no database, or a newer Tocsin made it.
            StorageFull: there is no room to make it.
        """
        try:
            writer, reader = await asyncio.to_thread(_connect, path)
        except (sqlite3.Error, OSError) as error:
            raise _explain(error, path, StoreUnavailable) from error
        return cls(
            path, _Lane("sqlite-writer", writer, _write_group), _Lane("sqlite-reader", reader, _read_group)
        )

    async def write(self, work: Work[T], unavailable: type[Unavailable]) -> T:
        """Run *work* in a transaction and answer once it is on the disk. Cancelling does not undo it.

        Raises:
            StorageFull: nothing was written.
            Unavailable: of the kind *unavailable*; what became of it is unknown.
        """
        return await self._submit(self._writer, work, unavailable)

    async def read(self, work: Work[T], unavailable: type[Unavailable]) -> T:
        """Run *work*, which sees all that was written before.

        Raises:
            Unavailable: of the kind *unavailable*.
        """
        return await self._submit(self._reader, work, unavailable)

    async def close(self) -> None:
        """Finish the jobs under way, for a bounded time; safe to call twice."""
        self._closed = True
        await asyncio.gather(self._writer.stop(), self._reader.stop())

    async def _submit(self, lane: _Lane, work: Work[T], unavailable: type[Unavailable]) -> T:
        if self._closed:
            raise unavailable(f"{self.path} is closed")
        try:
            return await lane.submit(work)
        except sqlite3.DatabaseError as error:
            if isinstance(error, _MISTAKES):
                raise
            raise _explain(error, self.path, unavailable) from error


class Bulk:
    """A statement over many rows, run in few steps.

    Each step gives up the interpreter lock and must win it back from a busy event loop: 500 rows in 6 steps are
    several times faster than in 500. Sizes are powers of two, so that few statements are prepared.

    >>> Bulk("DELETE FROM t WHERE a = ? AND b IN ({})", "?").text(3)
    'DELETE FROM t WHERE a = ? AND b IN (?,?,?)'
    """

    LARGEST = 512

    def __init__(self, statement: str, row: str) -> None:
        self._statement = statement
        self._row = row
        self._texts: dict[int, str] = {}

    def text(self, size: int) -> str:
        """Write the statement for *size* rows."""
        if size not in self._texts:
            self._texts[size] = self._statement.format(",".join([self._row] * size))
        return self._texts[size]

    def execute(
        self, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]], *first: Any
    ) -> list[Any]:
        """Execute it for *rows*, with *first* bound before those of each step; give all that it answers."""
        answers: list[Any] = []
        for part in _parts(rows, self.LARGEST):
            answers += connection.execute(self.text(len(part)), (*first, *chain.from_iterable(part)))
        return answers


def _parts(rows: Sequence[T], largest: int) -> Iterator[Sequence[T]]:
    """Cut into powers of two.

    >>> [len(part) for part in _parts(range(23), 8)]
    [8, 8, 4, 2, 1]
    """
    start, size = 0, largest
    while left := len(rows) - start:
        while size > left:
            size //= 2
        yield rows[start : start + size]
        start += size


class FileLock:
    """A lock between processes, and between two holders in one; free at once when its process dies."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False

    def acquire(self) -> None:
        """Wait until it is ours."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._held = True

    def try_acquire(self) -> bool:
        """Take it if it is free; tell whether it is ours."""
        if not self._held:
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held = True
        return self._held

    def close(self) -> None:
        """Let go, for good."""
        os.close(self._file)


class _Job(Generic[T]):
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


_RunGroup = Callable[[sqlite3.Connection, Sequence[_Job[Any]]], None]


class _Lane:
    """A thread with a connection of its own: takes the jobs that wait, runs them, settles them together."""

    def __init__(self, name: str, connection: sqlite3.Connection, run_group: _RunGroup) -> None:
        self._connection = connection
        self._run_group = run_group
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._ended = asyncio.Event()
        # A daemon: a disk that hangs must not keep the process from ending.
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Put *work* in line."""
        job = _Job(work, self._loop.create_future())
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
            self._tell(lambda group=group: [job.settle() for job in group])  # type: ignore[misc]
        with suppress(sqlite3.Error):
            self._connection.close()
        self._tell(self._ended.set)

    def _groups(self) -> Iterator[list[_Job[Any]]]:
        """Give what waits, at least one job at a time, until told to stop."""
        while (job := self._jobs.get()) is not None:
            yield [job, *islice(iter(self._next, None), MAX_GROUP - 1)]

    def _next(self) -> _Job[Any] | None:
        """Take a job without waiting; None at the end of the line, or of all."""
        with suppress(Empty):
            if (job := self._jobs.get_nowait()) is not None:
                return job
            self._jobs.put(None)
        return None

    def _tell(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it everyone who waits
            self._loop.call_soon_threadsafe(callback)


def _write_group(connection: sqlite3.Connection, group: Sequence[_Job[Any]]) -> None:
    """Commit all jobs together; one that fails leaves the others alone."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            _attempt(connection, job)
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - the thread must live on, whoever waits gets the error
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for job in group:
            job.error = job.error or error


def _attempt(connection: sqlite3.Connection, job: _Job[Any]) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite gave up the whole transaction, as it does when the disk is full
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _read_group(connection: sqlite3.Connection, group: Sequence[_Job[Any]]) -> None:
    for job in group:
        try:
            job.result = job.work(connection)
        except Exception as error:  # noqa: BLE001 - the thread must live on, whoever waits gets the error
            job.error = error


def _connect(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old, "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed: use another build of Python"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # SQLite does not wait its turn to change a file to WAL, so processes that start together queue up here.
    with closing(FileLock(path.with_name(f"{path.name}.lock"))) as lock:
        lock.acquire()
        writer = _open(path)
        try:
            _prepare(writer, path)
            reader = _open(path)
            reader.executescript(_READER_PRAGMAS)
        except BaseException:
            writer.close()
            raise
    return writer, reader


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def _prepare(writer: sqlite3.Connection, path: Path) -> None:
    writer.executescript(_WRITER_PRAGMAS)
    ((version,),) = writer.execute("PRAGMA user_version").fetchall()
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path} was written by a newer Tocsin (schema {version}, this one knows {SCHEMA_VERSION}): "
            "run that version or a later one, or name another data folder"
        )
    if version == 0:
        schema = files("adapters").joinpath("sqlite.sql").read_text("utf-8")
        writer.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")


# Of ours, and of one job alone: to try again would not help, to call the file unavailable would hide it.
_MISTAKES: Final = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError)
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _explain(error: Exception, path: Path, unavailable: type[Unavailable]) -> TocsinError:
    """Say what an error of SQLite means to callers, and where."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(f"{path}: no room left on the disk; nothing was written")
    if code in _DAMAGED:
        return unavailable(f"{path} is damaged or no database ({error}): restore a backup, or move it away")
    return unavailable(f"{path}: {error}")
