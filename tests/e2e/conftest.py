"""What the stories need: a sink, and Tocsin in both its modes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import pytest

from tests.e2e import serve
from tests.e2e.sink import Sink, listening

MAILBOXES = ("alerts.0", "tickets.noc")

Deploy = Callable[[str], AbstractAsyncContextManager[serve.Tocsin]]
"""Given a configuration, makes a Tocsin that is not started yet."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How Tocsin is run: where its state is, and who does what."""

    env: dict[str, str] = field(default_factory=dict)
    roles: tuple[tuple[str, ...], ...] = (serve.EVERYTHING,)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A ticketing tool that listens."""
    async with listening() as sink:
        yield sink


@pytest.fixture(params=["embedded", pytest.param("scale-out", marks=pytest.mark.services)])
def mode(request: pytest.FixtureRequest) -> Mode:
    """One process on one file; then a process for each role, on RabbitMQ and Redis."""
    if request.param == "embedded":
        return Mode()
    rabbitmq, redis = request.getfixturevalue("rabbitmq"), request.getfixturevalue("redis_db")
    return Mode({"TOCSIN_BROKER": rabbitmq.url, "TOCSIN_STORE": redis}, serve.SPLIT)


@pytest.fixture
async def deploy(mode: Mode, tmp_path: Path) -> Deploy:
    """Make a deployment in the mode of this test, on services that know nothing of an earlier one."""
    if broker := mode.env.get("TOCSIN_BROKER"):
        await forget_mailboxes(broker)
    return lambda config: serve.tocsin(tmp_path, config, mode.env, mode.roles)


async def forget_mailboxes(url: str) -> None:
    """Delete the queues of an earlier test: Tocsin's own names for them are the same each time."""
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        for mailbox in MAILBOXES:
            for queue in (mailbox, f"{mailbox}.dead", f"journal.{mailbox}"):
                await channel.queue_delete(queue)
