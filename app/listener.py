"""The HTTP end of a process: ingest and API on one socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from app.service import Service
from ingest.server import SERVER_OPTIONS

CLOSING_GRACE = 5.0
"""Seconds for requests under way once the socket is closed."""
BACKLOG = 1024


@asynccontextmanager
async def listening(service: Service, host: str, port: int) -> AsyncIterator[int]:
    """Serve on *host*:*port* until the block ends; yield the port, which the system chooses where it is 0.

    Raises:
        OSError: the address cannot be had.
    """
    application = web.Application()
    if service.ingest is not None:
        application.add_routes(service.ingest.routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSING_GRACE, **SERVER_OPTIONS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
