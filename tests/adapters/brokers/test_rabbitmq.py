"""RabbitMQ as the broker: the contract, and what is RabbitMQ's own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable
from inspect import isclass
from uuid import uuid4

import aio_pika
import aio_pika.exceptions
import aiormq.exceptions
import pamqp.exceptions
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from adapters.brokers.amqp import SCHEMA, unavailable
from adapters.brokers.rabbitmq import RabbitBroker
from domain.errors import BrokerUnavailable, StorageFull
from domain.ports import Message
from tests.contracts.broker import PATIENCE, BrokerContract, MakeBroker, becomes, messages, numbered, take
from tests.services.rabbitmq import RabbitMQ, binary

PREFETCH = 10_000
"""The contract takes thousands of messages in hand, as no shard would."""

# All that aio-pika and what it stands on can raise. A bare Exception is what aiormq gives to those who wait
# when the broker hangs up.
THEIRS = {
    *(
        kind
        for module in (aio_pika.exceptions, aiormq.exceptions, pamqp.exceptions)
        for kind in vars(module).values()
        if isclass(kind) and issubclass(kind, Exception)
    ),
    TimeoutError,
    OSError,
    ConnectionResetError,
    BrokenPipeError,
    socket.gaierror,
    ssl.SSLError,
    asyncio.IncompleteReadError,
    RuntimeError,
    Exception,
}


@pytest.fixture
async def make_broker(rabbitmq: RabbitMQ) -> AsyncIterator[MakeBroker]:
    brokers: list[RabbitBroker] = []

    async def make() -> RabbitBroker:
        brokers.append(RabbitBroker(rabbitmq.url, prefetch=PREFETCH, settle=0))
        return brokers[-1]

    yield make
    for broker in brokers:
        await broker.close()


class TestRabbitBroker(BrokerContract):
    """The contract on a real RabbitMQ."""

    @pytest.fixture
    async def make_broker(self, make_broker: MakeBroker) -> MakeBroker:
        return make_broker


@pytest.fixture
async def broker(rabbitmq: RabbitMQ) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(rabbitmq.url, settle=0)
    yield broker
    await broker.close()


@pytest.fixture
async def fragile(own_rabbitmq: RabbitMQ) -> AsyncIterator[RabbitBroker]:
    """A broker on a RabbitMQ that the test may do anything to."""
    broker = RabbitBroker(own_rabbitmq.url, timeout=3.0)
    yield broker
    await broker.close()


@pytest.fixture
async def channel(rabbitmq: RabbitMQ) -> AsyncIterator[AbstractChannel]:
    """A stranger's channel."""
    async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
        yield channel


@pytest.fixture
def tickets() -> str:
    return f"tickets.{uuid4().hex}"


async def test_messages_survive_kill_9_of_rabbitmq(own_rabbitmq: RabbitMQ, fragile: RabbitBroker) -> None:
    """Readers and publishers are told at once; after the restart all is there, in order, journal too."""
    await fragile.publish("alerts.0", numbered(5))
    async with fragile.subscribe("alerts.0") as subscription:
        await subscription.acknowledge((await take(subscription, 5))[0])
        waiting = asyncio.create_task(subscription.receive(10, 60))
        await asyncio.sleep(0.2)
        own_rabbitmq.kill9()
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            await waiting
        with pytest.raises(BrokerUnavailable):
            await fragile.publish("alerts.0", numbered(1, start=6))
        assert time.monotonic() - started < 3
    own_rabbitmq.start()
    await publish_again(fragile, "alerts.0", numbered(1, start=6))
    async with fragile.subscribe("alerts.0") as subscription:
        assert messages(await take(subscription, 5)) == numbered(5, start=2)
    assert [message async for message in fragile.journal("alerts.0")] == numbered(6)


async def test_whoever_uses_a_mailbox_first_waits_until_it_is_settled(
    rabbitmq: RabbitMQ, tickets: str
) -> None:
    """Another process may have made it a moment ago; each waits, and each but once."""
    for broker in (RabbitBroker(rabbitmq.url, settle=0.3), RabbitBroker(rabbitmq.url, settle=0.3)):
        took = [await seconds(broker.publish(tickets, numbered(1))) for _ in range(2)]
        assert took[0] >= 0.3 > took[1]
        await broker.close()


async def seconds(call: Awaitable[object]) -> float:
    started = time.monotonic()
    await call
    return time.monotonic() - started


async def publish_again(broker: RabbitBroker, mailbox: str, lot: list[Message]) -> None:
    """Publish as callers do: for a moment after its start, RabbitMQ calls a stream inaccessible."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await broker.publish(mailbox, lot)
        except BrokerUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_a_frozen_rabbitmq_is_unavailable_in_time(
    own_rabbitmq: RabbitMQ, fragile: RabbitBroker
) -> None:
    """No call hangs while RabbitMQ does not answer, and all goes on when it does again."""
    await fragile.publish("tickets.x", numbered(1))
    own_rabbitmq.pause()
    started = time.monotonic()
    for attempt in (
        fragile.publish("tickets.x", numbered(1, start=2)),
        fragile.ping(),
        fragile.depth("tickets.x"),
    ):
        with pytest.raises(BrokerUnavailable):
            await attempt
    assert time.monotonic() - started < 15
    own_rabbitmq.resume()
    await fragile.publish("tickets.x", numbered(1, start=3))
    async with fragile.subscribe("tickets.x") as subscription:
        received = messages(await take(subscription, 3))
    # The second was on its way; whether it arrived was not known.
    assert received in (numbered(3), [*numbered(1), *numbered(1, start=3)])


async def test_a_memory_alarm_stops_publishing_only(own_rabbitmq: RabbitMQ, fragile: RabbitBroker) -> None:
    """While RabbitMQ blocks publishers, publishing fails in time, reading and acknowledging go on."""
    await fragile.publish("tickets.x", numbered(3))
    async with fragile.subscribe("tickets.x") as subscription:
        received = await take(subscription, 2)
        rabbitmqctl(own_rabbitmq, "set_vm_memory_high_watermark", "0.000001")
        with pytest.raises(BrokerUnavailable, match="TimeoutError"):
            await fragile.publish("tickets.x", numbered(1, start=4))
        with pytest.raises(BrokerUnavailable):
            await fragile.publish("tickets.x", numbered(1, start=4))
        await subscription.acknowledge(received[-1])
        received = await take(subscription, 1)
        rabbitmqctl(own_rabbitmq, "set_vm_memory_high_watermark", "0.9")
        await fragile.publish("tickets.x", numbered(1, start=5))
        received += await take(subscription, 2)
    # The first attempt was on its way when the alarm rang; the second was not even sent.
    assert messages(received) == numbered(3, start=3)


def rabbitmqctl(server: RabbitMQ, *command: str) -> None:
    tool = os.path.join(os.path.dirname(binary()), "rabbitmqctl")  # noqa: PTH118, PTH120 -- beside the server's script
    env = {**os.environ, **(server._envvars or {})}
    subprocess.run([tool, *command], env=env, check=True, capture_output=True, timeout=60)


async def test_a_deleted_mailbox_is_made_again(
    broker: RabbitBroker, tickets: str, channel: AbstractChannel
) -> None:
    """Its reader is told; what no queue takes is refused, and accepted at the next attempt."""
    await broker.publish(tickets, numbered(1))
    async with broker.subscribe(tickets) as subscription:
        await take(subscription, 1)
        await channel.queue_delete(tickets)
        with pytest.raises(BrokerUnavailable, match="its queue was deleted"):
            await subscription.receive(10, PATIENCE)
    with pytest.raises(BrokerUnavailable, match="NO_ROUTE"):
        await broker.publish(tickets, numbered(2, start=2))
    await broker.publish(tickets, numbered(2, start=2))
    async with broker.subscribe(tickets) as subscription:
        assert messages(await take(subscription, 2)) == numbered(2, start=2)


async def test_what_the_broker_takes_out_is_kept(
    broker: RabbitBroker, tickets: str, channel: AbstractChannel
) -> None:
    """A message that is rejected, or delivered too often, waits in the queue of dead letters."""
    await broker.publish(tickets, numbered(1))
    rejected = await taken_by_a_stranger(channel, tickets)
    await rejected.reject(requeue=False)
    assert await becomes(lambda: broker.depth(f"{tickets}.dead"), 1)
    assert await broker.depth(tickets) == 0


async def test_the_envelope_tells_what_is_inside(
    broker: RabbitBroker, tickets: str, channel: AbstractChannel
) -> None:
    """Whoever looks at a queue sees who sent what, and that it is kept on disk."""
    await broker.publish(tickets, [Message("ingest-1", 7, b"\x90", 20)])
    seen = await taken_by_a_stranger(channel, tickets)
    await seen.ack()
    assert seen.headers == {"schema": SCHEMA, "producer": "ingest-1", "sequence": 7, "alerts": 20}
    assert (seen.message_id or "").startswith("ingest-1-7-")
    assert seen.content_type == "application/vnd.msgpack"
    assert seen.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def taken_by_a_stranger(channel: AbstractChannel, mailbox: str) -> AbstractIncomingMessage:
    queue = await channel.get_queue(mailbox)
    async with queue.iterator(timeout=10) as iterator:
        return await anext(iterator)


@pytest.mark.parametrize("headers", [{}, {"producer": 5, "sequence": "x", "alerts": None}], ids=repr)
async def test_a_strangers_message_is_received(
    broker: RabbitBroker, tickets: str, channel: AbstractChannel, headers: dict[str, object]
) -> None:
    """A message that did not come from Tocsin stops nobody: it is handed on for the core to judge."""
    await broker.publish(tickets, numbered(1))
    exchange = await channel.get_exchange("tocsin")
    await exchange.publish(aio_pika.Message(b"hello", headers=dict(headers)), tickets)  # type: ignore[arg-type]
    async with broker.subscribe(tickets) as subscription:
        received = messages(await take(subscription, 2))
    assert received[1] in (Message("", 0, b"hello"), Message("", 0, b"hello", 0))


async def test_the_prefetch_bounds_what_is_in_hand(rabbitmq: RabbitMQ, tickets: str) -> None:
    """A subscription is not sent more than it may hold; acknowledging makes room."""
    broker = RabbitBroker(rabbitmq.url, prefetch=3, settle=0)
    await broker.publish(tickets, numbered(5))
    async with broker.subscribe(tickets) as subscription:
        received = await take(subscription, 3)
        assert await subscription.receive(10, 0.2) == []
        await subscription.acknowledge(received[-1])
        assert messages(await take(subscription, 2)) == numbered(2, start=4)
    await broker.close()


async def test_credentials_are_never_told(rabbitmq: RabbitMQ) -> None:
    """Neither the error nor repr has user or password."""
    broker = RabbitBroker(rabbitmq.url.replace("guest:guest", "joan:hunter2"))
    with pytest.raises(BrokerUnavailable) as caught:
        await broker.ping()
    told = f"{caught.value} {caught.value.__cause__!r} {broker!r}"
    assert "joan" not in told
    assert "hunter2" not in told
    assert repr(broker) == f"RabbitBroker(127.0.0.1:{rabbitmq.port})"


async def test_where_nobody_listens() -> None:
    """A refused connection is told at once, by whatever is called."""
    broker = RabbitBroker("amqp://127.0.0.1:1/")
    for attempt in (broker.publish("alerts.0", numbered(1)), broker.ping(), broker.depth("alerts.0")):
        with pytest.raises(BrokerUnavailable):
            await attempt
    with pytest.raises(BrokerUnavailable):
        async with broker.subscribe("alerts.0"):
            pass
    with pytest.raises(BrokerUnavailable):
        [message async for message in broker.journal("alerts.0")]
    await broker.close()


@pytest.mark.parametrize(
    "kind", sorted(THEIRS, key=repr), ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
def test_every_error_of_the_libraries_is_mapped(kind: type[Exception]) -> None:
    """An error that a new aio-pika adds makes this fail until it is mapped."""
    error = kind.__new__(kind, "one", "two")
    if isinstance(error, aiormq.exceptions.DeliveryError):
        error.frame = aiormq.spec.Basic.Nack()
    with pytest.raises(BrokerUnavailable, match="asking: "), unavailable("asking"):
        raise error


async def test_a_cancellation_that_nobody_asked_for_is_a_lost_connection() -> None:
    """aiormq cancels what waits on a connection that is gone; that must not end a task of ours."""
    lost = asyncio.get_running_loop().create_future()
    lost.cancel()
    with pytest.raises(BrokerUnavailable), unavailable("asking"):
        await lost


async def test_being_cancelled_passes() -> None:
    """Who cancels a call gets what it asked for."""

    async def call() -> None:
        with unavailable("asking"):
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("error", [TypeError(), KeyError(), StorageFull("full")], ids=repr)
def test_other_errors_pass(error: Exception) -> None:
    """Our own mistakes and our own errors do not look like a broker that is away."""
    with pytest.raises(type(error)), unavailable("asking"):
        raise error
