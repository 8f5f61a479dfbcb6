"""The fixtures that give a test a real server. One that is not installed fails it: never a skip."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import pytest
import redis as redis_client

from tests.services.rabbitmq import RabbitMQ
from tests.services.redis import Redis
from tests.services.server import Server, ServerMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVICE_FIXTURES = {"rabbitmq", "queue_prefix", "redis", "redis_db", "own_rabbitmq", "own_redis"}

S = TypeVar("S", bound=Server)
_serial = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a real server, so that `-m "not services"` runs anywhere."""
    for item in items:
        if SERVICE_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.services)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A RabbitMQ for all tests of this worker; keep apart by `queue_prefix`, do not stop it."""
    with _running(RabbitMQ, tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def queue_prefix(rabbitmq: RabbitMQ) -> str:
    """What the names of this test's queues and exchanges begin with; a virtual host would cost a second."""
    return f"t{next(_serial)}-"


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis for all tests of this worker; `redis_db` gives it empty, do not stop it."""
    with _running(Redis, tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_db(redis: Redis) -> str:
    """The address of an empty database."""
    with redis_client.Redis.from_url(redis.url) as client:
        client.flushall()
    return redis.url


@pytest.fixture
def own_rabbitmq(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ that this test may stop, kill and pause."""
    with _running(RabbitMQ, tmp_path / "rabbitmq") as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that this test may stop, kill and pause."""
    with _running(Redis, tmp_path / "redis") as server:
        yield server


@contextmanager
def _running(make: Callable[[Path], S], folder: Path) -> Iterator[S]:
    try:
        server = make(folder)
    except ServerMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        yield server.start()
    finally:
        server.kill9()
