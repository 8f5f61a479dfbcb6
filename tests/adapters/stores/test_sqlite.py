"""The embedded store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from domain.errors import StoreUnavailable
from domain.ports import Entry, Message, StateStore, Timer
from tests.adapters.processes import last_words, process, says
from tests.contracts.store import MakeStore, StoreContract


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
