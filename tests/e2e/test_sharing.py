"""Two processes of one role share the partitions; when one goes, however it goes, the other has all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.audit import audit
from tests.chaos.load import Load
from tests.e2e import serve
from tests.e2e.alerts import example
from tests.e2e.conftest import forget_mailboxes
from tests.e2e.serve import Serve, eventually
from tests.e2e.sink import Sink
from tests.services.rabbitmq import RabbitMQ

PARTITIONS = {f"alerts.{n}" for n in range(4)}
SHARED_WITHIN = 30.0
"""A tenure, two looks, and a machine that is busy with other tests."""
TAKEN_WITHIN = 15.0


async def worked_by(process: Serve) -> set[str]:
    """Which partitions a process says that it works."""
    async with aiohttp.ClientSession() as http, http.get(f"{process.url}/metrics") as reply:
        families = text_string_to_metric_families(await reply.text())
    samples = [sample for family in families for sample in family.samples]
    return {each.labels["shard"] for each in samples if each.name == "tocsin_shard_worked" and each.value}


async def test_two_processes_share_partitions(
    tmp_path: Path, rabbitmq: RabbitMQ, redis_db: str, sink: Sink
) -> None:
    """Who comes gets its half under load, who is killed loses it, and nothing is lost or doubled."""
    await forget_mailboxes(rabbitmq.url)
    env = {"TOCSIN_BROKER": rabbitmq.url, "TOCSIN_STORE": redis_db}
    config = example(sink.url, "min_interval: 100ms").replace(
        "correlation:\n", "correlation:\n  partitions: 4\n  partition_by: [service]\n"
    )
    async with serve.tocsin(tmp_path, config, env, (*serve.SPLIT, ("correlate",))) as tocsin:
        load = Load(tocsin.post, seed=1)
        first, second = tocsin.with_role("correlate")
        await asyncio.gather(*(each.start() for each in tocsin.processes if each is not second))
        await eventually(lambda: _works(first, PARTITIONS))
        await second.start()
        async with load.posting():
            await eventually(lambda: _share(first, second), SHARED_WITHIN)
            await first.kill9()
            await eventually(lambda: _works(second, PARTITIONS), TAKEN_WITHIN)
        await audit(tocsin, sink, load)


async def _works(process: Serve, expected: set[str]) -> None:
    assert await worked_by(process) == expected


async def _share(first: Serve, second: Serve) -> None:
    ours, theirs = await worked_by(first), await worked_by(second)
    assert (len(ours), len(theirs), ours | theirs) == (2, 2, PARTITIONS)
