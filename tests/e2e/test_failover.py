"""Two processes for each role: when the one that works dies, the other has taken over within ten seconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.chaos.audit import audit
from tests.chaos.load import Load
from tests.e2e import serve
from tests.e2e.alerts import example, firing
from tests.e2e.conftest import forget_mailboxes
from tests.e2e.looks import settled
from tests.e2e.serve import eventually
from tests.e2e.sink import Sink
from tests.services.rabbitmq import RabbitMQ

TAKES_OVER_WITHIN = 10.0


@pytest.fixture
async def env(rabbitmq: RabbitMQ, redis_db: str) -> dict[str, str]:
    """The address of services that know nothing of an earlier test."""
    await forget_mailboxes(rabbitmq.url)
    return {"TOCSIN_BROKER": rabbitmq.url, "TOCSIN_STORE": redis_db}


@pytest.fixture
def config(sink: Sink) -> str:
    """The example, with a service of which nothing is heard until a P1 is needed."""
    services = "services:\n  billing: {criticality: critical, team: billing}\n"
    return example(sink.url, "min_interval: 100ms").replace("services:\n", services)


@pytest.mark.parametrize("role", ["correlate", "deliver"])
async def test_a_standby_takes_over(tmp_path: Path, env: dict[str, str], config: str, sink: Sink, role: str):
    """The owner is killed under load: a P1 posted then has its ticket in time, and nothing is lost or doubled."""
    async with serve.tocsin(tmp_path, config, env, (*serve.SPLIT, (role,))) as tocsin:
        load = Load(tocsin.post, seed=1)
        owner, standby = tocsin.with_role(role)
        await asyncio.gather(*(each.start() for each in tocsin.processes if each is not standby))
        await load.tell(firing("checkout", "warm-up"))
        await settled(tocsin, 1)  # so *owner* works the shard, and whoever starts now stands by
        await standby.start()
        async with load.posting():
            await load.has_answered(100)
            await owner.kill9()
            assert await _seconds_to_ticket(load, sink) < TAKES_OVER_WITHIN
        await audit(tocsin, sink, load)


async def _seconds_to_ticket(load: Load, sink: Sink) -> float:
    began = time.monotonic()
    await load.tell(firing("billing", "urgent"))

    async def check() -> float:
        assert "billing" in {shown["ticket"]["service"] for shown in sink.tickets.values()}
        return time.monotonic() - began

    return await eventually(check)


async def test_ingest_goes_on_through_the_other_process(
    tmp_path: Path, env: dict[str, str], config: str, sink: Sink
):
    """A sender that goes to the next address when one is gone loses nothing."""
    async with serve.tocsin(tmp_path, config, env, (*serve.SPLIT, ("ingest",))) as tocsin:
        await tocsin.start()
        load = Load(lambda alerts: tocsin.post(alerts, via=0 if tocsin.processes[0].runs else 1), seed=1)
        async with load.posting():
            await load.has_answered(100)
            await tocsin.processes[0].kill9()
            await load.has_answered(load.answered + 100)
        await audit(tocsin, sink, load)
