"""The file behind the spool: messages in the order in which they came. It blocks; it belongs in a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from domain.errors import StorageFull
from domain.ports import Message

OVERHEAD = 64
"""Bytes that a message takes besides its body, roughly."""
MAX_BATCH_ROWS = 256
MAX_BATCH_BYTES = 4 * 1024 * 1024
RETRY_AFTER = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
  id INTEGER PRIMARY KEY,
  mailbox TEXT NOT NULL,
  producer TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  body BLOB NOT NULL,
  alerts INTEGER NOT NULL
) STRICT
"""
_SETTINGS = (
    "auto_vacuum = INCREMENTAL",
    "locking_mode = EXCLUSIVE",  # two processes on one file would overtake each other
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",  # macOS: fsync alone is not enough there
)


@dataclass(frozen=True, slots=True)
class Row:
    """A message that waits, and for which mailbox."""

    id: int
    mailbox: str
    message: Message


class SpoolFile:
    """A bounded queue in an SQLite file. ``rows`` and ``size`` say what it holds."""

    def __init__(self, connection: sqlite3.Connection, max_size: int) -> None:
        self._connection = connection
        self._max_size = max_size
        total = f"SELECT count(*), coalesce(sum(length(body) + {OVERHEAD}), 0) FROM spool"  # noqa: S608 - a constant
        self.rows: int
        self.size: int
        self.rows, self.size = connection.execute(total).fetchone()

    @classmethod
    def open(cls, path: Path, max_size: int) -> Self:
        """Open or make the file at *path*.

        Raises:
            sqlite3.OperationalError: another process has it, or it cannot be written.
        """
        with suppress(OSError):  # SQLite says better what is wrong
            path.touch(mode=0o600)  # before SQLite makes it readable for all
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            connection.execute(_SCHEMA)
            return cls(connection, max_size)
        except BaseException:
            connection.close()
            raise

    def append(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Keep *messages*, all or none.

        Raises:
            StorageFull: there is no room.
        """
        size = sum(len(message.body) + OVERHEAD for message in messages)
        if self.size + size > self._max_size:
            raise StorageFull(f"the spool holds its {self._max_size} bytes", retry_after=RETRY_AFTER)
        self._write(lambda: self._insert(mailbox, messages))
        self.rows += len(messages)
        self.size += size

    def oldest(self) -> list[Row]:
        """Read the oldest messages, at least one if there are any, up to a sensible batch."""
        rows: list[Row] = []
        size = 0
        query = "SELECT id, mailbox, producer, sequence, body, alerts FROM spool ORDER BY id LIMIT ?"
        for id_, mailbox, *message in self._connection.execute(query, (MAX_BATCH_ROWS,)):
            rows.append(Row(id_, mailbox, Message(*message)))
            size += len(rows[-1].message.body)
            if size > MAX_BATCH_BYTES:
                break
        return rows

    def remove(self, rows: Sequence[Row]) -> None:
        """Forget *rows*, which are the oldest.

        Raises:
            StorageFull: the disk is; they are still here.
        """
        self._write(lambda: self._connection.execute("DELETE FROM spool WHERE id <= ?", (rows[-1].id,)))
        self.rows -= len(rows)
        self.size -= sum(len(row.message.body) + OVERHEAD for row in rows)
        if not self.rows:
            self._shrink()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._connection.close()

    def _write(self, change: Callable[[], object]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            change()
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):  # some errors roll back by themselves
                self._connection.execute("ROLLBACK")
            raise StorageFull(f"the spool cannot be written: {error}", retry_after=RETRY_AFTER) from error

    def _insert(self, mailbox: str, messages: Sequence[Message]) -> None:
        self._connection.executemany(
            "INSERT INTO spool (mailbox, producer, sequence, body, alerts) VALUES (?, ?, ?, ?, ?)",
            [(mailbox, each.producer, each.sequence, each.body, each.alerts) for each in messages],
        )

    def _shrink(self) -> None:
        """Give the room back that an outage took; another time, if not now."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
