"""A whole Tocsin without a broker: the real store, handlers and workers, driven by hand; and its API."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from adapters.delivery.calls import Calls
from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.hearing import Owners
from adapters.delivery.reconcile import Pace
from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from adapters.tickets.memory import Memory
from app.access.wiring import gate_of
from app.api import Api
from app.api.alerts import Alerts
from app.api.audit import AuditLog
from app.api.changes import Changes
from app.api.commands import Commands
from app.api.health import Check, Health
from app.api.incidents import Incidents
from app.api.known_errors import KnownErrorsApi
from app.api.metrics import Metrics
from app.api.openapi import OpenApi
from app.api.operators import Operators
from app.api.parked import Parked
from app.api.problems import Problems
from app.api.quarantine import Quarantine
from app.api.reconcile import Reconcile
from app.api.reload import Reload
from app.api.shadow import ShadowApi
from app.api.silences import SilencesApi
from app.api.stats import Statistics, Stats
from app.drift import Drift
from app.metered import DeliveryMeter
from app.reads import ReadModel
from app.shard.effects import NoEffects
from app.shard.worker import Worker
from app.silencing import Silencing
from app.standing import Reloaded, Standing
from config.api import ApiConfig
from correlation.enrichment import EnrichRule, Given
from correlation.handler import CorrelationHandler
from correlation.problem_rules import ProblemRule, ProblemRules
from correlation.rules import CorrelationRules
from correlation.shadow_rules import ShadowRules
from domain.alert import Alert
from domain.errors import BrokerUnavailable
from domain.events import encode
from domain.matching import Matcher
from domain.ports import Broker, Message, Received, TicketSystem, alerts_mailbox, tickets_mailbox
from domain.times import Millis
from ingest.identity_lint import IdentityLint
from ingest.quarantine import Replaying
from routing.router import IncidentRouter
from tests.builders import NOON, received, routing_rules

DESTINATION = "noc"
_RECURRING = ProblemRule("recurring", ("service",), 2, match=Matcher.of({"service": "recurring"}))
_TRIED = ShadowRules(enrich=(EnrichRule("rack", Given({"rack": "r1"})),))
RULES = CorrelationRules(problems=ProblemRules((_RECURRING,)), shadows=_TRIED)


class Boxes:
    """As much of a broker as a worker and the stats need."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Message]] = defaultdict(list)
        self.away = False

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        if self.away:
            raise BrokerUnavailable("connection refused")
        self.messages[mailbox] += messages

    async def acknowledge(self, last: Received) -> None:
        """What was taken is gone anyway."""

    async def depth(self, mailbox: str) -> int:
        if self.away:
            raise BrokerUnavailable("connection refused")
        return len(self.messages[mailbox])

    def take(self, mailbox: str) -> list[Received]:
        return [Received(message, tag) for tag, message in enumerate(self.messages.pop(mailbox, []), 1)]


class IngestCounts:
    """What ingest would have counted."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.alerts: Counter[str] = Counter()
        self.noticed: Counter[tuple[str, str]] = Counter()
        self.lints: dict[str, IdentityLint] = {}


class NoReloads:
    """A configuration that is never changed; ``tests/app/test_reload.py`` has others."""

    standing = Standing("5a0c93fe", NOON, failed=False, mistakes=())

    async def reload(self, cause: str) -> Reloaded:
        version = self.standing.version
        return Reloaded(version, version, (), ())


class World:
    """Everything, at hand."""

    def __init__(self, store: SqliteStore, partitions: int) -> None:
        self.store = store
        self.boxes = Boxes()
        self.tickets = Memory()
        self.meter = DeliveryMeter()
        self.ingest = IngestCounts()
        self.now: Millis = NOON
        self.confirmed: Counter[str] = Counter()
        self.checks: dict[str, Check] = {"store": store.ping}
        self.reads = ReadModel(store, partitions, (DESTINATION,), IncidentRouter(routing_rules()))
        self.access = ApiConfig()
        """Who may use the API: read when it is made."""
        self.replaying: Replaying | None = None
        self.systems: dict[str, tuple[TicketSystem, Owners]] = {}
        """Those that can be read."""
        self.client: TestClient[web.Request, web.Application]
        broker = cast(Broker, self.boxes)  # a worker only publishes
        self._correlation = [
            Worker(
                mailbox,
                CorrelationHandler(mailbox, RULES, self.reads.router),
                broker,
                store,
                NoEffects(),
                self.boxes.acknowledge,
            )
            for mailbox in self.reads.shards
        ]
        system = self.meter.around(DESTINATION, self.tickets)
        self._calls = Calls(system, most=8, patience=5.0, budget=None, clock=lambda: self.now)
        handler = DeliveryHandler(DESTINATION, Pace(0, 0), 0)
        mailbox, acknowledge = tickets_mailbox(DESTINATION), self.boxes.acknowledge
        self._delivery = Worker(mailbox, handler, broker, store, self._calls, acknowledge)

    async def claim(self) -> None:
        for worker in (*self._correlation, self._delivery):
            await worker.claim(self.now)

    async def post(self, *alerts: Alert, at: Millis = NOON, partition: int = 0, producer: str = "a") -> None:
        """Accept alerts; nothing is decided on them yet."""
        self.confirmed[producer] += len(alerts)
        mailbox = alerts_mailbox(partition)
        body = encode([received(*alerts, at=at)])
        await self.boxes.publish(mailbox, [Message(producer, self.confirmed[producer], body, len(alerts))])

    async def correlate(self) -> None:
        for worker, mailbox in zip(self._correlation, self.reads.shards, strict=True):
            await worker.settle(self.boxes.take(mailbox), self.now)
            await worker.finish()

    async def deliver(self) -> None:
        """Make the calls that are due, and hear how they ended."""
        await self._delivery.settle(self.boxes.take(tickets_mailbox(DESTINATION)), self.now)
        await self._delivery.finish()
        while self._calls.in_flight():
            await self._calls.wake.wait()
            await self._delivery.settle([], self.now)
            await self._delivery.finish()

    async def run(self) -> None:
        """Do all there is to do."""
        for _ in range(2):
            await self.correlate()
            await self.deliver()

    def bounded(self, bound: int) -> ReadModel:
        return replace(self.reads, bound=bound)

    def api(self) -> Api:
        statistics = Statistics(
            self.reads, self.boxes, lambda: self.now, confirmed=lambda: self.confirmed, spooled=lambda: 7
        )
        drift = Drift(self.reads, self.systems, cast(Broker, self.boxes), lambda: self.now + 1_000)
        return Api(
            Incidents(self.reads),
            Alerts(self.reads),
            Stats(statistics),
            Health(self.checks),
            Metrics(statistics, self.meter, "1.2.3", self.ingest),
            Quarantine(self.reads, self.replaying),
            Parked(self.reads, cast(Broker, self.boxes), lambda: self.now),
            OpenApi("1.2.3"),
            Reconcile(drift),
            SilencesApi(Silencing(self.reads, cast(Broker, self.boxes), lambda: self.now)),
            Problems(self.reads, Operators(cast(Broker, self.boxes), lambda: self.now)),
            Reload(NoReloads()),
            ShadowApi(self.reads),
            KnownErrorsApi(
                self.reads, Operators(cast(Broker, self.boxes), lambda: self.now), lambda: RULES.known_errors
            ),
            Commands(self.reads, Operators(cast(Broker, self.boxes), lambda: self.now)),
            AuditLog(self.reads, lambda: self.now),
            gate_of(lambda: self.access, cast(Broker, self.boxes), lambda: self.now).guarded,
            Changes(self.reads),
        )

    async def get(self, path: str, status: int = 200) -> Any:
        async with self.client.get(path) as response:
            assert response.status == status, await response.text()
            expected = "application/json" if status in {200, 503} else "application/problem+json"
            assert response.content_type == expected
            return await response.json(content_type=expected)


@asynccontextmanager
async def opened_store() -> AsyncIterator[SqliteStore]:
    with TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "tocsin.db")
        try:
            yield SqliteStore(database)
        finally:
            await database.close()


@asynccontextmanager
async def opened_world(partitions: int = 1, access: ApiConfig | None = None) -> AsyncIterator[World]:
    async with opened_store() as store:
        world = World(store, partitions)
        world.access = access or world.access
        await world.claim()
        app = web.Application()
        app.add_routes(world.api().routes())
        async with TestClient(TestServer(app)) as world.client:
            yield world
