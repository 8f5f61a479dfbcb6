"""The demo from start to end."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import typer
from rich.console import Console

import app
from app.cli.check import counted
from app.cli.demo.books import Books, is_settled
from app.cli.demo.client import Client, Unexpected
from app.cli.demo.progress import Shows, showing
from app.cli.demo.recording import Recording, moved, read_recording
from app.cli.demo.report import print_report
from app.cli.demo.server import Server
from domain.errors import TocsinError

T = TypeVar("T")

FOLDER = Path(app.__file__).with_name("demo")
CONFIG = FOLDER / "tocsin.yaml"
PATH = "/ingest/alertmanager"
READY_WITHIN, SETTLED_WITHIN = 60.0, 60.0
POLL = 0.1
PLAIN_WIDTH = 140
"""Columns where there is no terminal."""
PATIENCE = aiohttp.ClientTimeout(total=30)
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
NEXT = "Next: `make run` starts Tocsin for alerts of your own; README.md and docs/ tell how to go on."


def run_demo(speed: float, *, keep: bool) -> None:
    """Run it; exit with 0 only if all is accounted for."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=PLAIN_WIDTH)
    try:
        with _stop_signals(), _folder(console, keep=keep) as folder:
            fine = _replayed(console, folder, speed)
    except (TocsinError, aiohttp.ClientError, TimeoutError) as error:
        typer.echo(f"tocsin: {str(error) or type(error).__name__}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(0 if fine else 1)


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Have the signals that end us do what Ctrl-C does at the moment, so that the server is stopped too.

    While the event loop runs that cancels what is under way. An exception out of a signal handler would not do:
    aiohttp takes one that comes up while it reads an answer for a broken connection.
    """

    def stop(number: int, frame: object) -> None:  # noqa: ARG001 - as signal wants it
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _folder(console: Console, *, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"Kept: {folder} (its log: serve.log)", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _replayed(console: Console, folder: Path, speed: float) -> bool:
    recording = read_recording(FOLDER / "storm.jsonl.gz")
    console.print(recording.story)
    with Server(CONFIG, folder) as server:
        books = _played(console, server, recording, speed)
        fine = print_report(console, books)
        code = server.stop()
    if code:
        console.print(f"  ✗ the server ended with {code} when asked to stop")
    console.print()
    console.print(NEXT, soft_wrap=True)
    return fine and code == 0


def _played(console: Console, server: Server, recording: Recording, speed: float) -> Books:
    try:
        return asyncio.run(_play(console, server, recording, speed))
    except (aiohttp.ClientError, TimeoutError):
        server.check(within=1.0)  # that it is gone says more than that it does not answer
        raise


async def _play(console: Console, server: Server, recording: Recording, speed: float) -> Books:
    url = await _until(server, READY_WITHIN, "say where it serves", server.address)
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        client = Client(session, url)
        await _until(server, READY_WITHIN, "become ready", client.is_ready)
        console.print(
            f"Tocsin serves on {url}, with {CONFIG.name} of the demo; {counted(recording.alerts, 'alert')} "
            f"in {counted(len(recording.posts), 'request')} are posted to it, {speed:g} times as fast as recorded.",
            soft_wrap=True,
        )
        posted = await _storm(console, server, client, recording, speed)
        return await _books(server, client, posted)


async def _storm(console: Console, server: Server, client: Client, recording: Recording, speed: float) -> int:
    """Post everything at its time; return how many alerts that were."""
    sent = 0
    with showing(console, recording.alerts) as show:
        watching = asyncio.create_task(_watch(client, show, lambda: sent))
        try:
            start = asyncio.get_running_loop().time()
            for (at, body), post in zip(
                moved(recording, datetime.now(UTC), speed), recording.posts, strict=True
            ):
                await asyncio.sleep(start + at - asyncio.get_running_loop().time())
                server.check()
                await client.post(PATH, body, recording.headers)
                sent += post.alerts
            show(sent, len(await client.incidents(state="open")))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return sent


async def _watch(client: Client, show: Shows, sent: Callable[[], int]) -> None:
    while True:
        show(sent(), len(await client.incidents(state="open")))
        await asyncio.sleep(POLL * 4)


async def _books(server: Server, client: Client, posted: int) -> Books:
    """Wait until nothing is on its way any more, or for long enough, and read what became of everything."""

    async def settled() -> bool:
        return is_settled(await client.stats(), await client.incidents())

    with suppress(Unexpected):  # what is left over will be told
        await _until(server, SETTLED_WITHIN, "settle", settled)
    return Books(posted, await client.stats(), await client.incidents(), await client.creates())


async def _until(server: Server, seconds: float, what: str, ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until the answer is one.

    Raises:
        ServerDied: there is nobody to ask any more.
        Unexpected: it took too long.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        server.check()
        if answer := await ask():
            return answer
        await asyncio.sleep(POLL)
    raise Unexpected(f"the server did not {what} within {seconds:g} s")
