"""What Tocsin says to RabbitMQ: its queues, the envelope of a message, and what counts as being unavailable.

All that is published goes through one topic exchange, by the mailbox's name::

    tocsin ──<mailbox>──▶ <mailbox>           quorum queue, one active consumer at a time
                     └──▶ journal.<mailbox>   stream, for mailboxes of alerts
    tocsin.dead ────────▶ <mailbox>.dead      quorum queue: what the broker itself takes out of a mailbox

One publish and one confirm cover the mailbox and its journal. The declarations are the same for RabbitMQ 3.10
and 4. A queue that exists with other arguments is an error that names them (PRECONDITION_FAILED).

https://www.rabbitmq.com/docs/quorum-queues, https://www.rabbitmq.com/docs/streams
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity
from aiormq import spec
from aiormq.abc import AbstractChannel as PlainChannel
from aiormq.abc import DeliveredMessage

from domain.errors import BrokerUnavailable
from domain.ports import Message
from domain.times import Millis

EXCHANGE: Final = "tocsin"
DEAD_EXCHANGE: Final = "tocsin.dead"
CONTENT_TYPE: Final = "application/vnd.msgpack"
SCHEMA: Final = 1
"""Version of the headers; grows when an older process could not read them."""

FAILURES: Final = (*CONNECTION_EXCEPTIONS, EOFError)
"""What aio-pika, aiormq, pamqp, asyncio and the system raise when the broker is away or refuses.

TimeoutError is an OSError; a RuntimeError is how aiormq says that a channel or connection is closed.
"""

DELIVERY_LIMIT: Final = 1_000_000
"""Times a message is delivered before the broker takes it out: never, as we mean it.

RabbitMQ 4 has 20 by default and counts each time a consumer goes away. A shard that subscribes anew while its
store is down would soon lose its oldest messages to ``<mailbox>.dead``, and with them its order.
"""

SEGMENT_BYTES: Final = 64 << 20
"""A stream drops whole segments only, so they are small beside what it keeps."""


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Map what the libraries raise, FAILURES, to BrokerUnavailable; the only place that does."""
    try:
        yield
    except asyncio.CancelledError as error:
        # aiormq also cancels what waits on a connection that is lost; then nobody asked *us* to stop.
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        raise BrokerUnavailable(f"{doing}: the connection was lost") from error
    except Exception as error:
        # When the broker ends a connection without a word, aiormq raises a bare Exception in those that wait.
        if isinstance(error, FAILURES) or type(error) is Exception:
            raise BrokerUnavailable(f"{doing}: {str(error) or type(error).__name__}") from error
        raise


# ---- messages

_serial = count(1)


async def publish_all(channel: PlainChannel, exchange: str, key: str, messages: Sequence[Message]) -> None:
    """Send all, in order, then wait for all confirms: when one has failed, none is still on its way.

    Straight to aiormq, as what receives is: the wrappers of aio-pika cost a third of the time.
    """
    confirms = [
        channel.basic_publish(
            message.body, exchange=exchange, routing_key=key, properties=_properties(message), mandatory=True
        )
        for message in messages
    ]
    for result in await asyncio.gather(*confirms, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _properties(message: Message) -> spec.Basic.Properties:
    """Write the envelope.

    The serial number makes ``message_id`` unique, copies included: by it aiormq knows which one was returned.
    """
    return spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=f"{message.producer}-{message.sequence}-{next(_serial)}",
        headers={
            "schema": SCHEMA,
            "producer": message.producer,
            "sequence": message.sequence,
            "alerts": message.alerts,
        },
    )


def from_amqp(delivered: DeliveredMessage) -> Message:
    """Take a message out of its envelope. A stranger's, without our headers, is the reader's to judge."""
    headers = delivered.header.properties.headers or {}
    producer = headers.get("producer")
    return Message(
        producer if isinstance(producer, str) else "",
        _number(headers.get("sequence")),
        delivered.body,
        _number(headers.get("alerts")),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


# ---- queues


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a journal is kept: until the first of the two."""

    max_age: Millis = 7 * 24 * 3600 * 1000
    max_bytes: int = 10 << 30


def journal_of(mailbox: str) -> str | None:
    """Name the journal; only mailboxes of alerts have one, as only they are replayed.

    >>> journal_of("alerts.0"), journal_of("tickets.noc")
    ('journal.alerts.0', None)
    """
    return f"journal.{mailbox}" if mailbox.startswith("alerts.") else None


async def declare(channel: AbstractChannel, mailbox: str, retention: Retention) -> None:
    """Make sure that a mailbox, its queue of dead letters and its journal exist."""
    exchange = await declare_exchange(channel, EXCHANGE)
    dead_exchange = await declare_exchange(channel, DEAD_EXCHANGE)
    dead = await _declare_queue(channel, f"{mailbox}.dead", {"x-queue-type": "quorum"})
    await dead.bind(dead_exchange, mailbox)
    if journal := journal_of(mailbox):
        stream = await _declare_queue(channel, journal, _journal_arguments(retention))
        await stream.bind(exchange, mailbox)
    queue = await _declare_queue(channel, mailbox, _mailbox_arguments())
    await queue.bind(exchange, mailbox)


async def declare_exchange(channel: AbstractChannel, name: str) -> AbstractExchange:
    """Make sure that one of the two exchanges exists."""
    return await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)


async def count_waiting(connection: AbstractConnection, queue: str) -> int | None:
    """Count messages ready for delivery; None where there is no such queue."""
    try:
        async with connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0
    except ChannelNotFoundEntity as error:
        # A queue that is still starting, after a crash of the broker, is not found either.
        if "no queue" not in str(error):
            raise
        return None


async def _declare_queue(channel: AbstractChannel, name: str, arguments: dict[str, Any]) -> AbstractQueue:
    return await channel.declare_queue(name, durable=True, arguments=arguments)


def _mailbox_arguments() -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        # A dead letter leaves the mailbox only once the other queue has it. That needs reject-publish, which
        # has no other effect, as the queue has no bounds.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _journal_arguments(retention: Retention) -> dict[str, Any]:
    return {
        "x-queue-type": "stream",
        "x-max-age": f"{retention.max_age // 1000}s",
        "x-max-length-bytes": retention.max_bytes,
        "x-stream-max-segment-size-bytes": SEGMENT_BYTES,
    }
