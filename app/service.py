"""Wires a running Tocsin out of checked settings. The only place that knows every concrete class.

Each part registers how it is stopped the moment it exists, and is stopped in the opposite order, so nothing is
taken away from under what still uses it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from adapters.brokers.rabbitmq import RabbitBroker
from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from adapters.stores.redis import RedisStore
from adapters.stores.sqlite import SqliteStore
from app.callbacks import Callbacks
from app.destinations import Destinations
from app.drift import Drift
from app.metered import DeliveryMeter
from app.partitions import partitioner
from app.roster import Roster
from app.shard.effects import NoEffects
from app.shard.loop import Ports, Shard
from app.tasks import Tasks
from config.settings import Settings
from correlation.handler import CorrelationHandler
from domain.ports import Broker, StateStore, alerts_mailbox
from domain.times import Millis
from ingest.publisher import Publisher, Publishes
from ingest.recorder import Recorder
from ingest.reporter import Reporter
from ingest.server import Ingest
from ingest.spool import Spool
from routing.router import IncidentRouter

GRACE = 20.0
"""Seconds that a stopping part may take to settle what it has in hand."""

FIRST_LOOK = 1.0
"""Seconds to find out who else is there, before the work begins anyway."""

log = structlog.get_logger("service")


class Role(StrEnum):
    """A share of the work that a process can take on."""

    INGEST = "ingest"
    CORRELATE = "correlate"
    DELIVER = "deliver"


@dataclass(slots=True)
class Service:
    """A running Tocsin, for the HTTP server and the commands around it."""

    settings: Settings
    broker: Broker
    store: StateStore
    tasks: Tasks
    meter: DeliveryMeter = field(default_factory=DeliveryMeter)
    shards: list[Shard] = field(default_factory=list)
    ingest: Ingest | None = None
    callbacks: Callbacks | None = None
    drift: Drift | None = None
    publisher: Publisher | None = None
    spool: Spool | None = None


def clock() -> Millis:
    """Read the wall clock. The core never does."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def running(
    settings: Settings, data: Path, roles: frozenset[Role], record: Path | None = None
) -> AsyncIterator[Service]:
    """Run the given roles until the block ends. *data* and *record*, for what is posted, are folders that exist."""
    async with AsyncExitStack() as stack:
        broker, store = await _ports(settings, data, stack)
        tasks = await stack.enter_async_context(Tasks())
        service = Service(settings, broker, store, tasks)
        ports = Ports(broker, store, clock)
        destinations = Destinations(settings, ports, service.meter, tasks, stack)
        if Role.DELIVER in roles:
            delivery: list[Shard] = []
            destinations.deliver(delivery.append)
            await _start_shards(service, Role.DELIVER, delivery, stack)
        if Role.CORRELATE in roles:
            await _start_shards(service, Role.CORRELATE, _partitions(settings, ports), stack)
        if Role.INGEST in roles:
            recorder = _start_recorder(service, record, stack) if record else None
            await _start_ingest(service, data, recorder, stack)
            service.callbacks = destinations.callbacks()
            service.drift = destinations.drift()
        yield service


async def _ports(settings: Settings, data: Path, stack: AsyncExitStack) -> tuple[Broker, StateStore]:
    """Open broker and store: the services where the configuration names them, else one file."""
    broker: Broker | None = None
    store: StateStore | None = None
    if settings.broker is not None:
        broker = RabbitBroker(settings.broker.get_secret_value())
    if settings.store is not None:
        store = RedisStore(settings.store.get_secret_value())
    if broker is None or store is None:
        database = await Database.open(data / "tocsin.db")
        stack.push_async_callback(database.close)
        broker = broker or SqliteBroker(database)
        store = store or SqliteStore(database)
    stack.push_async_callback(store.close)
    stack.push_async_callback(broker.close)
    return broker, store


def _partitions(settings: Settings, ports: Ports) -> list[Shard]:
    """Make the shards of correlation."""
    router = IncidentRouter(settings.routing)
    mailboxes = map(alerts_mailbox, range(settings.partitions))
    return [
        Shard(mailbox, CorrelationHandler(mailbox, settings.correlation, router), NoEffects(), ports)
        for mailbox in mailboxes
    ]


async def _start_shards(service: Service, role: Role, shards: Sequence[Shard], stack: AsyncExitStack) -> None:
    """Start them; where other processes may do the same work, as shared with them."""
    service.shards += shards
    roster: Roster | None = None
    if isinstance(service.store, RedisStore) and service.settings.broker is not None:
        roster = Roster(service.store, service.broker, role.value, os.urandom(6).hex(), shards)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK):
                await roster.look()
    for shard in shards:
        _start(service, shard, stack)
    if roster is not None:
        looking = service.tasks.start(roster.run(), f"roster.{role.value}")
        stack.push_async_callback(roster.leave)
        stack.callback(looking.cancel)


def _start(service: Service, shard: Shard, stack: AsyncExitStack) -> None:
    task = service.tasks.start(shard.run(), shard.name)

    async def stop() -> None:
        shard.stop()
        await service.tasks.finish(task, GRACE)

    stack.push_async_callback(stop)


def _start_recorder(service: Service, folder: Path, stack: AsyncExitStack) -> Recorder:
    recorder = Recorder(folder)
    task = service.tasks.start(recorder.run(), "recorder")

    async def stop() -> None:
        recorder.stop()
        await service.tasks.finish(task, GRACE)

    stack.push_async_callback(stop)
    return recorder


async def _start_ingest(
    service: Service, data: Path, recorder: Recorder | None, stack: AsyncExitStack
) -> None:
    settings = service.settings
    outlet: Publishes = service.broker
    if settings.broker is not None:
        service.spool = outlet = await Spool.open(
            service.broker, data / "spool.db", settings.ingest.spool.max_size
        )
        stack.push_async_callback(service.spool.close)
    publisher = Publisher(
        outlet,
        os.urandom(6).hex(),
        partitions=settings.partitions,
        partition=partitioner(settings.partition_by, settings.partitions)
        if settings.partitions > 1
        else None,
    )
    reporter = Reporter(service.store.report, publisher.producer, lambda: publisher.confirmed)
    reporting = service.tasks.start(reporter.run(), "reporter")

    async def drain() -> None:
        await publisher.drain(GRACE)
        reporting.cancel()
        await reporter.flush()

    stack.push_async_callback(drain)
    service.publisher = publisher
    sources = {name: config.build(name, settings.ingest) for name, config in settings.sources.items()}
    service.ingest = Ingest(sources, publisher, clock, settings.ingest.build(), recorder)
    service.tasks.start(service.ingest.expect(), "expectations")
