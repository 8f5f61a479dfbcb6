"""The file: how it is opened, asked, and what its errors mean.

Jobs are functions of a connection. Those submitted while a commit is being written share the next one, which
makes many small durable writes cheap. The event loop never waits for the file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack, closing
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from adapters.sqlite.care import is_damaged
from adapters.sqlite.filelock import FileLock
from adapters.sqlite.lanes import Lane, Work, read_group, write_group
from domain.errors import StorageFull, StoreUnavailable, TocsinError, Unavailable

T = TypeVar("T")
SCHEMA_VERSION: Final = 2
OLDEST_SQLITE: Final = (3, 37, 0)
"""The first with STRICT tables; RETURNING is older."""
BUSY_TIMEOUT: Final = 10.0
"""Seconds to wait for another process that writes."""
LOOK_FOR_DAMAGE: Final = 3.0
"""Seconds at most that a start looks for damage; what lies deeper in a large file is found when it is read."""

# FULL: a commit is on the disk before anyone is told. Waiting for fsync alone is not enough on macOS.
# Small checkpoints, in the writer: the disk has to take a larger one whole before the next commit, also from
# one that a thread of its own makes.
# No mmap: it counts as our memory, and turns a read error into a crash.
_WRITER_PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 1000;
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
    """A file and its threads, used from the event loop it was opened on. Processes may share the file."""

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self.path = path
        self._writer = Lane("sqlite-writer", writer, write_group)
        self._reader = Lane("sqlite-reader", reader, read_group)
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open the file, and make it where it does not exist.

        Raises:
            StoreUnavailable: it cannot be opened, is no database, or another version of Tocsin made it.
            StorageFull: there is no room to make it.
        """
        try:
            return cls(path, *await asyncio.to_thread(_connect, path))
        except (sqlite3.Error, OSError) as error:
            raise _explain(error, path, StoreUnavailable) from error

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
        await self._reader.stop()
        await self._writer.stop()  # the last one out moves the log into the file

    async def _submit(self, lane: Lane, work: Work[T], unavailable: type[Unavailable]) -> T:
        if self._closed:
            raise unavailable(f"{self.path} is closed")
        try:
            return await lane.submit(work)
        except sqlite3.DatabaseError as error:
            if isinstance(error, _MISTAKES):
                raise
            raise _explain(error, self.path, unavailable) from error


def _connect(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old, "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed: use another build of Python"
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite does not wait its turn to change a file to WAL, so processes that start together queue up here.
    with closing(FileLock(path.with_name(f"{path.name}.lock"))) as lock, ExitStack() as undo:
        lock.acquire()
        path.touch(mode=0o600)  # before SQLite makes it readable for all: alerts tell a lot about a company
        writer, reader = (undo.enter_context(closing(_open(path))) for _ in range(2))
        _prepare(writer, path)
        if damage := is_damaged(reader, LOOK_FOR_DAMAGE):
            raise StoreUnavailable(_damaged(path, damage))
        reader.executescript(_READER_PRAGMAS)
        undo.pop_all()
    return writer, reader


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def _prepare(writer: sqlite3.Connection, path: Path) -> None:
    writer.executescript(_WRITER_PRAGMAS)
    ((version,),) = writer.execute("PRAGMA user_version").fetchall()
    if version not in {0, SCHEMA_VERSION}:
        raise StoreUnavailable(
            f"{path} was written by {'a newer' if version > SCHEMA_VERSION else 'an unreleased'} Tocsin "
            f"(schema {version}, this one knows {SCHEMA_VERSION}): run that version, or name another data folder"
        )
    if version == 0:
        schema = files("adapters.sqlite").joinpath("schema.sql").read_text("utf-8")
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
        return unavailable(_damaged(path, str(error)))
    return unavailable(f"{path}: {error}")


def _damaged(path: Path, how: str) -> str:
    return (
        f"{path} is damaged or no database ({' '.join(how.split())}): "
        "`tocsin db check` tells more, `tocsin db restore FILE` puts a backup in its place"
    )
