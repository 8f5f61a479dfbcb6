"""The servers of the tests do what the crash tests rely on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aio_pika
import psutil
import pytest
import redis.asyncio as aioredis
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.services.rabbitmq import RabbitMQ
from tests.services.redis import Redis

if TYPE_CHECKING:
    from pamqp.common import FieldTable

ROOT = Path(__file__).parents[2]
QUORUM: FieldTable = {"x-queue-type": "quorum"}


async def test_a_confirmed_message_survives_kill_9_of_rabbitmq(own_rabbitmq: RabbitMQ) -> None:
    await _declare(own_rabbitmq.url, "durable")
    await asyncio.to_thread(own_rabbitmq.wait_until_durable, "durable")
    await _publish(own_rabbitmq.url, "durable", b"first")
    own_rabbitmq.kill9()
    own_rabbitmq.start()

    assert await _get(own_rabbitmq.url, "durable") == b"first"


async def test_rabbitmq_can_be_stopped_in_order_and_started_again(own_rabbitmq: RabbitMQ) -> None:
    await _publish(own_rabbitmq.url, "durable", b"first")
    own_rabbitmq.stop()
    own_rabbitmq.start()

    assert await _get(own_rabbitmq.url, "durable") == b"first"


async def test_a_paused_rabbitmq_answers_nothing_and_then_goes_on(own_rabbitmq: RabbitMQ) -> None:
    own_rabbitmq.pause()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_publish(own_rabbitmq.url, "q", b"late"), 0.5)
    own_rabbitmq.resume()
    await _publish(own_rabbitmq.url, "q", b"now")

    assert await _get(own_rabbitmq.url, "q") == b"now"


async def test_the_shared_rabbitmq_keeps_tests_apart_by_prefix(rabbitmq: RabbitMQ, queue_prefix: str) -> None:
    await _publish(rabbitmq.url, f"{queue_prefix}alerts", b"mine")

    assert await _get(rabbitmq.url, f"{queue_prefix}alerts") == b"mine"


async def test_what_redis_acknowledged_survives_kill_9(own_redis: Redis) -> None:
    async with aioredis.from_url(own_redis.url) as client:
        await client.set("incident", "open")
    own_redis.kill9()
    own_redis.start()

    async with aioredis.from_url(own_redis.url) as client:
        assert await client.get("incident") == b"open"


async def test_a_paused_redis_answers_nothing_and_can_still_be_stopped(own_redis: Redis) -> None:
    own_redis.pause()
    async with aioredis.from_url(own_redis.url, socket_timeout=0.2, retry=None) as client:
        with pytest.raises(RedisTimeoutError):
            await client.ping()
    own_redis.stop()

    assert not own_redis.running()


@pytest.mark.parametrize("attempt", [1, 2])
async def test_the_shared_redis_is_given_empty(redis_db: str, attempt: int) -> None:
    async with aioredis.from_url(redis_db) as client:
        assert await client.dbsize() == 0
        await client.set("left over", attempt)


def test_redis_takes_the_fsync_policy_it_is_told(tmp_path: Path) -> None:
    with Redis(tmp_path, appendfsync="always") as server:
        answer = subprocess.run(
            ["redis-cli", "-p", str(server.port), "config", "get", "appendfsync"],
            capture_output=True,
            text=True,
            check=True,
        )

    assert answer.stdout.split() == ["appendfsync", "always"]


@pytest.mark.services
@pytest.mark.parametrize("kind", [Redis, RabbitMQ])
def test_nothing_is_left_when_the_test_run_itself_is_killed(kind: type, tmp_path: Path) -> None:
    run = textwrap.dedent(f"""
        import os, pathlib
        from {kind.__module__} import {kind.__name__} as Server
        Server(pathlib.Path({str(tmp_path / "data")!r})).start()
        os.kill(os.getpid(), 9)
    """)
    subprocess.run([sys.executable, "-c", run], check=False, cwd=ROOT, timeout=60)

    _until(lambda: not _mentioning(str(tmp_path / "data")))


def _mentioning(text: str) -> list[str]:
    """Return the command lines and environments that mention *text*: whatever the server left behind."""
    left = []
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        told = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        if any(text in word for word in told) and process.info["status"] != psutil.STATUS_ZOMBIE:
            left.append(str(process))
    return left


def _until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


async def _declare(url: str, queue: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(queue, durable=True, arguments=QUORUM)


async def _publish(url: str, queue: str, body: bytes) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue(queue, durable=True, arguments=QUORUM)
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=queue)


async def _get(url: str, queue: str) -> bytes:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, durable=True, arguments=QUORUM)
        message = await declared.get(timeout=10)
        await message.ack()
        return message.body
