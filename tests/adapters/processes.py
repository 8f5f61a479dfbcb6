"""Other processes on the same data folder, to be killed."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_PROLOGUE = """
import asyncio, sys
from itertools import count
from pathlib import Path
from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from domain.ports import Commit, Message

async def main():
    database = await Database.open(Path(sys.argv[1]))
    broker, store = SqliteBroker(database), SqliteStore(database)
"""
_EPILOGUE = """
asyncio.run(main())
"""


@asynccontextmanager
async def process(path: Path, body: str) -> AsyncIterator[Process]:
    """Run *body*, lines that are given a ``broker`` and a ``store`` on *path*; kill -9 it at the end."""
    script = _PROLOGUE + body + _EPILOGUE
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path), stdout=PIPE)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def says(started: Process) -> str:
    """Read a line of what it prints."""
    assert started.stdout is not None
    async with asyncio.timeout(30):
        return (await started.stdout.readline()).decode().strip()


async def last_words(started: Process) -> list[str]:
    """Kill -9 it, and give all that it still had printed."""
    started.kill()
    output, _ = await started.communicate()
    return output.decode().splitlines()
