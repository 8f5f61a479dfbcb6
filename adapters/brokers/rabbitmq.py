"""RabbitMQ, 3.10 or later, as the broker.

Connections are plain ones, not aio-pika's robust ones: who owns a mailbox, and what is in hand, does not
survive a connection, so it must not look as if it did. A subscription ends with its connection, and whoever
held it subscribes anew; publishing opens a new connection by itself. Nothing is ever put back by hand: what
was received and not acknowledged returns to its place when the channel ends.

https://www.rabbitmq.com/docs/confirms, https://www.rabbitmq.com/docs/consumers
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import PublishError
from aiormq.abc import AbstractChannel as PlainChannel
from aiormq.abc import DeliveredMessage

from adapters.brokers.amqp import (
    EXCHANGE,
    Retention,
    count_waiting,
    declare,
    from_amqp,
    journal_of,
    publish_all,
    unavailable,
)
from domain.errors import BrokerUnavailable
from domain.ports import Message, Received

A_WEEK: Final = Retention()

MARK: Final = "end-of-journal:"
"""What the producer of a mark in a journal begins with."""


class RabbitBroker:
    """The Broker over RabbitMQ. Opens its two connections when they are needed.

    *url* is ``amqp://user:password@host:5672/vhost``, or ``amqps``, with the query parameters of aio-pika.
    *timeout* is in seconds, for any one call: connecting, declaring and waiting for confirms together.
    *heartbeat* is in seconds, unless the url has it; a peer that is silent for three of them is gone.
    *prefetch* is how many messages a subscription may have in hand; it gets no more, whatever it asks for.
    *retention* is fixed when a mailbox is first used; change it by a policy later.
    *settle* is how long to wait, in seconds, before a mailbox is used for the first time: it may be new, whoever
    made it, and then RabbitMQ has not yet written its name to disk, and would not know it after a kill -9.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        heartbeat: int = 10,
        prefetch: int = 64,
        retention: Retention = A_WEEK,
        settle: float = 1.0,
    ) -> None:
        address = make_url(url)
        with_heartbeat = str(address.with_query({"heartbeat": str(heartbeat), **address.query}))
        self._place = f"{address.host}:{address.port or 'default port'}"
        self._timeout = timeout
        self._prefetch = prefetch
        self._retention = retention
        self._settle = settle
        self._settled_at: dict[str, float] = {}
        # A broker short of memory blocks the connections that publish; acknowledging must go on meanwhile.
        self._publishing = _Link(with_heartbeat, "publishing")
        self._consuming = _Link(with_heartbeat, "consuming")
        self._outlet: _Outlet | None = None
        self._opening = asyncio.Lock()
        self._subscriptions: set[_Inbox] = set()

    def __repr__(self) -> str:
        return f"RabbitBroker({self._place})"

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Put *messages* into *mailbox* and its journal, in order; return once all are confirmed."""
        with unavailable(f"publishing to {mailbox}"):
            async with asyncio.timeout(self._timeout):
                outlet = await self._outlet_to(mailbox)
                await self._settled(mailbox)
                try:
                    await publish_all(outlet.channel, EXCHANGE, mailbox, messages)
                except PublishError:
                    # No queue took it: somebody deleted the mailbox. The next attempt makes it again.
                    outlet.mailboxes.discard(mailbox)
                    self._settled_at.pop(mailbox, None)
                    raise

    @asynccontextmanager
    async def subscribe(self, mailbox: str) -> AsyncIterator[_Inbox]:
        """Join those that read *mailbox*; RabbitMQ serves the first, and the next when that one goes."""
        subscription = _Inbox(mailbox, self._timeout)
        try:
            with unavailable(f"subscribing to {mailbox}"):
                async with asyncio.timeout(self._timeout):
                    connection = await self._consuming.connection()
                    await self._make(connection, mailbox)
                    await self._settled(mailbox)
                    await subscription.open(connection, self._prefetch)
            self._subscriptions.add(subscription)
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            await subscription.close()

    async def journal(self, mailbox: str) -> AsyncIterator[Message]:
        """Read the stream up to a mark that is put at its end first: a stream does not tell where it ends.

        The mark goes to the stream alone, and readers pass over those of others.
        """
        if (stream := journal_of(mailbox)) is None:
            return
        mark = Message(f"{MARK}{uuid4().hex}", 0, b"")
        inbox = _Inbox(stream, self._timeout)
        try:
            with unavailable(f"opening {stream}"):
                async with asyncio.timeout(self._timeout):
                    connection = await self._consuming.connection()
                    await self._make(connection, mailbox)
                    await _put(connection, stream, mark)
                    await inbox.open(connection, self._prefetch, {"x-stream-offset": "first"})
            async for message in inbox.read_to(mark, self._prefetch):
                yield message
        finally:
            await inbox.close()

    async def depth(self, mailbox: str) -> int:
        """Count what waits, and what this process has in hand.

        AMQP does not tell what other processes have in hand: at most the prefetch, in the active one.
        """
        with unavailable(f"counting {mailbox}"):
            async with asyncio.timeout(self._timeout):
                waiting = await count_waiting(await self._consuming.connection(), mailbox)
        return (waiting or 0) + sum(one.in_hand for one in self._subscriptions if one.queue == mailbox)

    async def ping(self) -> None:
        """Open a channel to publish on; fails while RabbitMQ blocks publishers."""
        with unavailable("ping"):
            async with asyncio.timeout(self._timeout):
                connection = await self._publishing.connection()
                async with connection.channel():
                    pass

    async def close(self) -> None:
        """Close both connections; subscriptions end."""
        with suppress(BrokerUnavailable), unavailable("closing"):
            async with asyncio.timeout(self._timeout):
                await asyncio.gather(self._publishing.close(), self._consuming.close())

    async def _outlet_to(self, mailbox: str) -> _Outlet:
        connection = await self._publishing.connection()
        async with self._opening:
            if self._outlet is None or self._outlet.channel.is_closed:
                self._outlet = await _open_outlet(connection)
            if mailbox not in self._outlet.mailboxes:
                await self._make(connection, mailbox)
                self._outlet.mailboxes.add(mailbox)
            return self._outlet

    async def _make(self, connection: AbstractConnection, mailbox: str) -> None:
        """Make sure that a mailbox exists; it is to be used only once it is ``_settled``."""
        # On a channel of its own, as a refusal closes the channel.
        async with connection.channel() as channel:
            await declare(channel, mailbox, self._retention)
        self._settled_at.setdefault(mailbox, asyncio.get_running_loop().time() + self._settle)

    async def _settled(self, mailbox: str) -> None:
        """Wait until a mailbox is sure to survive."""
        if (left := self._settled_at.get(mailbox, 0.0) - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)


class _Link:
    """One connection: opened when it is needed, and a new one when it is gone."""

    def __init__(self, url: str, purpose: str) -> None:
        self._url = url
        self._purpose = purpose
        self._lock = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._closed = False

    async def connection(self) -> AbstractConnection:
        """Return a connection that the broker reads from.

        One that it blocks (memory or disk alarm) is waited for: what was sent would only pile up in buffers,
        and come out as copies in the end. https://www.rabbitmq.com/docs/connection-blocked
        """
        async with self._lock:
            if self._closed:
                raise BrokerUnavailable("this client is closed")
            if self._connection is None or not self._connection.connected.is_set():
                self._connection = await self._open()
            if self._connection.transport is not None:
                await self._connection.transport.ready()
            return self._connection

    async def close(self) -> None:
        """Close the connection for good; whoever waits on it gets the error."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close(ConnectionError("this client is closed"))

    async def _open(self) -> AbstractConnection:
        if self._connection is not None:
            await self._connection.close()
        name: dict[str, Any] = {"connection_name": f"tocsin {self._purpose}"}
        connection = aio_pika.Connection(make_url(self._url), client_properties=name)
        try:
            await connection.connect()
        except BaseException:
            await connection.close()
            raise
        return connection


@dataclass(frozen=True, slots=True)
class _Outlet:
    """The publishing channel, and the mailboxes known to exist on it."""

    channel: PlainChannel
    mailboxes: set[str] = field(default_factory=set)


async def _open_outlet(connection: AbstractConnection) -> _Outlet:
    channel = connection.channel(publisher_confirms=True, on_return_raises=True)
    await channel.initialize()
    return _Outlet(await channel.get_underlay_channel())


async def _put(connection: AbstractConnection, queue: str, message: Message) -> None:
    """Put a message into one queue, past the exchange."""
    async with connection.channel() as channel:
        await publish_all(await channel.get_underlay_channel(), "", queue, [message])


class _Inbox:
    """A subscription, and the reading end of a journal. It lives as long as its channel."""

    def __init__(self, queue: str, timeout: float) -> None:
        self.queue = queue
        self._timeout = timeout
        self._channel: AbstractChannel | None = None
        self._waiting: deque[Received] = deque()
        self._news = asyncio.Event()
        self._ended = ""
        self._delivered = 0
        self._settled = 0

    @property
    def in_hand(self) -> int:
        """Messages sent to this process and not acknowledged."""
        return 0 if self._ended else self._delivered - self._settled

    async def open(
        self, connection: AbstractConnection, prefetch: int, arguments: dict[str, Any] | None = None
    ) -> None:
        """Open a channel and consume on it."""
        self._channel = connection.channel(publisher_confirms=False)
        await self._channel.initialize()
        self._channel.close_callbacks.add(self._on_close)
        underlay = await self._channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(self._on_cancel)
        await self._channel.set_qos(prefetch_count=prefetch)
        await underlay.basic_consume(self.queue, self._on_message, arguments=arguments)

    async def receive(self, limit: int, wait: float) -> list[Received]:
        """Take what is there, up to *limit*; wait up to *wait* seconds for the first."""
        # Nothing is taken before the last await, so that a cancelled receive has taken nothing.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._news.wait()
        if self._ended:
            raise BrokerUnavailable(f"reading {self.queue}: {self._ended}")
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        if not self._waiting:
            self._news.clear()
        return taken

    async def acknowledge(self, last: Received) -> None:
        """Settle *last* and all before it with one frame."""
        if self._ended or self._channel is None:
            raise BrokerUnavailable(f"acknowledging in {self.queue}: {self._ended}")
        with unavailable(f"acknowledging in {self.queue}"):
            async with asyncio.timeout(self._timeout):
                underlay = await self._channel.get_underlay_channel()
                await underlay.basic_ack(last.tag, multiple=True)
        self._settled = max(self._settled, last.tag)

    async def read_to(self, mark: Message, limit: int) -> AsyncIterator[Message]:
        """Give the messages of a journal before *mark*."""
        while received := await self.receive(limit, self._timeout):
            for one in received:
                if one.message.producer == mark.producer:
                    return
                if not one.message.producer.startswith(MARK):
                    yield one.message
            await self.acknowledge(received[-1])
        raise BrokerUnavailable(f"reading {self.queue}: nothing came for {self._timeout} s before its end")

    async def close(self) -> None:
        """Hand back what was not acknowledged; the next in line is served at once."""
        self._end("the subscription has ended")
        if self._channel is None:
            return
        with suppress(BrokerUnavailable), unavailable(f"leaving {self.queue}"):
            async with asyncio.timeout(self._timeout):
                await self._channel.close()

    async def _on_message(self, delivered: DeliveredMessage) -> None:
        # Tags count the deliveries of a channel from 1.
        self._delivered += 1
        self._waiting.append(Received(from_amqp(delivered), self._delivered))
        self._news.set()

    def _on_close(self, _channel: AbstractChannel | None, error: BaseException | None) -> None:
        self._end(str(error or "the connection was lost"))

    def _on_cancel(self, _frame: object) -> None:
        self._end("the broker ended the subscription: its queue was deleted, or lost")

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason
        self._news.set()
