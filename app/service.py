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
from app.calendars import Calendars
from app.destinations import Destinations
from app.metered import DeliveryMeter
from app.partitions import partitioner
from app.reads import ReadModel
from app.roster import Roster
from app.shard.effects import NoEffects
from app.shard.loop import Ports, Shard
from app.tasks import GRACE, Tasks
from config.settings import Settings
from correlation.handler import CorrelationHandler
from domain.ports import Broker, StateStore, alerts_mailbox
from domain.times import Millis
from ingest.publisher import Publisher, Publishes
from ingest.recorder import Recorder
from ingest.reporter import Reporter
from ingest.server import Ingest
from ingest.source import Source
from ingest.spool import Spool
from routing.router import IncidentRouter

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
    """Those in force."""
    broker: Broker
    store: StateStore
    tasks: Tasks
    meter: DeliveryMeter
    reads: ReadModel
    destinations: Destinations
    partitions: dict[str, Shard] = field(default_factory=dict)
    """Shards of correlation that this process may work, by their mailbox."""
    ingest: Ingest | None = None
    publisher: Publisher | None = None
    spool: Spool | None = None

    @property
    def shards(self) -> list[Shard]:
        """All that this process may work."""
        return [*self.destinations.shards, *self.partitions.values()]

    async def adopt(self, settings: Settings) -> None:
        """Go on by other settings. What was decided stays; the next batches are decided by the new rules.

        What a process is built on stays, too: see ``app.reload`` for what needs a new one.
        """
        router = IncidentRouter(settings.routing)
        for mailbox, shard in self.partitions.items():
            shard.adopt(CorrelationHandler(mailbox, settings.correlation, router))
        self.reads.adopt(tuple(settings.destinations), router)
        before, self.settings = self.settings, settings
        if self.ingest is not None:
            changed = changed_sources(before, settings)
            self.ingest.adopt(changed, tuple(settings.sources), settings.ingest.build())
            self.tasks.start(self.ingest.expect(changed), "expectations")
        await self.destinations.adopt(settings)


def changed_sources(before: Settings, after: Settings) -> dict[str, Source]:
    """Make the sources that are new or other than they were; those that stay keep what they know."""
    same_limits = before.ingest == after.ingest
    return {
        name: config.build(name, after.ingest)
        for name, config in after.sources.items()
        if not (same_limits and before.sources.get(name) == config)
    }


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
        ports = Ports(broker, store, clock)
        service = await _service(settings, ports, tasks, stack)
        if Role.DELIVER in roles:
            async with _shared(service, Role.DELIVER, service.destinations.shards, stack):
                service.destinations.deliver()
        if Role.CORRELATE in roles:
            service.partitions = _partitions(settings, ports)
            shards = list(service.partitions.values())
            async with _shared(service, Role.CORRELATE, shards, stack):
                for shard in shards:
                    _start(service, shard, stack)
            calendars = Calendars(lambda: service.settings, broker, clock)
            stack.callback(tasks.start(calendars.run(), "calendars").cancel)
        if Role.INGEST in roles:
            recorder = _start_recorder(service, record, stack) if record else None
            await _start_ingest(service, data, recorder, stack)
        yield service


async def _service(settings: Settings, ports: Ports, tasks: Tasks, stack: AsyncExitStack) -> Service:
    """Make what all roles have."""
    router = IncidentRouter(settings.routing)
    reads = ReadModel(ports.store, settings.partitions, tuple(settings.destinations), router)
    meter = DeliveryMeter()
    destinations = Destinations(ports, meter, tasks, reads)
    stack.push_async_callback(destinations.close)
    await destinations.adopt(settings)
    return Service(settings, ports.broker, ports.store, tasks, meter, reads, destinations)


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


def _partitions(settings: Settings, ports: Ports) -> dict[str, Shard]:
    """Make the shards of correlation."""
    router = IncidentRouter(settings.routing)
    mailboxes = map(alerts_mailbox, range(settings.partitions))
    return {
        mailbox: Shard(mailbox, CorrelationHandler(mailbox, settings.correlation, router), NoEffects(), ports)
        for mailbox in mailboxes
    }


@asynccontextmanager
async def _shared(
    service: Service, role: Role, shards: Sequence[Shard], stack: AsyncExitStack
) -> AsyncIterator[None]:
    """Have *shards* started within; where other processes may do the same work, as shared with them."""
    if not isinstance(service.store, RedisStore) or service.settings.broker is None:
        yield
        return
    roster = Roster(service.store, service.broker, role.value, os.urandom(6).hex(), shards)
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOK):
            await roster.look()
    yield
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
    service.tasks.start(service.ingest.expect(sources), "expectations")
