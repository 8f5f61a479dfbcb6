"""The embedded store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.sqlite import Database, cells
from adapters.stores.sqlite import SqliteStore
from domain.errors import StorageFull, StoreUnavailable
from domain.ports import Commit, Entry, Message, StateStore, Timer
from tests.adapters.processes import last_words, process, says
from tests.contracts.store import FULL, MakeStore, StoreContract, snapshot


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def make_store(self, tmp_path: Path) -> AsyncIterator[MakeStore]:
        async with AsyncExitStack() as stack:

            async def make() -> StateStore:
                database = await Database.open(tmp_path / "tocsin.db")
                stack.push_async_callback(database.close)
                return SqliteStore(database)

            yield make


COMMITS = """
    shard = "alerts.0"
    epoch = await store.claim(shard)
    first = (await store.counters(shard)).get("commits", 0) + 1
    for number in count(first):
        value = b"%d" % number * 200
        commit = Commit({f"k{n}": value for n in range(300)}, {"t": number}, {("i", "m"): float(number)})
        commit.lines, commit.counters = [("l", b"%d" % number)], {"commits": 1}
        commit.outbox, commit.sent = [("tickets.x", Message("s", number, b""))], min(1, number - 1)
        await store.commit(shard, epoch, commit)
        print(number, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01, 0.03])
async def test_a_kill_leaves_commits_whole(tmp_path: Path, delay: float) -> None:
    """A process killed inside a commit leaves all of it or nothing, and everything it was told is written."""
    path = tmp_path / "tocsin.db"
    told = 0
    for _ in range(3):
        async with process(path, COMMITS) as committing:
            told = int(await says(committing))
            await asyncio.sleep(delay)
            told = int([str(told), *await last_words(committing)][-1])
        told = await check_whole(path, told)


async def check_whole(path: Path, told: int) -> int:
    database = await Database.open(path)
    store, shard = SqliteStore(database), "alerts.0"
    number = (await store.counters(shard))["commits"]
    assert told <= number <= told + 1
    assert await store.load(shard, [f"k{n}" for n in range(300)]) == [b"%d" % number * 200] * 300
    assert await store.due(shard, 1 << 40, 10) == [Timer("t", number)]
    assert await store.scan(shard, "i", limit=10) == [Entry(float(number), "m")]
    assert await store.lines(shard, "l", limit=1 << 40) == [b"%d" % n for n in range(1, number + 1)]
    assert await store.outbox(shard, 10) == [("tickets.x", Message("s", number, b""))]
    assert await database.read(
        lambda c: c.execute("PRAGMA integrity_check").fetchall(), StoreUnavailable
    ) == [("ok",)]
    await database.close()
    return number


async def test_two_processes_share_the_file(tmp_path: Path) -> None:
    """What one process commits another reads; once it claims the shard, the first is told that it is out."""
    path = tmp_path / "tocsin.db"
    database = await Database.open(path)
    store = SqliteStore(database)
    async with process(path, COMMITS) as committing:
        told = int(await says(committing))
        assert (await store.counters("alerts.0"))["commits"] >= told
        await store.claim("alerts.0")
        async with asyncio.timeout(20):
            assert await committing.wait() == 1  # Fenced, and so ended
    await database.close()


SHARD = "alerts.0"
TABLES = ("shards", "spaces", "cells", "log_lines", "counters", "outbox")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "tocsin.db")
    yield database
    await database.close()


async def select(database: Database, statement: str) -> list[Any]:
    return await database.read(lambda c: c.execute(statement).fetchall(), StoreUnavailable)


def opened(alerts: range) -> Commit:
    commit = Commit()
    for alert in alerts:
        commit.records |= {f"alert:{alert}": b"a", f"seen:{alert}": b"s", f"incident:{alert}": b"i"}
        commit.timers |= {f"alert:{alert}": alert, f"incident:{alert}": alert}
        commit.index |= {("alerts", f"{alert}"): alert, ("incidents", f"{alert}"): alert}
        commit.lines += [(f"members:{alert}", b"m"), (f"timeline:{alert}", b"t"), (f"timeline:{alert}", b"u")]
    return commit


def purged(alerts: range) -> Commit:
    there = opened(alerts)
    return Commit(
        dict.fromkeys(there.records),
        dict.fromkeys(there.timers),
        dict.fromkeys(there.index),
        dropped_logs=[log for log, _ in there.lines],
    )


async def test_what_is_purged_leaves_nothing(database: Database) -> None:
    """Names take no room once nothing is kept under them, so a shard does not grow for ever."""
    store = SqliteStore(database)
    epoch = await store.claim(SHARD)

    async def pass_by(alerts: range) -> dict[str, int]:
        await store.commit(SHARD, epoch, opened(alerts))
        full = await select(database, "SELECT count(*) FROM cells")
        await store.commit(SHARD, epoch, purged(alerts))
        assert full > [(6 * len(alerts),)]
        return {table: (await select(database, f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES}

    assert await pass_by(range(10_000)) == await pass_by(range(10_000, 10_001)) == {
        "shards": 1, "spaces": 4, "cells": 0, "log_lines": 0, "counters": 0, "outbox": 0
    }  # fmt: skip


async def test_a_name_lasts_as_long_as_anything_under_it(database: Database) -> None:
    """A record and a timer of one name come and go on their own, whatever becomes of the names beside them."""
    store = SqliteStore(database)
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, Commit({"a": b"1"}))
    await store.commit(SHARD, epoch, Commit({"a": None, "b": b"2", "c": b"3"}, {"a": 5, "b": 6}))
    assert await store.load(SHARD, ["a", "b", "c"]) == [None, b"2", b"3"]
    assert await store.due(SHARD, 10, 10) == [Timer("a", 5), Timer("b", 6)]
    await store.commit(SHARD, epoch, Commit({"a": b"4"}, {"a": None, "b": None}))
    assert await store.load(SHARD, ["a", "b", "c"]) == [b"4", b"2", b"3"]
    assert await store.due(SHARD, 10, 10) == []


async def test_names_whose_marks_coincide(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark is a hint only: names, spaces and shards are told apart though all have the same one."""
    store = SqliteStore(database)
    epochs = {shard: await store.claim(shard) for shard in (SHARD, "alerts.1")}
    monkeypatch.setattr(cells, "_thing", lambda text: 0)
    monkeypatch.setattr(cells, "_kind", lambda space, kind: 0)
    for shard, epoch in epochs.items():
        await store.commit(shard, epoch, FULL)
        assert await store.load(shard, ["a", "b", "c"]) == [b"1", b"2", None]
    before = await snapshot(store, SHARD)
    await store.commit("alerts.1", epochs["alerts.1"], Commit({"a": None, "b": b"3"}, dropped_logs=["log"]))
    assert await store.load("alerts.1", ["a", "b"]) == [None, b"3"]
    assert await snapshot(store, SHARD) == before


async def test_what_is_remembered_may_be_wrong(database: Database) -> None:
    """A writer that knows cells by heart is not misled by those that are gone, or have moved."""
    mine, theirs = SqliteStore(database), SqliteStore(database)
    epoch = await mine.claim(SHARD)
    for _ in range(2):
        await mine.commit(SHARD, epoch, Commit({"a": b"1", "b": b"1"}))
    epoch = await theirs.claim(SHARD)
    await theirs.commit(SHARD, epoch, Commit({"a": None, "b": None}))
    await theirs.commit(SHARD, epoch, Commit({"c": b"2", "b": b"2"}))
    epoch = await mine.claim(SHARD)
    await mine.commit(SHARD, epoch, Commit({"a": b"3", "b": b"4"}))
    assert await mine.load(SHARD, ["a", "b", "c"]) == [b"3", b"4", b"2"]
    assert await select(database, "SELECT count(*) FROM cells") == [(3,)]


async def test_few_cells_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer knows by heart is bounded, and forgetting does no harm."""
    monkeypatch.setattr(cells, "REMEMBERED", 3)
    store = SqliteStore(database)
    epoch = await store.claim(SHARD)
    names = [f"r{n}" for n in range(10)]
    for value in (b"1", b"2", b"3"):
        await store.commit(SHARD, epoch, Commit(dict.fromkeys(names, value)))
        assert await store.load(SHARD, names) == [value] * 10
        assert len(store._cells._ids) <= 3


@pytest.mark.parametrize("together", [1, 3])
async def test_a_full_disk_leaves_no_part_of_a_commit(database: Database, together: int) -> None:
    """When room runs out within a statement, nothing of its commit is there, nor of those beside it that failed."""
    store = SqliteStore(database)
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, FULL)
    before = await snapshot(store, SHARD)
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 60").fetchall(), StoreUnavailable)
    big = Commit({"a": b"new", **{f"r{n}": b"x" * 1000 for n in range(500)}}, {"t1": None, "r1": 5})
    commits = [store.commit(SHARD, epoch, big) for _ in range(together)]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert [type(result) for result in results] == [StorageFull] * together
    assert await snapshot(store, SHARD) == before
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchall(), StoreUnavailable)
    await store.commit(SHARD, epoch, big)
    assert await store.load(SHARD, ["a", "r499"]) == [b"new", b"x" * 1000]
