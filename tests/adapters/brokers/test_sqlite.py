"""The embedded broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.brokers.sqlite import Retention, SqliteBroker
from adapters.sqlite import Database
from domain.ports import Broker, Message
from tests.adapters.processes import last_words, process, says
from tests.contracts.broker import BrokerContract, MakeBroker, messages, numbered, take


class TestSqliteBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, tmp_path: Path) -> AsyncIterator[MakeBroker]:
        async with AsyncExitStack() as stack:

            async def make() -> Broker:
                database = await Database.open(tmp_path / "tocsin.db")
                stack.push_async_callback(database.close)
                return SqliteBroker(database)

            yield make


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "tocsin.db")
    yield database
    await database.close()


async def journal(broker: Broker, mailbox: str) -> list[int]:
    return [message.sequence async for message in broker.journal(mailbox)]


async def settle(broker: Broker, mailbox: str, count: int) -> None:
    async with broker.subscribe(mailbox) as subscription:
        await subscription.acknowledge((await take(subscription, count))[-1])


async def test_a_read_is_bounded_in_bytes(database: Database) -> None:
    """However many messages are asked for, no more than a few megabytes come at once."""
    broker = SqliteBroker(database)
    await broker.publish("alerts.0", numbered(40, body=b"x" * 300_000))
    async with broker.subscribe("alerts.0") as subscription:
        assert len(await subscription.receive(1000, 1)) == 14


async def test_the_journal_is_cut_by_size(database: Database) -> None:
    """The oldest go when the journal grows beyond its size, but none that is not acknowledged."""
    broker = SqliteBroker(database, retention=Retention(max_bytes=50_000))
    await broker.publish("alerts.0", numbered(20, body=b"x" * 10_000))
    await settle(broker, "alerts.0", 4)
    assert await journal(broker, "alerts.0") == list(range(5, 21))
    await settle(broker, "alerts.0", 15)
    assert await journal(broker, "alerts.0") == list(range(17, 21))
    assert await broker.depth("alerts.0") == 1


async def test_the_journal_is_cut_by_age(database: Database) -> None:
    """What is older than the age goes with the next acknowledgement."""
    now = 1_000_000
    broker = SqliteBroker(database, retention=Retention(max_age=1000), clock=lambda: now)
    await broker.publish("alerts.0", numbered(2))
    now += 600
    await broker.publish("alerts.0", numbered(2, start=3))
    await settle(broker, "alerts.0", 2)
    assert await journal(broker, "alerts.0") == [1, 2, 3, 4]
    now += 600
    await settle(broker, "alerts.0", 1)
    assert await journal(broker, "alerts.0") == [3, 4]


async def test_only_alerts_have_a_journal(database: Database) -> None:
    """Other mailboxes keep nothing that is acknowledged, not even an empty body."""
    broker = SqliteBroker(database)
    await broker.publish("tickets.noc", [Message("s", number, b"") for number in range(3)])
    await settle(broker, "tickets.noc", 2)
    assert await journal(broker, "tickets.noc") == [2]


async def test_mailboxes_may_have_any_name(database: Database) -> None:
    """Names that no file could have, or that differ in case only, have active readers of their own."""
    broker = SqliteBroker(database)
    names = ["tickets.noc", "tickets.NOC", "tickets.a/b", "tickets." + "x" * 300]
    async with AsyncExitStack() as stack:
        for name in names:
            subscription = await stack.enter_async_context(broker.subscribe(name))
            await broker.publish(name, numbered(1))
            assert len(await subscription.receive(10, 1)) == 1


READS = """
    async with broker.subscribe("alerts.0") as subscription:
        received = await subscription.receive(3, 10)
        await subscription.acknowledge(received[0])
        print("reading", flush=True)
        await asyncio.sleep(60)
"""


async def test_a_killed_reader_is_replaced_at_once(database: Database, tmp_path: Path) -> None:
    """When the active process is killed the standby gets what it had not acknowledged, without a time-out."""
    broker = SqliteBroker(database)
    await broker.publish("alerts.0", numbered(5))
    async with process(tmp_path / "tocsin.db", READS) as reader:
        assert await says(reader) == "reading"
        async with broker.subscribe("alerts.0") as standby:
            assert await standby.receive(10, 0.1) == []
            await last_words(reader)
            assert messages(await standby.receive(10, 5)) == numbered(4, start=2)


PUBLISHES = """
    for number in count(1):
        await broker.publish("alerts.0", [Message("p", number, b"x" * 30_000)] * 2)
        print(number, flush=True)
"""


async def test_a_killed_publisher_loses_nothing(database: Database, tmp_path: Path) -> None:
    """What was confirmed to a process before it was killed is there, each publish whole, in order."""
    broker = SqliteBroker(database)
    async with process(tmp_path / "tocsin.db", PUBLISHES) as publisher:
        assert await says(publisher) == "1"
        await asyncio.sleep(0.1)
        told = int((await last_words(publisher) or ["1"])[-1])
    sequences = await journal(broker, "alerts.0")
    assert sequences == [number for n in range(len(sequences) // 2) for number in (n + 1, n + 1)]
    assert told <= len(sequences) // 2 <= told + 1
