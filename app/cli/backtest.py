"""``tocsin backtest``: what changed rules would have made of recorded traffic, beside what today's rules make of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Never

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.brokers.rabbitmq import RabbitBroker
from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from app.backtest.difference import Difference, difference
from app.backtest.running import Backtest
from app.backtest.traffic import NoTraffic, Recorded, from_files, from_journal, recorded_files
from app.cli.backtest_report import print_report, report_view
from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from domain.errors import TocsinError
from domain.ports import Broker, alerts_mailbox
from domain.times import to_text

DATABASE = "tocsin.db"
DATA = Path("data")
SPOKEN = ("amqp://", "amqps://")
FAILED = 1
MISTAKEN = 2
SHOW_EVERY = 1_000
"""Alerts between two looks at the bar."""


def run_backtest(
    config: Path,
    against: Path | None,
    source: str | None,
    fail_on: Sequence[str],
    *,
    as_json: bool,
    most: int,
) -> None:
    """Replay, and print the difference. Exits with 1 for what *fail_on* names, with 2 if it cannot be done."""
    after = _loaded(config)
    before = _loaded(against) if against else None
    backtest = Backtest(before, after)
    try:
        with _bar() as show:
            asyncio.run(_replay(backtest, source, show))
    except (NoTraffic, TocsinError, OSError, ValueError) as error:
        _fail(str(error))
    found = difference(backtest.before.tally, backtest.after.tally, backtest.pairs, backtest.alerts)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report_view(backtest, found)), indent=2).decode())
    else:
        print_report(backtest, found, compared=against is not None, most=most)
    raise typer.Exit(FAILED if any(_is_so(each, found) for each in fail_on) else 0)


def _is_so(what: str, found: Difference) -> bool:
    if what == "p1-missed":
        return bool(found.p1_missed)
    return bool(found.reprioritised()) or any(each.is_change for each in found.changes)


def _loaded(file: Path) -> Settings:
    try:
        return load(file, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(MISTAKEN) from None


async def _replay(backtest: Backtest, source: str | None, show: Any) -> None:
    async with AsyncExitStack() as stack:
        async for recorded in await _traffic(backtest.before.settings, source, stack):
            backtest.take(recorded)
            show(backtest, recorded)
    backtest.flush()


async def _traffic(settings: Settings, source: str | None, stack: AsyncExitStack) -> AsyncIterator[Recorded]:
    """Find what was recorded: by an address, in a folder, or where the configuration has its journal."""
    if source is None and settings.broker is not None:
        source = settings.broker.get_secret_value()
    if source is not None and source.startswith(SPOKEN):
        return _journal(RabbitBroker(source), settings, stack)
    path = Path(source) if source is not None else DATA
    if not path.exists():
        raise NoTraffic(f"{path}: there is no such file or folder")
    file = path / DATABASE if path.is_dir() else path
    if file.suffix == ".db" and file.exists():
        database = await Database.open(file)
        stack.push_async_callback(database.close)
        return _journal(SqliteBroker(database), settings, stack)
    return _each(from_files(recorded_files(path)))


def _journal(broker: Broker, settings: Settings, stack: AsyncExitStack) -> AsyncIterator[Recorded]:
    stack.push_async_callback(broker.close)
    return from_journal(broker, [alerts_mailbox(number) for number in range(settings.partitions)])


async def _each(recorded: Iterable[Recorded]) -> AsyncIterator[Recorded]:
    for one in recorded:
        yield one


@contextmanager
def _bar() -> Iterator[Any]:
    """Show on a terminal how far it is: how much there is, a journal does not tell."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[far]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("Replaying", total=None, far="")
        shown = 0

        def show(backtest: Backtest, recorded: Recorded) -> None:
            nonlocal shown
            if backtest.alerts - shown >= SHOW_EVERY:
                shown = backtest.alerts
                progress.update(task, far=f"{shown:,} alerts, up to {to_text(recorded.at)[:16]}")

        yield show


def _fail(message: str) -> Never:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(MISTAKEN)
