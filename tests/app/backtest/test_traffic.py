"""Where recorded traffic comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.brokers.rabbitmq import RabbitBroker
from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from app.backtest.traffic import NoTraffic, from_files, from_journal, recorded_files
from domain.events import Tick, encode
from domain.ports import Broker, Message, alerts_mailbox
from ingest.sources import Post
from ingest.sources.message import write_message
from tests.builders import MINUTE, NOON, SECOND
from tests.services.rabbitmq import RabbitMQ

BODY = b"{}"


async def journalled(broker: Broker, mailboxes: list[str]) -> list[int]:
    """Publish ticks to two partitions and something that is no message; read them back as one journal."""
    for number, moments in enumerate([[3, 1, 7], [2, 5]]):
        messages = [Message("p", 0, encode([Tick(moment)])) for moment in moments]
        await broker.publish(mailboxes[number], [*messages, Message("p", 0, b"\xc1")])
    return [recorded.at async for recorded in from_journal(broker, mailboxes)]


async def test_journals_of_partitions_are_read_as_one_in_the_order_of_time(tmp_path: Path) -> None:
    """Within a partition the order is kept, and the clock never goes back."""
    database = await Database.open(tmp_path / "tocsin.db")
    broker = SqliteBroker(database)

    assert await journalled(broker, [alerts_mailbox(0), alerts_mailbox(1)]) == [2, 3, 3, 5, 7]

    await broker.close()
    await database.close()


async def test_a_stream_of_rabbitmq_is_read_the_same_way(rabbitmq: RabbitMQ, queue_prefix: str) -> None:
    broker = RabbitBroker(rabbitmq.url, settle=0)

    read = await journalled(broker, [f"alerts.{queue_prefix}0", f"alerts.{queue_prefix}1"])
    await broker.close()

    assert read == [2, 3, 3, 5, 7]


def record(folder: Path, source: str, name: str) -> None:
    """Keep a request as the recorder does."""
    (folder / source).mkdir(exist_ok=True)
    (folder / source / f"{name}.http").write_bytes(write_message(Post(BODY, 0, source)))


def test_recorded_requests_come_in_the_order_of_time(tmp_path: Path) -> None:
    record(tmp_path, "b", "20240101T120000.000Z-000002")
    record(tmp_path, "a", "20240101T120100.500Z-000001")

    read = list(from_files(recorded_files(tmp_path)))

    assert [(each.at - NOON, each.post.source if each.post else "") for each in read] == [
        (0, "b"),
        (30 * SECOND, ""),
        (MINUTE, ""),
        (MINUTE + 500, "a"),
    ]


def test_a_folder_without_traffic_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoTraffic, match="no recorded requests"):
        recorded_files(tmp_path)


def test_a_file_that_tells_no_time_is_said(tmp_path: Path) -> None:
    record(tmp_path, "a", "body")

    with pytest.raises(NoTraffic, match=r"body\.http: its name does not begin with when it was received"):
        recorded_files(tmp_path)
