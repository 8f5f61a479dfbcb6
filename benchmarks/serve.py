"""Tocsin under load: its configuration, its processes and the one page of its API that is read here."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.load import Target
from benchmarks.workloads import service_name
from tests.services.server import free_port

READY_WITHIN = 60.0
STOP_WITHIN = 20.0
STUCK_AFTER = 15.0  # seconds without one more alert settled
POLL = 0.02
CATALOGUED = 100  # services of each phase that the catalogue knows; the rest are strangers, as in life
CRITICALITIES = ("critical", "high", "medium", "low")
CONFIG = Template("""\
${ports}
sources:
  prom: {type: alertmanager}
correlation:
  groups:
    - {id: by-service, by: [service], window: 1h}
services:
${services}
routes:
  - {destinations: [noc]}
destinations:
  noc: {type: webhook, url: "${sink}"}
""")


class BenchmarkError(Exception):
    """The server did not do what a measurement needs."""


def configuration(sink: str, seeds: Sequence[int], ports: Mapping[str, str]) -> str:
    """Write the configuration; *ports* is empty when embedded, else names ``broker`` and ``store``."""
    services = (
        f"  {service_name(number, seed)}:"
        f" {{criticality: {CRITICALITIES[number % len(CRITICALITIES)]}, team: team-{number % 7}}}"
        for seed in seeds
        for number in range(CATALOGUED)
    )
    lines = (f"{name}: {url}" for name, url in ports.items())
    return CONFIG.substitute(sink=sink, services="\n".join(services), ports="\n".join(lines))


def default_command() -> str:
    """Name the ``tocsin`` beside this Python, else the one on the PATH."""
    beside = Path(sys.executable).with_name("tocsin")
    return shlex.quote(str(beside)) if beside.exists() else "tocsin"


@dataclass(frozen=True, slots=True)
class Stats:
    """The loss accounting, as ``/api/v1/stats`` gives it."""

    accepted: int
    in_flight: int
    settled: int

    @property
    def adds_up(self) -> bool:
        """Whether every accepted alert has come to exactly one outcome."""
        return self.in_flight == 0 and self.settled == self.accepted


@dataclass(frozen=True, slots=True)
class Server:
    """A running Tocsin; *pids* has more than one when processes share the roles."""

    url: str
    pids: tuple[int, ...]

    async def stats(self) -> Stats:
        """Read the accounting."""
        status, page = await get_json(f"{self.url}/api/v1/stats")
        if status != 200:
            raise BenchmarkError(f"/api/v1/stats answered {status}: {page}")
        return Stats(page["accepted"], page["in_flight"], sum(page["outcomes"].values()))

    async def settled(self, accepted: int) -> tuple[bool, float]:
        """Wait until all *accepted* alerts have their outcome; tell whether they have, and when."""
        last, changed = -1, time.perf_counter()
        while True:
            stats, now = await self.stats(), time.perf_counter()
            if stats.adds_up and stats.accepted >= accepted:
                return stats.accepted == accepted, now
            if stats.settled != last:
                last, changed = stats.settled, now
            elif now - changed > STUCK_AFTER:
                return False, now
            await asyncio.sleep(POLL)


@asynccontextmanager
async def serving(
    command: str, folder: Path, config: str, roles: Sequence[Sequence[str]] = ((),)
) -> AsyncIterator[Server]:
    """Run one ``tocsin serve`` for each entry of *roles* (an empty entry: all roles) until the block ends."""
    file = folder / "tocsin.yaml"
    file.write_text(config)
    async with AsyncExitStack() as stack:
        started = []
        for number, some in enumerate(roles):
            url = f"http://127.0.0.1:{free_port()}"
            options = [arg for role in some for arg in ("--role", role)]
            arguments = ["--config", str(file), "--listen", url.removeprefix("http://"), *options]
            log = folder / f"serve-{number}.log"
            process = await _start(
                [*shlex.split(command), "serve", *arguments, "--data", str(folder / f"data-{number}")], log
            )
            stack.push_async_callback(_stop, process)
            started.append((url, process, log))
        for url, process, log in started:
            await _ready(url, process, log)
        try:
            yield Server(started[0][0], tuple(process.pid for _, process, _ in started))
        except OSError as error:
            ended = [_tail(log) for _, process, log in started if process.returncode is not None]
            last = f"tocsin serve ended. Its last words:\n{ended[0]}" if ended else f"{error!r}"
            raise BenchmarkError(last) from error


async def get_json(url: str) -> tuple[int, Any]:
    """GET a small JSON page over a connection of its own."""
    target = Target.parse(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        head = f"GET {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        reply = await reader.read(-1)
    finally:
        writer.close()
    _, _, body = reply.partition(b"\r\n\r\n")
    return int(reply[9:12]), json.loads(body or b"null")


async def _start(command: Sequence[str], log: Path) -> Process:
    with log.open("wb") as out:
        return await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, start_new_session=True)


async def _ready(url: str, process: Process, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    answer: object = "nothing yet"
    while time.monotonic() < deadline and process.returncode is None:
        try:
            status, answer = await get_json(f"{url}/readyz")
        except (OSError, ValueError):
            status = 0
        if status == 200:
            return
        await asyncio.sleep(0.05)
    state = f"exit {process.returncode}, /readyz: {answer}"
    raise BenchmarkError(f"tocsin serve was not ready ({state}). Its last words:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


async def _stop(process: Process) -> None:
    """Let it drain, then make sure of it and of whatever it started."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
