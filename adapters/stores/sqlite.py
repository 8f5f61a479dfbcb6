"""The embedded state store: what a shard remembers, in cells and a few plain tables of the SQLite file."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from adapters.sqlite import Bulk, Database, Work
from adapters.sqlite.cells import Cells, find, mark
from domain.errors import Fenced, StoreUnavailable
from domain.ports import Commit, Entry, Message, Timer
from domain.times import Millis

T = TypeVar("T")
STATE: Final = "state"
LOGS: Final = "logs"
INDEX: Final = "index:"
"""Spaces of a shard: one for its records and timers, one for its logs, one for each index."""


class SqliteStore:
    """State in a database, which others may share and its owner closes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cells = Cells()
        self._closed = False

    async def claim(self, shard: str) -> int:
        """Become the owner of *shard*."""
        return await self._write(partial(_claim, shard=shard))

    async def commit(self, shard: str, epoch: int, commit: Commit) -> Millis | None:
        """Write *commit* in one transaction, which may hold commits of other shards as well."""
        return await self._write(partial(_commit, cells=self._cells, shard=shard, epoch=epoch, commit=commit))

    async def load(self, shard: str, keys: Sequence[str]) -> list[bytes | None]:
        """Read records, in the order of *keys*."""
        return await self._read(partial(_load, shard=shard, keys=keys))

    async def next_due(self, shard: str) -> Millis | None:
        """Return when the earliest timer is due."""
        return await self._read(partial(_next_due, shard=shard))

    async def due(self, shard: str, until: Millis, limit: int) -> list[Timer]:
        """List timers due at or before *until*."""
        rows = await self._select_in(
            (shard, STATE),
            "SELECT name, place FROM cells WHERE space = ? AND place <= ? ORDER BY place, name LIMIT ?",
            (until, limit),
        )
        return [Timer(name, int(due)) for name, due in rows]

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
        statement = _SCANS[newest, after is not None]
        rows = await self._select_in((shard, INDEX + index), statement, (*place, limit))
        return [Entry(*row) for row in rows]

    async def size(self, shard: str, index: str) -> int:
        """Count the members of an index."""
        rows = await self._select_in(
            (shard, INDEX + index),
            "SELECT count(*) FROM cells WHERE space = ? AND place IS NOT NULL",
            (),
        )
        return int(rows[0][0])

    async def lines(self, shard: str, log: str, *, start: int = 0, limit: int = 1000) -> list[bytes]:
        """Read a log's lines from the *start*-th on."""
        return await self._read(partial(_lines, shard=shard, log=log, start=start, limit=limit))

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

    async def _select_in(
        self, space: tuple[str, str], statement: str, parameters: Sequence[Any]
    ) -> list[Any]:
        """Select from a space, named by its shard and its own name; its number is the first parameter."""
        return await self._read(
            lambda connection: connection.execute(
                statement, (_space(connection, *space), *parameters)
            ).fetchall()
        )

    async def _read(self, work: Work[T]) -> T:
        self._check_open()
        return await self._database.read(work, StoreUnavailable)

    async def _write(self, work: Work[T]) -> T:
        self._check_open()
        return await self._database.write(work, StoreUnavailable)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"this client of {self._database.path} is closed")


_SCAN: Final = "SELECT place, name FROM cells WHERE space = ? AND place IS NOT NULL"
_UPWARDS: Final = " ORDER BY place, name LIMIT ?"
_DOWNWARDS: Final = " ORDER BY place DESC, name DESC LIMIT ?"
_SCANS: Final = {
    (False, False): _SCAN + _UPWARDS,
    (False, True): _SCAN + " AND (place, name) > (?, ?)" + _UPWARDS,
    (True, False): _SCAN + _DOWNWARDS,
    (True, True): _SCAN + " AND (place, name) < (?, ?)" + _DOWNWARDS,
}
"""(newest, after) → statement."""


# What follows runs in the database's threads.


def _claim(connection: sqlite3.Connection, shard: str) -> int:
    ((epoch,),) = connection.execute(
        "INSERT INTO shards (name, epoch) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1"
        " RETURNING epoch",
        (shard,),
    ).fetchall()
    return int(epoch)


def _space(connection: sqlite3.Connection, shard: str, name: str) -> int:
    """Give the number of a space; 0 for one in which nothing ever was."""
    rows = connection.execute(
        "SELECT spaces.id FROM spaces JOIN shards ON shards.id = spaces.shard"
        " WHERE shards.name = ? AND spaces.name = ?",
        (shard, name),
    ).fetchall()
    return int(rows[0][0]) if rows else 0


_LOAD: Final = Bulk("SELECT space, name, value FROM cells WHERE mark IN ({})", "?")


def _load(connection: sqlite3.Connection, shard: str, keys: Sequence[str]) -> list[bytes | None]:
    space = _space(connection, shard, STATE)
    rows = _LOAD.execute(connection, [(mark(space, key),) for key in keys])
    found = {name: value for its, name, value in rows if its == space}
    return [found.get(key) for key in keys]


def _lines(connection: sqlite3.Connection, shard: str, log: str, start: int, limit: int) -> list[bytes]:
    space = _space(connection, shard, LOGS)
    number = find(connection, space, [mark(space, log)]).get(log, 0)
    rows = connection.execute(
        "SELECT line FROM log_lines WHERE log = ? ORDER BY id LIMIT ? OFFSET ?", (number, limit, start)
    )
    return [line for (line,) in rows]


def _next_due(connection: sqlite3.Connection, shard: str) -> Millis | None:
    return _earliest(connection, _space(connection, shard, STATE))


def _earliest(connection: sqlite3.Connection, space: int) -> Millis | None:
    rows = connection.execute("SELECT min(place) FROM cells WHERE space = ? AND place IS NOT NULL", (space,))
    ((due,),) = rows.fetchall()
    return None if due is None else int(due)


def _owned(connection: sqlite3.Connection, shard: str, epoch: int) -> int:
    """Give the number of a shard that is owned under *epoch*; any other epoch was not given by this store."""
    rows = connection.execute("SELECT id, epoch FROM shards WHERE name = ?", (shard,)).fetchall()
    if not rows or rows[0][1] != epoch:
        raise Fenced(f"{shard} is at epoch {rows[0][1] if rows else 0}, this commit came under {epoch}")
    return int(rows[0][0])


def _spaces(connection: sqlite3.Connection, shard: int, commit: Commit) -> dict[str, int]:
    """Give the numbers of a shard's spaces by name, those that *commit* is the first to use included."""
    spaces = dict(connection.execute("SELECT name, id FROM spaces WHERE shard = ?", (shard,)).fetchall())
    wanted = dict.fromkeys([STATE, LOGS, *(INDEX + index for index, _ in commit.index)])
    spaces.update(_NEW_SPACES.execute(connection, [(shard, name) for name in wanted if name not in spaces]))
    return spaces


def _commit(
    connection: sqlite3.Connection, cells: Cells, shard: str, epoch: int, commit: Commit
) -> Millis | None:
    number = _owned(connection, shard, epoch)
    spaces = _spaces(connection, number, commit)
    cells.change(connection, spaces[STATE], commit.records, commit.timers)
    for index, scores in _by_index(commit).items():
        cells.change(connection, spaces[INDEX + index], {}, scores)
    _change_logs(connection, spaces[LOGS], commit)
    _ADD_COUNTERS.execute(connection, [(number, name, count) for name, count in commit.counters.items()])
    _change_outbox(connection, number, commit)
    return _earliest(connection, spaces[STATE])


def _by_index(commit: Commit) -> dict[str, dict[str, float | None]]:
    indexes: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    for (index, member), score in commit.index.items():
        indexes[index][member] = score
    return indexes


_NEW_SPACES: Final = Bulk("INSERT INTO spaces (shard, name) VALUES {} RETURNING name, id", "(?, ?)")
_NEW_LOGS: Final = Bulk("INSERT INTO cells (space, mark, name) VALUES {} RETURNING name, id", "(?, ?, ?)")
_REMOVE_LOGS: Final = Bulk("DELETE FROM cells WHERE id IN ({})", "?")
_PUT_LINES: Final = Bulk("INSERT INTO log_lines (log, line) VALUES {}", "(?, ?)")
_REMOVE_LINES: Final = Bulk("DELETE FROM log_lines WHERE log IN ({})", "?")


def _change_logs(connection: sqlite3.Connection, space: int, commit: Commit) -> None:
    written = dict.fromkeys(log for log, _ in commit.lines)
    marks = {log: mark(space, log) for log in (*written, *commit.dropped_logs)}
    ids = find(connection, space, marks.values())
    dropped = [(ids.pop(log),) for log in dict.fromkeys(commit.dropped_logs) if log in ids]
    _REMOVE_LINES.execute(connection, dropped)
    _REMOVE_LOGS.execute(connection, dropped)
    ids.update(_NEW_LOGS.execute(connection, [(space, marks[log], log) for log in written if log not in ids]))
    _PUT_LINES.execute(connection, [(ids[log], line) for log, line in commit.lines])


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


def _change_outbox(connection: sqlite3.Connection, shard: int, commit: Commit) -> None:
    if commit.sent:
        connection.execute(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE shard = ? ORDER BY id LIMIT ?)",
            (shard, commit.sent),
        )
    rows = [(shard, mailbox, *msgspec.structs.astuple(message)) for mailbox, message in commit.outbox]
    _PUT_OUTBOX.execute(connection, rows)
