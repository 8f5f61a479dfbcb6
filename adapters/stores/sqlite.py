"""The embedded state store: one table for each kind of thing a shard remembers, in the SQLite file."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from adapters.sqlite import Bulk, Database, Work
from domain.errors import Fenced, StoreUnavailable
from domain.ports import Commit, Entry, Message, Timer
from domain.times import Millis

T = TypeVar("T")


class SqliteStore:
    """State in a database, which others may share and its owner closes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._closed = False

    async def claim(self, shard: str) -> int:
        """Become the owner of *shard*."""
        return await self._write(partial(_claim, shard=shard))

    async def commit(self, shard: str, epoch: int, commit: Commit) -> Millis | None:
        """Write *commit* in one transaction, which may hold commits of other shards as well."""
        return await self._write(partial(_commit, shard=shard, epoch=epoch, commit=commit))

    async def load(self, shard: str, keys: Sequence[str]) -> list[bytes | None]:
        """Read records, in the order of *keys*."""
        return await self._read(partial(_load, shard=shard, keys=keys))

    async def next_due(self, shard: str) -> Millis | None:
        """Return when the earliest timer is due."""
        return await self._read(lambda connection: _next_due(connection, _shard(connection, shard)))

    async def due(self, shard: str, until: Millis, limit: int) -> list[Timer]:
        """List timers due at or before *until*."""
        rows = await self._select(
            "SELECT id, due FROM timers WHERE shard = (SELECT id FROM shards WHERE name = ?) AND due <= ?"
            " ORDER BY due, id LIMIT ?",
            (shard, until, limit),
        )
        return [Timer(*row) for row in rows]

    async def outbox(self, shard: str, limit: int) -> list[tuple[str, Message]]:
        """List the oldest outbox entries not yet marked as sent."""
        rows = await self._select(
            "SELECT mailbox, producer, sequence, body, alerts FROM outbox"
            " WHERE shard = (SELECT id FROM shards WHERE name = ?) ORDER BY id LIMIT ?",
            (shard, limit),
        )
        return [(mailbox, Message(*message)) for mailbox, *message in rows]

    async def scan(
        self, shard: str, index: str, *, limit: int, after: Entry | None = None, newest: bool = False
    ) -> list[Entry]:
        """Page through an index by (score, member)."""
        place = () if after is None else (after.score, after.member)
        rows = await self._select(_SCANS[newest, after is not None], (shard, index, *place, limit))
        return [Entry(*row) for row in rows]

    async def size(self, shard: str, index: str) -> int:
        """Count the members of an index."""
        rows = await self._select(
            "SELECT count(*) FROM entries WHERE shard = (SELECT id FROM shards WHERE name = ?) AND name = ?",
            (shard, index),
        )
        return int(rows[0][0])

    async def lines(self, shard: str, log: str, *, start: int = 0, limit: int = 1000) -> list[bytes]:
        """Read a log's lines from the *start*-th on."""
        rows = await self._select(
            "SELECT line FROM lines WHERE shard = (SELECT id FROM shards WHERE name = ?) AND log = ?"
            " ORDER BY id LIMIT ? OFFSET ?",
            (shard, log, limit, start),
        )
        return [line for (line,) in rows]

    async def counters(self, shard: str) -> dict[str, int]:
        """Read all counters of a shard."""
        rows = await self._select(
            "SELECT name, value FROM counters WHERE shard = (SELECT id FROM shards WHERE name = ?)", (shard,)
        )
        return dict(rows)

    async def report(self, totals: dict[str, int]) -> None:
        """Remember the larger of what is known and *totals*."""
        await self._write(partial(_PUT_REPORTED.execute, rows=list(totals.items())))

    async def reported(self) -> dict[str, int]:
        """Read what producers reported."""
        return dict(await self._select("SELECT producer, total FROM reported", ()))

    async def ping(self) -> None:
        """Read something."""
        await self._select("SELECT 1", ())

    async def close(self) -> None:
        """Answer no more. The database stays open."""
        self._closed = True

    async def _select(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        return await self._read(lambda connection: connection.execute(statement, parameters).fetchall())

    async def _read(self, work: Work[T]) -> T:
        self._check_open()
        return await self._database.read(work, StoreUnavailable)

    async def _write(self, work: Work[T]) -> T:
        self._check_open()
        return await self._database.write(work, StoreUnavailable)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"this client of {self._database.path} is closed")


_SCAN: Final = (
    "SELECT score, member FROM entries WHERE shard = (SELECT id FROM shards WHERE name = ?) AND name = ?"
)
_UPWARDS: Final = " ORDER BY score, member LIMIT ?"
_DOWNWARDS: Final = " ORDER BY score DESC, member DESC LIMIT ?"
_SCANS: Final = {
    (False, False): _SCAN + _UPWARDS,
    (False, True): _SCAN + " AND (score, member) > (?, ?)" + _UPWARDS,
    (True, False): _SCAN + _DOWNWARDS,
    (True, True): _SCAN + " AND (score, member) < (?, ?)" + _DOWNWARDS,
}
"""(newest, after) → statement."""


# What follows runs in the database's threads.


def _shard(connection: sqlite3.Connection, name: str) -> int:
    """Give the number of a shard; 0 for one that was never claimed."""
    rows = connection.execute("SELECT id FROM shards WHERE name = ?", (name,)).fetchall()
    return int(rows[0][0]) if rows else 0


def _claim(connection: sqlite3.Connection, shard: str) -> int:
    ((epoch,),) = connection.execute(
        "INSERT INTO shards (name, epoch) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1"
        " RETURNING epoch",
        (shard,),
    ).fetchall()
    return int(epoch)


_LOAD: Final = Bulk("SELECT key, value FROM records WHERE shard = ? AND key IN ({})", "?")


def _load(connection: sqlite3.Connection, shard: str, keys: Sequence[str]) -> list[bytes | None]:
    found = dict(_LOAD.execute(connection, [(key,) for key in keys], _shard(connection, shard)))
    return [found.get(key) for key in keys]


def _next_due(connection: sqlite3.Connection, shard: int) -> Millis | None:
    rows = connection.execute("SELECT min(due) FROM timers WHERE shard = ?", (shard,)).fetchall()
    due: Millis | None = rows[0][0]
    return due


def _commit(connection: sqlite3.Connection, shard: str, epoch: int, commit: Commit) -> Millis | None:
    number = _owned(connection, shard, epoch)
    _change(connection, number, commit.records, _PUT_RECORDS, _REMOVE_RECORDS)
    _change(connection, number, commit.timers, _PUT_TIMERS, _REMOVE_TIMERS)
    _change_entries(connection, number, commit.index)
    _REMOVE_LINES.execute(connection, [(log,) for log in commit.dropped_logs], number)
    _PUT_LINES.execute(connection, [(number, log, line) for log, line in commit.lines])
    _ADD_COUNTERS.execute(connection, [(number, name, count) for name, count in commit.counters.items()])
    _change_outbox(connection, number, commit)
    return _next_due(connection, number)


def _owned(connection: sqlite3.Connection, shard: str, epoch: int) -> int:
    """Give the number of a shard that is owned under *epoch*; any other epoch was not given by this store."""
    rows = connection.execute("SELECT id, epoch FROM shards WHERE name = ?", (shard,)).fetchall()
    if not rows or rows[0][1] != epoch:
        raise Fenced(f"{shard} is at epoch {rows[0][1] if rows else 0}, this commit came under {epoch}")
    return int(rows[0][0])


_PUT_RECORDS: Final = Bulk(
    "INSERT INTO records (shard, key, value) VALUES {}"
    " ON CONFLICT (shard, key) DO UPDATE SET value = excluded.value",
    "(?, ?, ?)",
)
_REMOVE_RECORDS: Final = Bulk("DELETE FROM records WHERE shard = ? AND key IN ({})", "?")
_PUT_TIMERS: Final = Bulk(
    "INSERT INTO timers (shard, id, due) VALUES {} ON CONFLICT (shard, id) DO UPDATE SET due = excluded.due",
    "(?, ?, ?)",
)
_REMOVE_TIMERS: Final = Bulk("DELETE FROM timers WHERE shard = ? AND id IN ({})", "?")
_PUT_ENTRIES: Final = Bulk(
    "INSERT INTO entries (shard, name, member, score) VALUES {}"
    " ON CONFLICT (shard, name, member) DO UPDATE SET score = excluded.score",
    "(?, ?, ?, ?)",
)
_REMOVE_ENTRIES: Final = Bulk("DELETE FROM entries WHERE shard = ? AND name = ? AND member IN ({})", "?")
_PUT_LINES: Final = Bulk("INSERT INTO lines (shard, log, line) VALUES {}", "(?, ?, ?)")
_REMOVE_LINES: Final = Bulk("DELETE FROM lines WHERE shard = ? AND log IN ({})", "?")
_ADD_COUNTERS: Final = Bulk(
    "INSERT INTO counters (shard, name, value) VALUES {}"
    " ON CONFLICT (shard, name) DO UPDATE SET value = value + excluded.value",
    "(?, ?, ?)",
)
_PUT_OUTBOX: Final = Bulk(
    "INSERT INTO outbox (shard, mailbox, producer, sequence, body, alerts) VALUES {}", "(?, ?, ?, ?, ?, ?)"
)
_PUT_REPORTED: Final = Bulk(
    "INSERT INTO reported (producer, total) VALUES {}"
    " ON CONFLICT (producer) DO UPDATE SET total = max(total, excluded.total)",
    "(?, ?)",
)


def _change(
    connection: sqlite3.Connection,
    shard: int,
    changes: Mapping[str, bytes | int | None],
    put: Bulk,
    remove: Bulk,
) -> None:
    put.execute(connection, [(shard, key, value) for key, value in changes.items() if value is not None])
    remove.execute(connection, [(key,) for key, value in changes.items() if value is None], shard)


def _change_entries(
    connection: sqlite3.Connection, shard: int, changes: Mapping[tuple[str, str], float | None]
) -> None:
    put = [(shard, *place, score) for place, score in changes.items() if score is not None]
    _PUT_ENTRIES.execute(connection, put)
    removed: defaultdict[str, list[tuple[str]]] = defaultdict(list)
    for (index, member), score in changes.items():
        if score is None:
            removed[index].append((member,))
    for index, members in removed.items():
        _REMOVE_ENTRIES.execute(connection, members, shard, index)


def _change_outbox(connection: sqlite3.Connection, shard: int, commit: Commit) -> None:
    if commit.sent:
        connection.execute(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE shard = ? ORDER BY id LIMIT ?)",
            (shard, commit.sent),
        )
    rows = [(shard, mailbox, *msgspec.structs.astuple(message)) for mailbox, message in commit.outbox]
    _PUT_OUTBOX.execute(connection, rows)
