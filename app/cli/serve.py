"""``tocsin serve``: run the service until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app.cli.loading import load_or_exit
from app.listener import listening
from app.logs import configure_logs
from app.loops import run_fast
from app.service import Role, running
from config.settings import Settings
from domain.errors import TocsinError

DEFAULT_LISTEN = "127.0.0.1:8080"

log = structlog.get_logger("service")


def serve(
    config: Annotated[Path | None, typer.Option(help="Configuration file; without one, the defaults.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT to serve HTTP on; port 0 takes a free one.")] = DEFAULT_LISTEN,
    data: Annotated[Path, typer.Option(help="Folder for the embedded database and the spool.")] = Path("data"),
    role: Annotated[
        list[Role] | None, typer.Option(help="Do only this share of the work; may be given several times.")
    ] = None,
) -> None:
    """Run Tocsin until SIGTERM or Ctrl-C; a second one ends it at once.

    Examples:

        tocsin serve --config tocsin.yaml

        tocsin serve --config tocsin.yaml --role correlate --role deliver --listen 127.0.0.1:0
    """
    configure_logs()
    host, port = _address(listen)
    settings = load_or_exit(config)
    roles = frozenset(role or Role)
    try:
        run_fast(_serve(settings, data, roles, host, port))
    except (TocsinError, OSError) as error:
        typer.echo(f"tocsin: {error}", err=True)
        raise typer.Exit(1) from None


async def _serve(settings: Settings, data: Path, roles: frozenset[Role], host: str, port: int) -> None:
    stopping = _stop_signal()
    async with running(settings, data, roles) as service, listening(service, host, port) as bound:
        log.info("serving", address=f"http://{host}:{bound}", roles=sorted(roles))
        await asyncio.wait({stopping, service.tasks.failed}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        if service.tasks.failed.done():
            service.tasks.failed.result()


def _stop_signal() -> asyncio.Future[None]:
    """Return what is done on the first signal to stop; the second ends the process at once."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if stopping.done():
            os._exit(1)
        stopping.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        message = f"{listen!r} is not HOST:PORT, like 0.0.0.0:8080"
        raise typer.BadParameter(message, param_hint="--listen")
    return host.strip("[]") or "127.0.0.1", int(port)
