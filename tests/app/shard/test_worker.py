"""A worker over a real store and broker: whatever interrupts it, the next owner ends in the same state."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from app.shard.effects import NoEffects
from app.shard.worker import Worker
from correlation.handler import CorrelationHandler
from correlation.rules import CorrelationRules
from domain.alert import Alert
from domain.errors import BrokerUnavailable, Fenced, StoreUnavailable
from domain.events import encode
from domain.ports import Commit, Message, Received, StateStore
from domain.times import Millis
from routing.router import IncidentRouter
from tests.builders import MINUTE, NOON, SECOND, firing, received, resolved, routing_rules

ALERTS, TICKETS = "alerts.0", "tickets.noc"


class Ports:
    """A broker and a store, on one file."""

    def __init__(self, database: Database) -> None:
        self.broker = SqliteBroker(database)
        self.store = SqliteStore(database)
        self.acknowledged: list[int] = []

    async def acknowledge(self, last: Received) -> None:
        """Note what was acknowledged."""
        self.acknowledged.append(last.tag)

    def worker(self, store: StateStore | None = None) -> Worker:
        """A correlation shard's worker."""
        handler = CorrelationHandler(ALERTS, CorrelationRules(), IncidentRouter(routing_rules()))
        return Worker(ALERTS, handler, self.broker, store or self.store, NoEffects(), self.acknowledge)

    async def state(self) -> dict[str, Any]:
        """All that the shard keeps, but for counts of messages sent."""
        return {
            "counters": await self.store.counters(ALERTS),
            "incidents": await self.records("incidents", "incident"),
            "alerts": await self.records("alerts", "alert"),
            "due": await self.store.due(ALERTS, 1 << 50, 1000),
        }

    async def records(self, index: str, word: str) -> dict[str, bytes | None]:
        """The records that an index names."""
        names = [f"{word}:{entry.member}" for entry in await self.store.scan(ALERTS, index, limit=1000)]
        return dict(zip(names, await self.store.load(ALERTS, names), strict=True))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ports]:
    """Ports on a file in *folder*."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    database = await Database.open(folder / "t.db")
    try:
        yield Ports(database)
    finally:
        await database.close()


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    """Ports on a new file."""
    async with opened(tmp_path) as ports:
        yield ports


def message(sequence: int, *alerts: Alert, at: Millis = NOON) -> Received:
    """A message of one delivery."""
    return Received(Message("p", sequence, encode([received(*alerts, at=at)]), len(alerts)), sequence)


def story(seed: int, length: int = 60) -> list[Received]:
    """A repeatable mix of firing and resolving alerts, a few seconds apart."""
    rng = random.Random(seed)
    told = []
    for sequence in range(1, length + 1):
        name, service = rng.choice("abcdef"), rng.choice(["checkout", "cart", "search"])
        starts = NOON + rng.randrange(5) * MINUTE
        make = resolved if rng.random() < 0.4 else firing
        told.append(
            message(sequence, make(name, service=service, starts_at=starts), at=NOON + sequence * 7 * SECOND)
        )
    return told


async def work(ports: Ports, received: list[Received], size: int) -> None:
    """Have one worker settle all, in batches of *size*."""
    worker = ports.worker()
    await worker.claim(NOON)
    await settle_all(worker, received, size)


async def settle_all(worker: Worker, received: list[Received], size: int) -> None:
    """Settle all, in batches of *size*."""
    for start in range(0, len(received), size):
        await worker.settle(received[start : start + size], NOON)
    await worker.rest()


async def test_replay_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    """The same messages give the same records, counters and timers, whatever the batches were."""
    states = []
    for size in (1, 7, 60):
        async with opened(tmp_path / str(size)) as ports:
            await work(ports, story(seed=3), size)
            states.append(await ports.state())

    assert states[0] == states[1] == states[2]


async def test_journal_holds_what_a_replay_needs(ports: Ports, tmp_path: Path) -> None:
    """What the journal gives back leads a new shard to the state that the first one has."""
    told = story(seed=5)
    await ports.broker.publish(ALERTS, [each.message for each in told])
    await work(ports, told, 9)

    journal = [each async for each in ports.broker.journal(ALERTS)]
    async with opened(tmp_path / "replay") as again:
        await work(again, [Received(each, tag) for tag, each in enumerate(journal, 1)], 4)
        assert await again.state() == await ports.state()


async def test_redelivered_messages_change_nothing(ports: Ports) -> None:
    """After a crash before the acknowledgement everything comes again, and is passed over."""
    told = story(seed=1)
    await work(ports, told, 10)
    before = await ports.state()

    await work(ports, told, 13)

    assert await ports.state() == before


class Dying:
    """A store that dies at the n-th commit: before it is written, or after."""

    def __init__(self, store: SqliteStore, at: int, *, written: bool) -> None:
        self._store = store
        self._at = at
        self._written = written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, shard: str, epoch: int, commit: Commit) -> Millis | None:
        """Commit, or die."""
        self._at -= 1
        if self._at:
            return await self._store.commit(shard, epoch, commit)
        if self._written:
            await self._store.commit(shard, epoch, commit)
        raise StoreUnavailable("gone")


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("at", [1, 2, 5])
async def test_commit_of_unknown_outcome(tmp_path: Path, at: int, *, written: bool) -> None:
    """Whether or not the last commit was written, the next owner ends where it would have without the fault."""
    told = story(seed=8)
    async with opened(tmp_path / "good") as good:
        await work(good, told, 6)
        expected = await good.state()

    async with opened(tmp_path / "bad") as bad:
        worker = bad.worker(Dying(bad.store, at, written=written))
        await worker.claim(NOON)
        with pytest.raises(StoreUnavailable):
            await settle_all(worker, told, 6)
        worker.abandon()
        await work(bad, told, 6)
        assert await bad.state() == expected


async def test_zombie_is_fenced(ports: Ports) -> None:
    """An owner that was paused while another took over can write nothing any more."""
    zombie = ports.worker()
    await zombie.claim(NOON)
    await work(ports, story(seed=2), 10)
    before = await ports.state()

    await zombie.settle([message(999, firing("zombie"))], NOON)
    with pytest.raises(Fenced):
        await zombie.finish()

    assert await ports.state() == before
    assert await ports.broker.depth(TICKETS) > 0


async def test_what_was_not_published_is_said_again(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between commit and publish loses nothing: the next owner publishes the outbox."""
    worker = ports.worker()
    await worker.claim(NOON)
    with monkeypatch.context() as patch:

        async def away(mailbox: str, messages: Any) -> None:
            raise BrokerUnavailable(mailbox)

        patch.setattr(ports.broker, "publish", away)
        await worker.settle([message(1, firing())], NOON)
        with pytest.raises(BrokerUnavailable):
            await worker.finish()
    assert await ports.broker.depth(TICKETS) == 0

    await ports.worker().claim(NOON)

    assert await ports.broker.depth(TICKETS) == 1
    assert await ports.store.outbox(ALERTS, 10) == []


async def test_acknowledged_after_the_commit(ports: Ports) -> None:
    """A message is acknowledged only once what it led to is written."""
    worker = ports.worker()
    await worker.claim(NOON)

    await worker.settle([message(1, firing())], NOON)
    assert ports.acknowledged == []
    await worker.rest()

    assert ports.acknowledged == [1]
    assert (await ports.store.counters(ALERTS))["outcome.opened"] == 1


async def test_forgets_and_reads_again(ports: Ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that may remember almost nothing decides the same: what it forgets it reads again."""
    told = story(seed=4)
    await work(ports, told, 5)

    monkeypatch.setattr("app.shard.worker.KNOWN_AT_MOST", 3)
    async with opened(tmp_path / "forgetful") as forgetful:
        await work(forgetful, told, 5)
        assert await forgetful.state() == await ports.state()
