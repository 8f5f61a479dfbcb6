"""What a Broker must do, whatever it is made of.

A subclass overrides ``make_broker``; its name begins with ``Test``, so that pytest collects it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from domain.errors import BrokerUnavailable
from domain.ports import Broker, Message, Received, Subscription

MakeBroker = Callable[[], Awaitable[Broker]]
"""Each call gives a new client of the same broker, as another process would have."""

PATIENCE = 20.0
"""Seconds until something that must happen counts as not happening."""


def numbered(count: int, *, start: int = 1, producer: str = "p", body: bytes = b"") -> list[Message]:
    """Make messages that know their place."""
    return [
        Message(producer, number, b"%d:" % number + body, number % 7)
        for number in range(start, start + count)
    ]


def messages(received: Sequence[Received]) -> list[Message]:
    """Unwrap."""
    return [one.message for one in received]


async def take(subscription: Subscription, count: int, limit: int = 1000) -> list[Received]:
    """Receive until *count* messages are in hand; fewer come back when it takes too long."""
    received: list[Received] = []
    deadline = time.monotonic() + PATIENCE
    while len(received) < count and time.monotonic() < deadline:
        received += await subscription.receive(min(limit, count - len(received)), 1.0)
    return received


async def becomes(probe: Callable[[], Awaitable[int]], wanted: int) -> bool:
    """Wait until *probe* answers *wanted*: a broker may count with a delay."""
    deadline = time.monotonic() + PATIENCE
    while await probe() != wanted:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


class BrokerContract:
    """The cases. Every test has mailboxes of its own, so one server serves them all."""

    @pytest.fixture
    async def make_broker(self) -> MakeBroker:
        """Give a maker of clients, and close those made when the test is over."""
        raise NotImplementedError

    @pytest.fixture
    async def broker(self, make_broker: MakeBroker) -> Broker:
        return await make_broker()

    @pytest.fixture
    def mailbox(self) -> str:
        return f"alerts.{uuid4().hex}"

    @pytest.fixture
    def other_mailbox(self) -> str:
        return f"tickets.{uuid4().hex}"

    async def test_messages_come_in_the_order_published(self, broker: Broker, mailbox: str) -> None:
        """Messages come out in order, whole, whether put in at once or one by one."""
        await broker.publish(mailbox, numbered(3))
        await broker.publish(mailbox, numbered(1, start=4))
        async with broker.subscribe(mailbox) as subscription:
            assert messages(await take(subscription, 4)) == numbered(4)

    async def test_tags_grow(self, broker: Broker, mailbox: str) -> None:
        """Tags tell the order within a subscription."""
        await broker.publish(mailbox, numbered(5))
        async with broker.subscribe(mailbox) as subscription:
            tags = [one.tag for one in await take(subscription, 5, limit=2)]
        assert tags == sorted(set(tags))

    async def test_what_comes_while_waiting_wakes_the_reader(self, broker: Broker, mailbox: str) -> None:
        """A reader that waits gets a new message at once, not when its wait is over."""
        async with broker.subscribe(mailbox) as subscription:
            waiting = asyncio.create_task(subscription.receive(10, PATIENCE))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await broker.publish(mailbox, numbered(1))
            assert messages(await waiting) == numbered(1)
        assert time.monotonic() - started < PATIENCE / 4

    async def test_another_client_wakes_the_reader(self, make_broker: MakeBroker, mailbox: str) -> None:
        """What another process publishes is noticed as well."""
        reader, writer = await make_broker(), await make_broker()
        async with reader.subscribe(mailbox) as subscription:
            waiting = asyncio.create_task(subscription.receive(10, PATIENCE))
            await asyncio.sleep(0.1)
            await writer.publish(mailbox, numbered(2))
            received = messages(await waiting)
            received += messages(await take(subscription, 2 - len(received)))
        assert received == numbered(2)

    async def test_many_messages(self, broker: Broker, mailbox: str) -> None:
        """Thousands of messages keep their order."""
        for start in range(1, 5000, 500):
            await broker.publish(mailbox, numbered(500, start=start))
        async with broker.subscribe(mailbox) as subscription:
            received = await take(subscription, 5000, limit=300)
            await subscription.acknowledge(received[-1])
        assert messages(received) == numbered(5000)

    async def test_large_bodies(self, broker: Broker, mailbox: str) -> None:
        """Bodies of 300 KB pass, and more of them than one read would want to hold."""
        sent = numbered(40, body=bytes(range(256)) * 1200)
        await broker.publish(mailbox, sent)
        async with broker.subscribe(mailbox) as subscription:
            assert messages(await take(subscription, 40)) == sent

    @pytest.mark.parametrize(
        "body", [b"", b"\x00\xff\x00", "Störung ☎ 障害".encode(), bytes(range(256))], ids=repr
    )
    async def test_any_bytes_are_a_body(self, broker: Broker, mailbox: str, body: bytes) -> None:
        """Bodies are bytes; nothing is read into them."""
        sent = Message("wörker-1", 0, body, 3)
        await broker.publish(mailbox, [sent])
        async with broker.subscribe(mailbox) as subscription:
            assert messages(await take(subscription, 1)) == [sent]

    async def test_each_publisher_keeps_its_order(self, make_broker: MakeBroker, mailbox: str) -> None:
        """Publishers at the same time may interleave; the messages of each stay in order, none is lost."""
        clients = [await make_broker() for _ in range(3)]
        lots = [numbered(100, producer=f"p{n}") for n in range(3)]
        await asyncio.gather(
            *(client.publish(mailbox, lot) for client, lot in zip(clients, lots, strict=True))
        )
        async with clients[0].subscribe(mailbox) as subscription:
            received = messages(await take(subscription, 300))
        assert [[one for one in received if one.producer == f"p{n}"] for n in range(3)] == lots

    async def test_publishing_nothing_does_nothing(self, broker: Broker, mailbox: str) -> None:
        """An empty list is no message."""
        await broker.publish(mailbox, [])
        assert await broker.depth(mailbox) == 0

    async def test_mailboxes_are_separate(self, broker: Broker, mailbox: str, other_mailbox: str) -> None:
        """What goes into one mailbox comes out of no other."""
        await broker.publish(mailbox, numbered(2))
        await broker.publish(other_mailbox, numbered(1, producer="q"))
        async with broker.subscribe(mailbox) as here, broker.subscribe(other_mailbox) as there:
            assert messages(await take(here, 2)) == numbered(2)
            assert messages(await take(there, 1)) == numbered(1, producer="q")
            assert await here.receive(10, 0.2) == []
            assert await there.receive(10, 0.2) == []

    async def test_receive_gives_up_after_its_wait(self, broker: Broker, mailbox: str) -> None:
        """Without messages, receive answers with nothing when its wait is over."""
        async with broker.subscribe(mailbox) as subscription:
            started = time.monotonic()
            assert await subscription.receive(10, 0.2) == []
            assert 0.15 < time.monotonic() - started < PATIENCE / 2
            assert await subscription.receive(10, 0.0) == []

    async def test_the_limit_is_kept(self, broker: Broker, mailbox: str) -> None:
        """No receive gives more than was asked for."""
        await broker.publish(mailbox, numbered(10))
        async with broker.subscribe(mailbox) as subscription:
            received: list[Received] = []
            while len(received) < 10:
                some = await subscription.receive(3, PATIENCE)
                assert 1 <= len(some) <= 3
                received += some
        assert messages(received) == numbered(10)

    async def test_a_cancelled_receive_loses_nothing(self, broker: Broker, mailbox: str) -> None:
        """Wherever a receive is cancelled, the next one gives what it would have given."""
        received: list[Received] = []
        delays = [0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05] * 3
        async with broker.subscribe(mailbox) as subscription:
            for number, delay in enumerate(delays, 1):
                waiting = asyncio.create_task(subscription.receive(10, PATIENCE))
                await asyncio.sleep(0)
                publishing = asyncio.create_task(broker.publish(mailbox, numbered(1, start=number)))
                await asyncio.sleep(delay)
                waiting.cancel()
                await asyncio.wait([waiting, publishing])
                received += [] if waiting.cancelled() else waiting.result()
            received += await take(subscription, len(delays) - len(received))
        assert messages(received) == numbered(len(delays))

    async def test_unacknowledged_messages_come_again(self, broker: Broker, mailbox: str) -> None:
        """What was received only goes to the next subscription, in its old order, before what is new."""
        await broker.publish(mailbox, numbered(5))
        async with broker.subscribe(mailbox) as subscription:
            await take(subscription, 3)
        await broker.publish(mailbox, numbered(1, start=6))
        async with broker.subscribe(mailbox) as subscription:
            assert messages(await take(subscription, 6)) == numbered(6)

    async def test_acknowledge_settles_all_before(self, broker: Broker, mailbox: str) -> None:
        """Acknowledging settles a message and all received before, for ever; later ones come again."""
        await broker.publish(mailbox, numbered(6))
        async with broker.subscribe(mailbox) as subscription:
            received = await take(subscription, 6)
            await subscription.acknowledge(received[3])
        async with broker.subscribe(mailbox) as subscription:
            received = await take(subscription, 2)
            assert messages(received) == numbered(2, start=5)
            await subscription.acknowledge(received[-1])
            assert await subscription.receive(10, 0.2) == []
        async with broker.subscribe(mailbox) as subscription:
            assert await subscription.receive(10, 0.2) == []

    async def test_acknowledging_as_it_goes(self, broker: Broker, mailbox: str) -> None:
        """A reader may settle while more is in hand, and goes on where it was."""
        await broker.publish(mailbox, numbered(6))
        async with broker.subscribe(mailbox) as subscription:
            first, second = await take(subscription, 2), await take(subscription, 2)
            await subscription.acknowledge(first[-1])
            third = await take(subscription, 2)
            await subscription.acknowledge(second[-1])
            await subscription.acknowledge(third[-1])
        assert messages(first + second + third) == numbered(6)
        async with broker.subscribe(mailbox) as subscription:
            assert await subscription.receive(10, 0.2) == []

    async def test_one_subscription_is_active(self, make_broker: MakeBroker, mailbox: str) -> None:
        """Of two subscriptions the first alone gets messages."""
        one, two = await make_broker(), await make_broker()
        async with one.subscribe(mailbox) as active, two.subscribe(mailbox) as standby:
            for number in range(1, 4):
                await two.publish(mailbox, numbered(1, start=number))
                assert await standby.receive(10, 0.1) == []
                assert messages(await take(active, 1)) == numbered(1, start=number)

    async def test_the_standby_takes_over(self, make_broker: MakeBroker, mailbox: str) -> None:
        """When the active one goes, the standby first gets what was not acknowledged, in its old order."""
        one, two = await make_broker(), await make_broker()
        await one.publish(mailbox, numbered(6))
        async with AsyncExitStack() as first:
            active = await first.enter_async_context(one.subscribe(mailbox))
            async with two.subscribe(mailbox) as standby:
                received = await take(active, 4)
                await active.acknowledge(received[1])
                assert await standby.receive(10, 0.1) == []
                waiting = asyncio.create_task(standby.receive(1, PATIENCE))
                await first.aclose()
                received = await waiting + await take(standby, 3)
                assert messages(received) == numbered(4, start=3)
                await two.publish(mailbox, numbered(1, start=7))
                assert messages(await take(standby, 1)) == numbered(1, start=7)

    async def test_closing_a_client_hands_over(self, make_broker: MakeBroker, mailbox: str) -> None:
        """A client that closes lets go of its mailboxes, even where a subscription was still open."""
        one, two = await make_broker(), await make_broker()
        await one.publish(mailbox, numbered(2))
        async with one.subscribe(mailbox) as active:
            await take(active, 1)
            await one.close()
            async with two.subscribe(mailbox) as next_one:
                assert messages(await take(next_one, 2)) == numbered(2)

    async def test_a_closed_client_says_so(self, make_broker: MakeBroker, mailbox: str) -> None:
        """A reader of a closed client is told to subscribe again, not left to wait."""
        broker = await make_broker()
        async with broker.subscribe(mailbox) as subscription:
            await broker.close()
            with pytest.raises(BrokerUnavailable):
                await subscription.receive(10, PATIENCE)
        with pytest.raises(BrokerUnavailable):
            await broker.publish(mailbox, numbered(1))

    async def test_depth_counts_what_waits_and_what_is_in_hand(self, broker: Broker, mailbox: str) -> None:
        """The depth falls by acknowledging, not by receiving."""
        assert await broker.depth(mailbox) == 0
        await broker.publish(mailbox, numbered(5))
        assert await becomes(lambda: broker.depth(mailbox), 5)
        async with broker.subscribe(mailbox) as subscription:
            received = await take(subscription, 5)
            assert await becomes(lambda: broker.depth(mailbox), 5)
            await subscription.acknowledge(received[2])
            assert await becomes(lambda: broker.depth(mailbox), 2)
            await subscription.acknowledge(received[-1])
            assert await becomes(lambda: broker.depth(mailbox), 0)

    async def test_the_journal_has_all_that_was_published(
        self, make_broker: MakeBroker, mailbox: str
    ) -> None:
        """The journal gives every message, acknowledged or not, in order, from the oldest to the present."""
        one, two = await make_broker(), await make_broker()
        assert [message async for message in one.journal(mailbox)] == []
        await one.publish(mailbox, numbered(4))
        await two.publish(mailbox, numbered(2, start=5))
        async with one.subscribe(mailbox) as subscription:
            received = await take(subscription, 6)
            await subscription.acknowledge(received[3])
            assert [message async for message in two.journal(mailbox)] == numbered(6)
        assert [message async for message in one.journal(mailbox)] == numbered(6)

    async def test_the_journal_is_long(self, broker: Broker, mailbox: str) -> None:
        """The journal is read through, however much there is, by two readers at a time."""

        async def read() -> list[Message]:
            return [message async for message in broker.journal(mailbox)]

        small, large = numbered(3000), numbered(30, start=3001, body=b"x" * 300_000)
        await broker.publish(mailbox, small)
        await broker.publish(mailbox, large)
        assert list(await asyncio.gather(read(), read())) == [small + large] * 2

    async def test_messages_outlive_the_client(self, make_broker: MakeBroker, mailbox: str) -> None:
        """After close and a new start everything is where it was: messages, acknowledgements, journal."""
        broker = await make_broker()
        await broker.publish(mailbox, numbered(4))
        async with broker.subscribe(mailbox) as subscription:
            await subscription.acknowledge((await take(subscription, 4))[1])
        await broker.close()
        broker = await make_broker()
        await broker.publish(mailbox, numbered(1, start=5))
        async with broker.subscribe(mailbox) as subscription:
            assert messages(await take(subscription, 3)) == numbered(3, start=3)
        assert [message async for message in broker.journal(mailbox)] == numbered(5)

    async def test_ping_answers(self, broker: Broker) -> None:
        """A broker that is there answers a ping with silence."""
        await broker.ping()

    async def test_closing_twice_is_safe(self, make_broker: MakeBroker) -> None:
        """Close may be called again, and before anything was done."""
        broker = await make_broker()
        await broker.close()
        await broker.close()
        with pytest.raises(BrokerUnavailable):
            await broker.ping()
