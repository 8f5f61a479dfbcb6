"""Names and what is kept under them: a text costs one insert at a random place, and a short one.

A cell holds the record and the timer of one name, or a member of an index, or stands for a log. It is appended, and
found by the mark of its name. Marks may coincide, so names are compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Final
from zlib import crc32

from adapters.sqlite.bulk import Bulk

Values = Mapping[str, bytes | None]
Places = Mapping[str, float | None]
Row = tuple[int | None, int, int, str, float | None, bytes | None]
"""id, None for a new cell, space, mark, name, place, value"""

KIND_BITS: Final = 15
REMEMBERED: Final = 1 << 16
"""Cells whose ids a writer knows by heart: some megabytes."""


def mark(space: int, name: str) -> int:
    """Hash a name to 47 bits, so that names of one thing lie together, as they change together.

    >>> (mark(1, "alert:p/1") ^ mark(1, "seen:p/1")) < 1 << KIND_BITS
    True
    >>> (mark(1, "alert:p/1") ^ mark(2, "p/1")) < 1 << KIND_BITS
    True
    >>> (mark(1, "alert:p/1") ^ mark(1, "alert:p/2")) < 1 << KIND_BITS
    False
    """
    kind, colon, thing = name.partition(":")
    return _thing(thing if colon else name) << KIND_BITS | _kind(space, kind if colon else "")


@lru_cache(maxsize=1 << 14)
def _thing(text: str) -> int:
    """No checksum: whoever chooses names must not be able to pile up what coincides."""
    return int.from_bytes(blake2b(_utf8(text), digest_size=4).digest())


@lru_cache(maxsize=1 << 10)
def _kind(space: int, kind: str) -> int:
    return crc32(_utf8(kind), space) & ((1 << KIND_BITS) - 1)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_FIND: Final = Bulk("SELECT id, space, name FROM cells WHERE mark IN ({})", "?")
_COLUMNS: Final = "(?, ?, ?, ?, ?, ?)"
# OR FAIL: whatever fails takes its whole job along, so SQLite need not set pages aside to undo a statement alone.
_PUT: Final = (
    "INSERT OR FAIL INTO cells (id, space, mark, name, place, value) VALUES {} ON CONFLICT DO UPDATE SET "
)
_PUT_VALUES: Final = Bulk(_PUT + "value = excluded.value", _COLUMNS)
_PUT_PLACES: Final = Bulk(_PUT + "place = excluded.place", _COLUMNS)
_PUT_BOTH: Final = Bulk(_PUT + "place = excluded.place, value = excluded.value", _COLUMNS)
_CLEAR_VALUES: Final = Bulk("UPDATE cells SET value = NULL WHERE id IN ({})", "?")
_CLEAR_PLACES: Final = Bulk("UPDATE cells SET place = NULL WHERE id IN ({})", "?")
_SWEEP: Final = Bulk("DELETE FROM cells WHERE value IS NULL AND place IS NULL AND id IN ({})", "?")
_UPDATE: Final = Bulk(
    "WITH new (id, space, name, value) AS (VALUES {}) UPDATE cells SET value = new.value FROM new"
    " WHERE cells.id = new.id AND cells.space = new.space AND cells.name = new.name",
    "(?, ?, ?, ?)",
)


def find(connection: sqlite3.Connection, space: int, marks: Iterable[int]) -> dict[str, int]:
    """Give the ids of all cells of a space that have one of *marks*."""
    rows = _FIND.execute(connection, [(one,) for one in marks])
    return {name: number for number, its_space, name in rows if its_space == space}


class Cells:
    """What writes cells, in one thread. It remembers the ids of some, which need no looking up."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int, str], int] = {}

    def change(self, connection: sqlite3.Connection, space: int, values: Values, places: Places) -> None:
        """Put or, with None, remove values and places. A cell that has neither is gone."""
        values = self._update(connection, space, values, places)
        marks = {name: mark(space, name) for name in (*values, *places)}
        ids = find(connection, space, marks.values())
        no_value, no_place = _emptied(ids, values), _emptied(ids, places)
        _CLEAR_VALUES.execute(connection, no_value)
        _CLEAR_PLACES.execute(connection, no_place)
        _put(connection, space, ids, marks, values, places)
        _SWEEP.execute(connection, no_value + no_place)  # last: a new cell takes the id of one that is gone
        self._remember({(space, name): ids[name] for name in values if name in ids})

    def _update(self, connection: sqlite3.Connection, space: int, values: Values, places: Places) -> Values:
        """Put the values of remembered cells; give what is left to do.

        What is remembered may be wrong: a transaction was rolled back, or another process was the owner meanwhile.
        Then fewer rows are met than were meant.
        """
        rows = [
            (number, space, name, value)
            for name, value in values.items()
            if (number := self._ids.get((space, name))) and value is not None and name not in places
        ]
        before = connection.total_changes
        _UPDATE.execute(connection, rows)
        if connection.total_changes - before != len(rows):
            self._ids.clear()
            return values
        done = {name for _, _, name, _ in rows}
        return {name: value for name, value in values.items() if name not in done}

    def _remember(self, ids: Mapping[tuple[int, str], int]) -> None:
        """The oldest are forgotten first."""
        self._ids.update(ids)
        for named in list(islice(self._ids, max(0, len(self._ids) - REMEMBERED))):
            del self._ids[named]


def _emptied(ids: Mapping[str, int], changes: Mapping[str, object]) -> list[tuple[int]]:
    return [(ids[name],) for name, change in changes.items() if change is None and name in ids]


def _put(
    connection: sqlite3.Connection,
    space: int,
    ids: Mapping[str, int],
    marks: Mapping[str, int],
    values: Values,
    places: Places,
) -> None:
    rows: dict[Bulk, list[Row]] = {_PUT_BOTH: [], _PUT_VALUES: [], _PUT_PLACES: []}
    for name, its_mark in marks.items():
        value, place = values.get(name), places.get(name)
        if value is not None or place is not None:
            put = _PUT_PLACES if value is None else _PUT_VALUES if place is None else _PUT_BOTH
            rows[put].append((ids.get(name), space, its_mark, name, place, value))
    for put, its_rows in rows.items():
        put.execute(connection, its_rows)
