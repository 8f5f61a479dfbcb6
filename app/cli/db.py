"""``tocsin db``: check, back up and restore the file of an embedded Tocsin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from adapters.sqlite import care
from app.cli.remote import fail
from domain.errors import StoreUnavailable

FILE = "tocsin.db"


def run_check(data: Path) -> None:
    """Say whether the file is whole."""
    path = data / FILE
    with _told():
        found = care.faults(path)
    for fault in found:
        typer.echo(f"{path}: {fault}")
    if found:
        fail(f"{path} is damaged; `tocsin db restore FILE` puts a backup in its place")
    typer.echo(f"{path} is whole, {path.stat().st_size:,} bytes")


def run_backup(data: Path, target: Path) -> None:
    """Copy the file."""
    with _told(), _progress("Copying") as progress:
        care.copy(data / FILE, target, progress)
    typer.echo(f"{target} is a whole copy, {target.stat().st_size:,} bytes")


def run_restore(data: Path, backup: Path) -> None:
    """Put a backup in the file's place."""
    path = data / FILE
    with _told(), _progress("Restoring") as progress:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = care.put_in_place(backup, path, f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", progress)
    typer.echo(f"{path} is what {backup} was{f'; what was there is now {kept}' if kept else ''}")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (StoreUnavailable, OSError) as error:
        fail(str(error))


@contextmanager
def _progress(what: str) -> Iterator[care.Progress]:
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def tell(done: int, total: int) -> None:
            """Move the bar."""
            progress.update(task, completed=done, total=total)

        yield tell
