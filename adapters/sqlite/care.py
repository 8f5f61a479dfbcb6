"""Looking after the file: is it whole, a copy of it, a copy in its place.

SQLite's own means throughout: ``PRAGMA integrity_check`` (sqlite.org/pragma.html) and the online backup
(sqlite.org/backup.html), which copies what is committed while others go on writing.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from adapters.sqlite.filelock import FileLock
from domain.errors import StoreUnavailable

Progress = Callable[[int, int], None]
"""Is told how many of how many pages are done."""

PAGES_AT_ONCE: Final = 2_000
MOST_FAULTS: Final = 20
STEPS: Final = 10_000
"""Steps of SQLite's machine between two looks at the clock."""
BESIDE: Final = ("", "-wal", "-shm")


class NotWhole(StoreUnavailable):
    """A file that is damaged, no database, or not Tocsin's."""


class InUse(StoreUnavailable):
    """A file that somebody works on."""


def faults(path: Path) -> list[str]:
    """List what is wrong with the file, and nothing if it is whole. It may be in use.

    Raises:
        StoreUnavailable: it is not there, or cannot be read.
    """
    if not path.is_file():
        raise StoreUnavailable(f"there is no file {path}")
    try:
        with _reading(path) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})")]
            return [] if found == ["ok"] else found
    except sqlite3.DatabaseError as error:
        return [str(error)]


def is_damaged(connection: sqlite3.Connection, seconds: float) -> str:
    """Look for damage for a bounded time; return the first that is found, else an empty text."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return ""
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return "" if found == "ok" else found


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy the file as of one moment, for its owner's eyes only. It may be in use meanwhile.

    Raises:
        NotWhole: the source is damaged; there is no copy then.
        StoreUnavailable: there is a file in the target's place, or one of them cannot be had.
    """
    if not source.is_file():
        raise StoreUnavailable(f"there is no file {source}")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise StoreUnavailable(f"{target} is there already; name another, or move it away") from None
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written: {error.strerror}") from None
    try:
        _copy(source, target, progress)
    except (sqlite3.Error, StoreUnavailable) as error:
        target.unlink()
        if isinstance(error, sqlite3.Error):
            raise NotWhole(f"{source} cannot be copied: {error}") from error
        raise


def put_in_place(backup: Path, path: Path, aside: str, progress: Progress) -> Path | None:
    """Put a copy of *backup* where *path* is; what was there is kept under a name that ends with *aside*.

    Raises:
        InUse: somebody works on the file.
        NotWhole: the backup is damaged; nothing has changed then.
        StoreUnavailable: one of them cannot be had.
    """
    with _nobody_else(path):
        fresh = path.with_name(f"{path.name}.restoring")
        fresh.unlink(missing_ok=True)
        copy(backup, fresh, progress)
        kept = path.with_name(f"{path.name}.{aside}") if path.exists() else None
        for end in BESIDE:
            old = path.with_name(path.name + end)
            if old.exists():
                old.rename(path.with_name(f"{path.name}.{aside}{end}"))
        fresh.rename(path)
        return kept


def _copy(source: Path, target: Path, progress: Progress) -> None:
    with _reading(source) as ours, closing(sqlite3.connect(target)) as theirs:
        ours.backup(
            theirs, pages=PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left, total)
        )
    if found := faults(target):
        raise NotWhole(f"{source} is damaged: {found[0]}")
    if not _is_ours(target):
        raise NotWhole(f"{source} is a database, but not Tocsin's")


def _is_ours(path: Path) -> bool:
    with _reading(path) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        return bool(version)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection


@contextmanager
def _nobody_else(path: Path) -> Iterator[None]:
    """Hold every lock that whoever works on the file holds one of."""
    locks = [FileLock(each) for each in sorted(path.parent.glob(f"{path.name}*.lock"))]
    try:
        if not all(lock.try_acquire() for lock in locks):
            raise InUse(f"Tocsin works on {path}; stop it first")
        yield
    finally:
        for lock in locks:
            lock.close()
