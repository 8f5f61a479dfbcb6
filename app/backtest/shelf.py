"""Records of a shard, however many: the latest in memory, the rest in a file that is gone afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import islice
from typing import Any

import msgspec

IN_MEMORY = 50_000
"""Records held in memory at most."""


class Shelf(MutableMapping[str, msgspec.Struct]):
    """A mapping of records, of which those not touched for the longest time go to disk."""

    def __init__(self, kinds: Mapping[str, type[msgspec.Struct]], most: int = IN_MEMORY) -> None:
        self._decoders = {word: msgspec.msgpack.Decoder(kind) for word, kind in kinds.items()}
        self._encode = msgspec.msgpack.Encoder().encode
        self._most = most
        self._near: dict[str, msgspec.Struct] = {}
        self._file: sqlite3.Connection | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """Read a record, or give *default*."""
        found = self._near.get(name)
        if found is not None or self._file is None:
            return default if found is None else found
        return self._fetched(name) or default

    def __getitem__(self, name: str) -> msgspec.Struct:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        record: msgspec.Struct = found
        return record

    def __setitem__(self, name: str, record: msgspec.Struct) -> None:
        self._near.pop(name, None)
        self._near[name] = record
        if len(self._near) > self._most:
            self._put_away(self._most // 10)

    def __delitem__(self, name: str) -> None:
        known = self._near.pop(name, None) is not None
        if self._file is not None:
            known = self._file.execute("DELETE FROM far WHERE name = ?", (name,)).rowcount > 0 or known
        if not known:
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from self._near
        if self._file is not None:
            for (name,) in self._file.execute("SELECT name FROM far ORDER BY name"):
                if name not in self._near:
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _fetched(self, name: str) -> msgspec.Struct | None:
        assert self._file is not None
        row = self._file.execute("SELECT record FROM far WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        record: msgspec.Struct = self._decoders[name.partition(":")[0]].decode(row[0])
        self[name] = record
        return record

    def _put_away(self, count: int) -> None:
        """Put the oldest on disk. What is there of them already is old news."""
        if self._file is None:
            self._file = sqlite3.connect(
                "", isolation_level=None
            )  # SQLite's name for a file that is gone when closed
            self._file.executescript(
                "PRAGMA cache_size = -16384; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
                "CREATE TABLE far (name TEXT PRIMARY KEY, record BLOB) WITHOUT ROWID"
            )
        names = list(islice(self._near, count))
        rows = [(name, self._encode(self._near.pop(name))) for name in names]
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR REPLACE INTO far VALUES (?, ?)", rows)
        self._file.execute("COMMIT")
