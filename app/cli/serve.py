"""``tocsin serve``: run the service until told to stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import typer

from app.cli.hints import address, hints
from app.cli.loading import load_or_exit, loaded
from app.listener import listening
from app.logs import configure_logs
from app.loops import run_fast
from app.reload import Reloader
from app.service import Role, Service, running
from config.api import LOOPBACK
from config.settings import Settings
from domain.errors import TocsinError

HIGHEST_PORT = 65_535

log = structlog.get_logger("service")


class CannotStart(TocsinError):
    """Something that a person has to change first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed."""

    config: Path | None
    listen: str
    data: Path
    roles: frozenset[Role]
    record: Path | None
    watch: bool
    """Whether to reload when a file of the configuration changes."""


def run_service(wanted: Wanted) -> None:
    """Serve until a signal; say in one line why if that cannot be."""
    configure_logs()
    host, port = _address(wanted.listen)
    settings = load_or_exit(wanted.config)
    try:
        _prepare_data(settings, wanted.roles, wanted.data)
        if wanted.record is not None:
            _prepare_folder(wanted.record, "folder for recordings", "--record DIR")
        run_fast(_serve(settings, wanted, _safe(host, settings), port))
    except (TocsinError, OSError) as error:
        typer.echo(f"tocsin: {error}", err=True)
        raise typer.Exit(1) from None


async def _serve(settings: Settings, wanted: Wanted, host: str, port: int) -> None:
    stopping = _stop_signal()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(running(settings, wanted.data, wanted.roles, wanted.record))
        reloader = Reloader(service, partial(loaded, wanted.config))
        bound = await stack.enter_async_context(_bound(service, reloader, host, port))
        _reload_on_hangup(reloader)
        stack.callback(service.tasks.start(reloader.run(watch=wanted.watch), "reload").cancel)
        typer.echo("\n".join(hints(settings, host, bound, takes_alerts=Role.INGEST in wanted.roles)))
        _spare_the_collector()
        log.info(
            "serving", address=address(host, bound), roles=sorted(wanted.roles), version=settings.version
        )
        await asyncio.wait({stopping, service.tasks.failed}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        if service.tasks.failed.done():
            service.tasks.failed.result()


def _spare_the_collector() -> None:
    """Have the garbage collector pass over what was made until now: modules, settings and rules stay for good."""
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _bound(service: Service, reloader: Reloader, host: str, port: int) -> AsyncIterator[int]:
    async with AsyncExitStack() as stack:
        try:
            bound = await stack.enter_async_context(listening(service, reloader, host, port))
        except OSError as error:
            raise CannotStart(_why_not_bound(error, host, port)) from None
        yield bound


def _prepare_data(settings: Settings, roles: frozenset[Role], data: Path) -> None:
    """Make the folder, where anything is going to be in it."""
    embedded = settings.broker is None or settings.store is None
    if embedded or Role.INGEST in roles:
        _prepare_folder(data, "data folder", "--data DIR")


def _prepare_folder(folder: Path, what: str, option: str) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fault = "there is a file in its place" if isinstance(error, FileExistsError) else error.strerror
        raise CannotStart(
            f"the {what} {folder} cannot be used: {fault}; name another with {option}"
        ) from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        fault = "this user may not read and write there"
        raise CannotStart(f"the {what} {folder} cannot be used: {fault}; name another with {option}")


def _why_not_bound(error: OSError, host: str, port: int) -> str:
    where = address(host, port).removeprefix("http://")
    if isinstance(error, socket.gaierror):
        return f"there is no address {host!r}: {error.strerror}; name one of this machine with --listen HOST:PORT"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is in use by another program; stop that, or name another port with --listen HOST:PORT"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; --listen 0.0.0.0:{port} listens on all it has"
        case errno.EACCES:
            return f"this user may not listen on {where}; name a port above 1023 with --listen HOST:PORT"
    return f"cannot listen on {where}: {error}; name another address with --listen HOST:PORT"


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


def _reload_on_hangup(reloader: Reloader) -> None:
    """Reload on SIGHUP, as daemons do."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)


def _safe(host: str, settings: Settings) -> str:
    """Stay on this machine as long as everybody could do everything, and nobody said that this is meant."""
    if host in LOOPBACK or not settings.api.is_open:
        return host
    log.warning(
        "loopback_only",
        asked=host,
        reason="the API would be open to everybody; give api.tokens or api.oidc, or say api.anonymous: viewer",
    )
    return "127.0.0.1"


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        message = f"{listen!r} is not HOST:PORT, like 0.0.0.0:8080"
        raise typer.BadParameter(message, param_hint="--listen")
    return host.strip("[]") or "127.0.0.1", int(port)
