"""``tocsin fake``: a stand-in for a ticketing tool, to rehearse with."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

import typer
import yaml
from aiohttp import web

from adapters.fakes import FAKES
from adapters.fakes.base import Fake


def run_fake(tool: str, port: int, lag: float) -> None:
    """Serve it until a signal."""
    if tool not in FAKES:
        typer.echo(f"tocsin: there is no stand-in for {tool!r}; there are: {', '.join(FAKES)}", err=True)
        raise typer.Exit(2)
    try:
        asyncio.run(_serve(tool, FAKES[tool](search_lag=lag), port))
    except ModuleNotFoundError as missing:
        typer.echo(f"tocsin: this stand-in needs the package {missing.name}; install tocsin[dev]", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"tocsin: cannot serve on port {port}: {error.strerror}", err=True)
        raise typer.Exit(1) from None


async def _serve(tool: str, fake: Fake, port: int) -> None:
    async with fake.serving(port) as url, _page(fake, port and port + 1) as page:
        destination = yaml.safe_dump({"destinations": {tool: fake.settings(url)}}, sort_keys=False)
        told = f"A stand-in for {tool} is at {url}, its tickets at {page}\n"
        typer.echo(f"{told}\n# Its destination, for your configuration:\n\n{destination}")
        await _until_signal()


@asynccontextmanager
async def _page(fake: Fake, port: int) -> AsyncIterator[str]:
    """Serve what a person would see in the tool, on a port of its own: the tool's own addresses stay its own."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response(tickets(fake), dumps=_dumps)

    app = web.Application()
    app.add_routes([web.get("/", show)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def tickets(fake: Fake) -> list[dict[str, Any]]:
    """List all tickets as a person sees them."""
    return [{"id": id_, **asdict(fake.look(id_))} for id_ in fake.ids()]


def _dumps(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


async def _until_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows Ctrl-C raises by itself
            loop.add_signal_handler(each, stopped.set)
    await stopped.wait()
