"""kill -9 at random moments under load, many times; then the books must balance to the alert.

``TOCSIN_SEED=n`` repeats the choices of a run that failed (a run prints its seed), ``TOCSIN_TRIALS=n`` kills n times.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.chaos.audit import audit
from tests.chaos.load import Load
from tests.e2e import serve
from tests.e2e.alerts import example
from tests.e2e.serve import eventually
from tests.e2e.sink import DONE_BUT_DROPPED, DROPPED, FINE, Sink, always, refusing, sometimes
from tests.services.rabbitmq import RabbitMQ
from tests.services.redis import Redis
from tests.services.server import Server

SEED = int(os.environ.get("TOCSIN_SEED") or SystemRandom().randrange(1 << 32))
TRIALS = int(os.environ.get("TOCSIN_TRIALS") or 0)
EMBEDDED_TRIALS = TRIALS or 15
SCALE_OUT_TRIALS = TRIALS or 9
WITH_A_STANDBY = (*serve.SPLIT, ("correlate", "deliver"))

OPTIONS = "min_interval: 100ms, timeout: 5s"
A_BAD_DAY = (DONE_BUT_DROPPED, DONE_BUT_DROPPED, DROPPED, refusing(500))
SHARE = 0.15

pytestmark = [pytest.mark.slow]


@asynccontextmanager
async def under_load(tocsin: serve.Tocsin, sink: Sink, dice: Random) -> AsyncIterator[Load]:
    """Post from the start to the end of the block, to a tool that has a bad day; then all must be well."""
    sink.mood = sometimes(Random(dice.random()), SHARE, *A_BAD_DAY)
    load = Load(tocsin.post, dice.randrange(1 << 32))
    async with load.posting():
        yield load
    sink.mood = always(FINE)
    await audit(tocsin, sink, load)
    print(f"{load.answered} alerts answered, {load.doubtful} doubtful, {len(sink.creates)} tickets")


@pytest.mark.timeout(120 + 8 * EMBEDDED_TRIALS)
async def test_embedded_loses_and_doubles_nothing(tmp_path: Path, sink: Sink):
    """One process is killed over and over, now and then while it starts, which takes about a second."""
    print(f"TOCSIN_SEED={SEED}")
    dice = Random(SEED)
    async with serve.tocsin(tmp_path, example(sink.url, OPTIONS), {}) as tocsin:
        await tocsin.start()
        async with under_load(tocsin, sink, dice) as load:
            for load.season in range(EMBEDDED_TRIALS):
                await asyncio.sleep(dice.uniform(0.3, 3))
                await tocsin.kill9()
                await tocsin.processes[0].launch()
            await tocsin.kill9()
            await tocsin.start()


class Victims:
    """All that can be killed in scale-out: our processes and the two services."""

    def __init__(self, tocsin: serve.Tocsin, services: dict[str, Server]) -> None:
        self._processes = {each.name: each for each in tocsin.processes}
        self._services = services

    def chosen(self, dice: Random, trials: int) -> list[list[str]]:
        """Say who dies when: each alone at least once if there are trials enough, and some together."""
        names = [*self._processes, *self._services]
        together = [list(self._processes), list(self._services), names]
        rounds = [[name] for name in names] + together
        return [each for _ in range(trials // len(rounds) + 1) for each in dice.sample(rounds, len(rounds))][
            :trials
        ]

    async def kill9(self, names: list[str]) -> None:
        """Kill them, at about the same moment."""
        for name in names:
            if name in self._services:
                await asyncio.to_thread(self._services[name].kill9)
            else:
                await self._processes[name].kill9()

    async def start(self, names: list[str]) -> None:
        """Start them again, at the same time; whoever comes first has to wait for the others."""
        await asyncio.gather(
            *(
                asyncio.to_thread(self._services[name].start)
                if name in self._services
                else self._processes[name].start()
                for name in names
            )
        )


@pytest.fixture
def careful_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that never answers before the disk has it.

    With ``everysec`` it may put off even the write, not only the fsync, for up to two seconds while an fsync is
    under way, so a kill -9 of Redis alone can lose what it has answered.
    """
    with Redis(tmp_path / "redis", appendfsync="always") as server:
        yield server
        server.kill9()


async def journals_are_durable(rabbitmq: RabbitMQ) -> None:
    """Look whether streams will survive kill -9 of RabbitMQ 3.10.

    What coordinates them begins with the first stream, and its name is on disk half a second later, in a file
    apart from that of the quorum queues. Killed before, the stream is "down or inaccessible" for ever.
    """
    files = [file.read_bytes() for file in rabbitmq.folder.rglob("coordination/**/names.dets")]
    assert any(b"rabbit_stream_coordinator" in file for file in files)


@pytest.mark.timeout(180 + 15 * SCALE_OUT_TRIALS)
async def test_scale_out_loses_and_doubles_nothing(
    tmp_path: Path, sink: Sink, own_rabbitmq: RabbitMQ, careful_redis: Redis
):
    """The three roles, a standby, RabbitMQ and Redis are killed over and over, alone and together."""
    print(f"TOCSIN_SEED={SEED}")
    dice = Random(SEED)
    env = {"TOCSIN_BROKER": own_rabbitmq.url, "TOCSIN_STORE": careful_redis.url}
    async with serve.tocsin(tmp_path, example(sink.url, OPTIONS), env, WITH_A_STANDBY) as tocsin:
        await tocsin.start()
        await asyncio.to_thread(own_rabbitmq.wait_until_durable, "alerts.0", "tickets.noc")
        await eventually(lambda: journals_are_durable(own_rabbitmq))
        victims = Victims(tocsin, {"rabbitmq": own_rabbitmq, "redis": careful_redis})
        async with under_load(tocsin, sink, dice) as load:
            for load.season, names in enumerate(victims.chosen(dice, SCALE_OUT_TRIALS)):
                await asyncio.sleep(dice.uniform(0.2, 2.5))
                await victims.kill9(names)
                await asyncio.sleep(dice.uniform(0, 1))
                await victims.start(names)
