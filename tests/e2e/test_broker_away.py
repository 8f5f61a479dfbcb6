"""RabbitMQ is away: senders do not notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e import serve
from tests.e2e.alerts import example, firing, minutes_ago, resolved
from tests.e2e.looks import outcomes, settled
from tests.e2e.sink import Sink
from tests.services.rabbitmq import RabbitMQ

EPISODES = 20


async def test_alerts_wait_in_the_spool_and_leave_in_order(
    tmp_path: Path, sink: Sink, own_rabbitmq: RabbitMQ, redis_db: str
):
    """Posts get 202 all the same, also after a restart; when RabbitMQ is back, all is told in its old order."""
    env = {"TOCSIN_BROKER": own_rabbitmq.url, "TOCSIN_STORE": redis_db}
    async with serve.tocsin(tmp_path, example(sink.url), env, serve.SPLIT) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        await settled(tocsin, 1)
        await asyncio.to_thread(own_rabbitmq.stop)
        await _post_episodes(tocsin, range(EPISODES, EPISODES // 2, -1))
        [ingest] = tocsin.with_role("ingest")
        await ingest.kill9()
        await ingest.start()
        await _post_episodes(tocsin, range(EPISODES // 2, 0, -1))
        assert (await tocsin.stats())["spooled"] > 0
        await asyncio.to_thread(own_rabbitmq.start)
        stats = await settled(tocsin, 1 + 2 * EPISODES)
    assert outcomes(stats) == {"opened": 1, "joined": EPISODES, "resolved": EPISODES}
    assert list(sink.creates.values()) == [1]


async def _post_episodes(tocsin: serve.Tocsin, minutes: range) -> None:
    """Let one alert fire and end again and again: any other order than this would show in the outcomes."""
    for ago in minutes:
        alert = firing("checkout", "flapping", starts_at=minutes_ago(ago))
        for each in (alert, resolved(alert)):
            answer = await tocsin.post([each])
            assert answer.status == 202
