"""How the replay goes: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

EVERY = 3.0
"""Seconds between two lines."""


class Shows(Protocol):
    """Is told how far the replay is."""

    def __call__(self, sent: int, opened: int) -> None:
        """Show the alerts sent and the incidents open."""
        ...


@contextmanager
def showing(console: Console, total: int) -> Iterator[Shows]:
    """Show progress until the block ends."""
    if not console.is_terminal:
        yield _Lines(console, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]} alerts sent, {task.fields[opened]} incidents open"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Storm", total=total, sent="0", opened="0")

        def show(sent: int, opened: int) -> None:
            progress.update(task, completed=sent, sent=f"{sent:,}", opened=f"{opened:,}")

        yield show


class _Lines:
    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._began = self._last = monotonic()

    def __call__(self, sent: int, opened: int) -> None:
        now = monotonic()
        if now - self._last < EVERY and sent < self._total:
            return
        self._last = now
        said = f"{sent:,} of {self._total:,} alerts sent, {opened:,} incidents open"
        self._console.print(f"{now - self._began:4.0f} s  {said}")
