"""The HTTP end of a process: ingest and API on one socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from aiohttp import web

from app.access.wiring import gate_of
from app.api import Api
from app.api.alerts import Alerts
from app.api.answers import answering
from app.api.audit import AuditLog
from app.api.changes import Changes
from app.api.commands import Commands
from app.api.health import Check, Health, has_room
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
from app.reload import Reloader
from app.service import Service, clock
from app.silencing import Silencing
from ingest.front import Front
from ingest.server import KEEPALIVE, SERVER_OPTIONS

CLOSING_GRACE = 5.0
"""Seconds for requests under way once the socket is closed."""
BACKLOG = 1024


@asynccontextmanager
async def listening(service: Service, reloader: Reloader, host: str, port: int) -> AsyncIterator[int]:
    """Serve on *host*:*port* until the block ends; yield the port, which the system chooses where it is 0.

    Raises:
        OSError: the address cannot be had.
    """
    runner = web.AppRunner(
        _application(service, reloader), access_log=None, shutdown_timeout=CLOSING_GRACE, **SERVER_OPTIONS
    )
    await runner.setup()
    aiohttp = runner.server
    assert aiohttp is not None
    front = Front(service.ingest, aiohttp, KEEPALIVE) if service.ingest is not None else None
    try:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(front or aiohttp, host, port, backlog=BACKLOG)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            if front is not None:
                await front.close(CLOSING_GRACE)
    finally:
        await runner.cleanup()


def _application(service: Service, reloader: Reloader) -> web.Application:
    application = web.Application()
    if service.ingest is not None:
        application.add_routes(service.ingest.routes())
        take = answering(service.destinations.callbacks.take, ("POST",))
        application.router.add_route("*", "/callback/{destination}", take)
    application.add_routes(_api(service, reloader).routes())
    return application


def _statistics(service: Service) -> Statistics:
    publisher, spool = service.publisher, service.spool
    return Statistics(
        service.reads,
        service.broker,
        clock,
        confirmed=(lambda: {publisher.producer: publisher.confirmed}) if publisher else dict,
        spooled=(lambda: spool.depth) if spool else lambda: 0,
    )


def _checks(service: Service) -> dict[str, Check]:
    checks: dict[str, Check] = {"broker": service.broker.ping, "store": service.store.ping}
    if (spool := service.spool) is not None:
        checks["spool"] = has_room(lambda: spool.size, service.settings.ingest.spool.max_size)
    return checks


def _api(service: Service, reloader: Reloader) -> Api:
    reads, statistics = service.reads, _statistics(service)
    metrics = Metrics(
        statistics,
        service.meter,
        version("tocsin"),
        service.ingest,
        lambda: service.shards,
        lambda: reloader.standing,
    )
    quarantine = Quarantine(reads, service.ingest.replaying if service.ingest else None)
    operators = Operators(service.broker, clock)
    return Api(
        Incidents(reads),
        Alerts(reads),
        Stats(statistics),
        Health(_checks(service)),
        metrics,
        quarantine,
        Parked(reads, service.broker, clock),
        OpenApi(version("tocsin")),
        Reconcile(service.destinations.drift if service.ingest else None),
        SilencesApi(Silencing(reads, service.broker, clock)),
        Problems(reads, operators),
        Reload(reloader),
        ShadowApi(reads),
        KnownErrorsApi(reads, operators, lambda: service.settings.correlation.known_errors),
        Commands(reads, operators),
        AuditLog(reads, clock),
        gate_of(lambda: service.settings.api, service.broker, clock).guarded,
        Changes(reads),
    )
