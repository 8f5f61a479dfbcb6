"""While the broker is away alerts wait on disk, and leave in their order when it is back."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.errors import BrokerUnavailable, StorageFull
from domain.events import AlertsReceived, encode
from domain.ports import Message
from ingest import spool as module
from ingest.spool import Spool
from ingest.spool_file import OVERHEAD, SpoolFile
from tests.ingest.fakes import FakeBroker, until

BIG = 1 << 20


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY", 0.005)


@pytest.fixture
async def broker():
    return FakeBroker()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.sqlite"


@asynccontextmanager
async def opened(
    broker: FakeBroker, path: Path, max_size: int = BIG, patience: float = 5.0
) -> AsyncIterator[Spool]:
    spool = await Spool.open(broker, path, max_size, patience=patience, longest_retry=0.01)
    try:
        yield spool
    finally:
        await spool.close()


def message(sequence: int, producer: str = "p", size: int = 0) -> Message:
    return Message(producer, sequence, encode([AlertsReceived("x" * size, sequence, [])]), 1)


def numbers(broker: FakeBroker, mailbox: str = "alerts.0") -> list[int]:
    return [each.sequence for each in broker.distinct(mailbox)]


async def test_a_present_broker_is_used_directly(broker, path):
    async with opened(broker, path) as spool:
        await spool.publish("alerts.0", [message(1), message(2)])
        assert numbers(broker) == [1, 2]
        assert spool.spooled == 0


async def test_order_is_kept_over_an_outage(broker, path):
    async with opened(broker, path) as spool:
        await spool.publish("alerts.0", [message(1)])
        broker.down = True
        for n in (2, 3, 4):
            await spool.publish("alerts.0", [message(n)])
        assert spool.depth == 3
        assert numbers(broker) == [1]
        broker.down = False
        await spool.publish("alerts.0", [message(5)])
        await until(lambda: not spool.depth)
        await spool.publish("alerts.0", [message(6)])
        assert numbers(broker) == [1, 2, 3, 4, 5, 6]
        assert spool.size == 0


async def test_what_may_be_in_is_spooled_under_the_same_name(broker, path):
    async with opened(broker, path) as spool:
        broker.outcomes_lost = 1
        await spool.publish("alerts.0", [message(1), message(2)])
        await spool.publish("alerts.0", [message(3)])
        await until(lambda: not spool.depth)
        assert numbers(broker) == [1, 2, 3]
        assert len(broker.boxes["alerts.0"]) == 5


async def test_no_confirm_in_time_counts_as_away(broker, path):
    async with opened(broker, path, patience=0.02) as spool:
        broker.open.clear()
        await spool.publish("alerts.0", [message(1)])
        assert spool.depth == 1
        broker.open.set()
        await until(lambda: not spool.depth)
        assert numbers(broker) == [1]


async def test_a_restart_finds_everything_and_sends_it_first(broker, path):
    broker.down = True
    async with opened(broker, path) as spool:
        await spool.publish("alerts.0", [message(1, "old"), message(2, "old")])
        await spool.publish("alerts.1", [message(1, "old")])
    broker.down = False
    async with opened(broker, path) as spool:
        assert spool.depth == 3
        await spool.publish("alerts.0", [message(1, "new")])
        await until(lambda: not spool.depth)
    assert [(each.producer, each.sequence) for each in broker.boxes["alerts.0"]] == [
        ("old", 1),
        ("old", 2),
        ("new", 1),
    ]
    assert numbers(broker, "alerts.1") == [1]


async def test_full_spool_refuses_all_or_nothing(broker, path):
    room = 3 * (len(message(1).body) + OVERHEAD)
    async with opened(broker, path, max_size=room) as spool:
        broker.down = True
        await spool.publish("alerts.0", [message(1), message(2)])
        with pytest.raises(StorageFull) as caught:
            await spool.publish("alerts.0", [message(3), message(4)])
        assert caught.value.retry_after > 0
        await spool.publish("alerts.0", [message(3)])
        broker.down = False
        await until(lambda: not spool.depth)
        assert numbers(broker) == [1, 2, 3]


async def test_no_room_for_what_may_be_in_leaves_it_unknown(broker, path):
    async with opened(broker, path, max_size=1) as spool:
        broker.outcomes_lost = 1
        with pytest.raises(BrokerUnavailable):
            await spool.publish("alerts.0", [message(1)])


async def test_a_full_broker_is_the_senders_to_know(broker, path):
    async with opened(broker, path) as spool:
        broker.full = True
        with pytest.raises(StorageFull):
            await spool.publish("alerts.0", [message(1)])
        assert spool.depth == 0


async def test_it_runs_empty_under_constant_load(broker, path):
    async with opened(broker, path) as spool:
        broker.down = True
        await spool.publish("alerts.0", [message(1)])
        broker.down = False
        for n in range(2, 200):
            await spool.publish("alerts.0", [message(n)])
        assert spool.depth == 0
        assert spool.spooled < 150
        assert numbers(broker) == list(range(1, 200))


async def test_mailboxes_side_by_side_keep_their_order(broker, path):
    async def feed(spool: Spool, mailbox: str) -> None:
        for n in range(1, 60):
            await spool.publish(mailbox, [message(n)])

    async def flap() -> None:
        for _ in range(12):
            broker.down = not broker.down
            broker.outcomes_lost = 1
            await asyncio.sleep(0.004)
        broker.down, broker.outcomes_lost = False, 0

    async with opened(broker, path) as spool:
        await asyncio.gather(flap(), *(feed(spool, f"alerts.{n}") for n in range(3)))
        await until(lambda: not spool.depth)
        for n in range(3):
            assert numbers(broker, f"alerts.{n}") == list(range(1, 60))


async def test_a_broker_that_goes_away_again_while_catching_up(broker, path):
    async with opened(broker, path) as spool:
        broker.down = True
        await spool.publish("alerts.0", [message(1)])
        broker.down, broker.outcomes_lost = False, 1
        waiting = asyncio.create_task(spool.publish("alerts.0", [message(2)]))
        await until(lambda: broker.boxes["alerts.0"])
        await waiting
        await until(lambda: not spool.depth)
        assert numbers(broker) == [1, 2]


async def test_two_processes_cannot_share_a_file(broker, path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **kwargs: connect(*args, **(kwargs | {"timeout": 0.01}))
    )
    async with opened(broker, path):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await Spool.open(broker, path, BIG)


def test_what_waits_is_for_its_owner_alone(path):
    """Nobody else on the machine may read the file, nor what SQLite puts beside it."""
    file = SpoolFile.open(path, BIG)
    file.append("alerts.0", [message(1)])
    open_to_others = {each.name: each.stat().st_mode & 0o077 for each in path.parent.iterdir()}
    assert open_to_others == {path.name: 0, f"{path.name}-wal": 0}
    file.close()


async def test_close_twice_is_safe(broker, path):
    spool = await Spool.open(broker, path, BIG)
    await spool.close()
    await spool.close()


def test_a_disk_that_cannot_be_written_is_full(path):
    file = SpoolFile.open(path, BIG)
    file._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageFull, match="cannot be written"):
        file.append("alerts.0", [message(1)])
    assert file.rows == 0
    file._connection.execute("PRAGMA query_only = OFF")
    file.append("alerts.0", [message(1)])
    file.close()


def test_batches_are_bounded_but_never_empty(path):
    file = SpoolFile.open(path, 64 * BIG)
    file.append("alerts.0", [message(1, size=9 * BIG), message(2, size=9 * BIG)])
    assert [row.message.sequence for row in file.oldest()] == [1]
    file.remove(file.oldest())
    assert [row.message.sequence for row in file.oldest()] == [2]
    file.close()
    again = SpoolFile.open(path, 64 * BIG)
    assert again.rows == 1
    assert again.size == file.size
    again.close()
