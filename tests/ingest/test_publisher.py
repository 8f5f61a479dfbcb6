"""Group commit: few publishes, order kept, nobody told too early, and nobody left waiting."""

import asyncio

import pytest

from domain.alert import Alert, AlertState, Severity
from domain.errors import BrokerUnavailable, StorageFull, StoreUnavailable
from domain.events import AlertsReceived
from ingest import publisher as module
from ingest.publisher import MAX_MESSAGE, Publisher
from ingest.reporter import Reporter
from tests.ingest.fakes import FakeBroker, until


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)


@pytest.fixture
async def broker():
    return FakeBroker()


def alert(name: str, **labels: str) -> Alert:
    return Alert("prom", name, AlertState.FIRING, Severity.HIGH, name, name, labels, {}, 1000)


def request(*names: str, **labels: str) -> AlertsReceived:
    return AlertsReceived("id", 2000, [alert(name, **labels) for name in names])


async def test_concurrent_requests_share_publishes_and_keep_their_order(broker):
    publisher = Publisher(broker, "p")
    names = [f"a{n}" for n in range(500)]
    await asyncio.gather(*(publisher.publish(request(name)) for name in names))
    assert broker.names() == names
    assert broker.publishes == 1
    assert [message.sequence for message in broker.boxes["alerts.0"]] == list(range(1, 9))
    assert all(message.producer == "p" for message in broker.boxes["alerts.0"])
    assert sum(message.alerts for message in broker.boxes["alerts.0"]) == publisher.confirmed == 500
    assert publisher.waiting == 0


async def test_one_publish_at_a_time_and_the_rest_waits_for_the_next(broker):
    publisher = Publisher(broker, "p")
    broker.open.clear()
    first = asyncio.create_task(publisher.publish(request("first")))
    await until(lambda: broker.concurrent)
    rest = [asyncio.create_task(publisher.publish(request(f"r{n}"))) for n in range(20)]
    await asyncio.sleep(0.02)
    assert not first.done()
    assert publisher.confirmed == 0
    broker.open.set()
    await asyncio.gather(first, *rest)
    assert broker.publishes == 2
    assert broker.most_concurrent == 1


async def test_requests_that_have_arrived_already_are_read_before_the_publish(broker):
    """Requests that get to the publisher in later turns of the loop still share the message of the first."""
    publisher = Publisher(broker, "p")

    async def arrive(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await publisher.publish(request(f"a{turns}"))

    await asyncio.gather(*(arrive(turns) for turns in range(20)))
    assert broker.publishes == 1
    assert len(broker.boxes["alerts.0"]) == 1


async def test_a_large_request_is_spread_over_messages(broker):
    publisher = Publisher(broker, "p")
    big = request(*(f"a{n}" for n in range(3000)), text="x" * 500)
    await publisher.publish(big)
    assert broker.names() == [each.name for each in big.alerts]
    assert len(broker.boxes["alerts.0"]) > 5
    assert all(len(message.body) <= MAX_MESSAGE + 8 for message in broker.boxes["alerts.0"])
    assert publisher.confirmed == 3000


async def test_an_alert_larger_than_a_message_goes_alone(broker):
    publisher = Publisher(broker, "p")
    await asyncio.gather(
        publisher.publish(request("big", text="x" * 2 * MAX_MESSAGE)), publisher.publish(request("small"))
    )
    assert [message.alerts for message in broker.boxes["alerts.0"]] == [1, 1]


async def test_partitions_have_their_own_mailboxes_and_sequences(broker):
    publisher = Publisher(broker, "p", partitions=2, partition=lambda alert: int(alert.name) % 2)
    await publisher.publish(request("1", "2", "3"))
    await publisher.publish(request("4"))
    assert broker.names("alerts.0") == ["2", "4"]
    assert broker.names("alerts.1") == ["1", "3"]
    assert publisher.confirmed == 4


async def test_a_request_over_partitions_waits_for_every_part(broker):
    class Half(FakeBroker):
        async def publish(self, mailbox, messages):
            if mailbox == "alerts.1":
                raise StorageFull("no room")
            await super().publish(mailbox, messages)

    publisher = Publisher(half := Half(), "p", partitions=2, partition=lambda alert: int(alert.name) % 2)
    with pytest.raises(StorageFull):
        await publisher.publish(request("1", "2"))
    assert half.names("alerts.0") == ["2"]


async def test_several_partitions_need_a_function():
    with pytest.raises(ValueError, match="several partitions"):
        Publisher(FakeBroker(), "p", partitions=2)


async def test_what_may_be_in_is_published_again_until_it_is(broker):
    publisher = Publisher(broker, "p")
    broker.outcomes_lost = 2
    with pytest.raises(BrokerUnavailable):
        await publisher.publish(request("a"))
    with pytest.raises(BrokerUnavailable):  # at once: a is not settled yet
        await publisher.publish(request("refused"))
    await until(lambda: publisher.confirmed == 1)
    assert len(broker.boxes["alerts.0"]) == 3
    await publisher.publish(request("b"))
    assert broker.names() == ["a", "b"]


async def test_everybody_waiting_hears_of_it_when_the_broker_goes(broker):
    publisher = Publisher(broker, "p")
    broker.open.clear()
    first = asyncio.create_task(publisher.publish(request("first")))
    await until(lambda: broker.concurrent)
    second = asyncio.create_task(publisher.publish(request("second")))
    await asyncio.sleep(0)
    broker.down = True
    broker.open.set()
    assert [type(each) for each in await asyncio.gather(first, second, return_exceptions=True)] == [
        BrokerUnavailable
    ] * 2
    assert publisher.waiting == 0
    broker.down = False
    await until(lambda: publisher.confirmed == 1)
    assert broker.names() == ["first"]


async def test_a_bug_in_the_broker_loses_nothing_and_hangs_nobody(broker):
    def bug(*_):
        raise ZeroDivisionError

    publisher = Publisher(broker, "p")
    put, broker._put = broker._put, bug
    with pytest.raises(BrokerUnavailable, match="ZeroDivisionError"):
        await publisher.publish(request("a"))
    broker._put = put
    await until(lambda: publisher.confirmed == 1)


async def test_a_full_broker_leaves_no_gap_in_the_sequence(broker):
    publisher = Publisher(broker, "p")
    await publisher.publish(request("a"))
    broker.full = True
    with pytest.raises(StorageFull) as caught:
        await publisher.publish(request("b"))
    assert caught.value.retry_after == 7
    broker.full = False
    await publisher.publish(request("c"))
    assert [message.sequence for message in broker.boxes["alerts.0"]] == [1, 2]
    assert broker.names() == ["a", "c"]


async def test_memory_is_bounded(broker):
    publisher = Publisher(broker, "p", max_waiting=1000)
    broker.open.clear()
    tasks = [asyncio.create_task(publisher.publish(request(f"a{n}", text="x" * 300))) for n in range(10)]
    await until(lambda: broker.concurrent)
    refused = [task for task in tasks if task.done()]
    assert len(refused) == 7
    assert all(isinstance(task.exception(), StorageFull) for task in refused)
    broker.open.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(broker.names()) == 3


async def test_a_sender_that_went_away_does_not_hold_up_the_others(broker):
    publisher = Publisher(broker, "p")
    broker.open.clear()
    gone, there = (asyncio.create_task(publisher.publish(request(name))) for name in ("gone", "there"))
    await until(lambda: broker.concurrent)
    gone.cancel()
    broker.open.set()
    await there
    assert broker.names() == ["gone", "there"]


async def test_drain_settles_what_is_under_way(broker):
    publisher = Publisher(broker, "p")
    assert await publisher.drain(1)
    task = asyncio.create_task(publisher.publish(request("a")))
    await asyncio.sleep(0)
    assert await publisher.drain(1)
    await task


async def test_drain_gives_up_after_its_grace(broker):
    publisher = Publisher(broker, "p")
    broker.open.clear()
    task = asyncio.create_task(publisher.publish(request("a")))
    await until(lambda: broker.concurrent)
    assert not await publisher.drain(0.02)
    with pytest.raises(BrokerUnavailable):
        await task


async def test_reports_grow_with_the_total_and_outlive_the_store():
    reports, away, total = [], True, 5

    async def report(totals: dict[str, int]) -> None:
        if away:
            raise StoreUnavailable("away")
        reports.append(totals)

    reporter = Reporter(report, "p", lambda: total, every=0.005)
    task = asyncio.create_task(reporter.run())
    await asyncio.sleep(0.03)
    assert not reports
    away = False
    await until(lambda: reports)
    await asyncio.sleep(0.03)
    assert reports == [{"p": 5}]
    total = 9
    await until(lambda: len(reports) == 2)
    task.cancel()
    total = 10
    await reporter.flush()
    assert reports == [{"p": 5}, {"p": 9}, {"p": 10}]
