"""Tocsin as people run it: ``tocsin serve`` in processes of its own, spoken to over HTTP only."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from tests.services.server import GUARDED, HOST, free_port

T = TypeVar("T")

TOKEN = "some-token"
EVERYTHING: tuple[str, ...] = ()
"""The roles of a process that is told none."""
SPLIT = (("ingest",), ("correlate",), ("deliver",))
LISTENS_WITHIN = 30.0
STOPS_WITHIN = 30.0
ANSWERS_WITHIN = 15.0
WITHIN = 40.0
POLL = 0.05
LAST_LINES = 30


NOT_YET = (AssertionError, LookupError, ValueError, TimeoutError, aiohttp.ClientError)
"""How a look at something that is still on its way ends."""


async def eventually(check: Callable[[], Awaitable[T]], within: float = WITHIN) -> T:
    """Repeat *check* until nothing is wrong with what it sees; its last failure is ours when time is up."""
    deadline = time.monotonic() + within
    while True:
        try:
            return await check()
        except NOT_YET:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got."""

    status: int
    headers: Mapping[str, str]
    json: Any


class Serve:
    """One ``tocsin serve``: start, stop, kill, and start again on the same port and data.

    It has a process group of its own, with a guard that kills it when this process dies, however it dies.
    """

    def __init__(self, folder: Path, config: Path, env: Mapping[str, str], roles: Sequence[str]) -> None:
        self.name = "-".join(roles or ("all",))
        self.roles = roles
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.log = folder / f"{self.name}-{self.port}.log"
        self._data = folder / f"data-{self.port}"
        self._command = [str(Path(sys.executable).with_name("tocsin")), "serve", "--config", str(config)]
        self._env = {**os.environ, **env}
        self._process: Process | None = None

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped or killed since."""
        return self._process is not None

    async def launch(self) -> None:
        """Start it; return at once."""
        options = ["--listen", f"{HOST}:{self.port}", "--data", str(self._data)]
        roles = [part for role in self.roles for part in ("--role", role)]
        self._process = await asyncio.create_subprocess_exec(
            *("sh", "-c", GUARDED, str(self.log), *self._command, *options, *roles),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=self._env,
            start_new_session=True,
        )

    async def start(self) -> None:
        """Start it and return when it listens."""
        await self.launch()
        async with aiohttp.ClientSession() as http:
            await eventually(lambda: self._answers(http), LISTENS_WITHIN)

    async def _answers(self, http: aiohttp.ClientSession) -> None:
        assert self._process is not None
        assert self._process.returncode is None, f"it ended. Its last words:\n{self.last_words()}"
        async with http.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(5)):
            pass

    async def term(self) -> int:
        """Tell it to stop; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOPS_WITHIN):
            code = await self._process.wait()
        await self.kill9()
        return code

    async def kill9(self) -> None:
        """Kill it, and its guard, as a power cut would."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()

    def pause(self) -> None:
        """Freeze it: its connections stay open, and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def hang_up(self) -> None:
        """Have it read its configuration again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """Return the last lines that it wrote."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LAST_LINES:])


class Tocsin:
    """A deployment: processes with one configuration that share the work, and how to talk to them."""

    def __init__(
        self,
        folder: Path,
        config: str,
        env: Mapping[str, str],
        roles: Sequence[Sequence[str]],
        http: aiohttp.ClientSession,
    ) -> None:
        self.config = folder / "tocsin.yaml"
        self.config.write_text(config)
        self.processes = [Serve(folder, self.config, env, each) for each in roles]
        self._http = http

    def with_role(self, role: str) -> list[Serve]:
        """List the processes that do *role*."""
        return [each for each in self.processes if not each.roles or role in each.roles]

    async def start(self) -> None:
        """Start all that do not run."""
        await asyncio.gather(*(each.start() for each in self.processes if not each.runs))

    async def term(self) -> list[int]:
        """Stop all in an orderly way; return their exit codes."""
        return await asyncio.gather(*(each.term() for each in self.processes if each.runs))

    async def kill9(self) -> None:
        """Kill all."""
        await asyncio.gather(*(each.kill9() for each in self.processes))

    def post(
        self, alerts: Sequence[Mapping[str, Any]], token: str = TOKEN, via: int = 0
    ) -> Awaitable[Answer]:
        """Post a webhook as Alertmanager does, to the process *via* of those that take them in."""
        url = f"{self.with_role('ingest')[via].url}/ingest/prom"
        login = {"Authorization": f"Bearer {token}"}
        return self._ask("POST", url, headers=login, json={"version": "4", "alerts": alerts})

    def post_to(self, source: str, body: Any) -> Awaitable[Answer]:
        """Post whatever another source takes."""
        url = f"{self.with_role('ingest')[0].url}/ingest/{source}"
        return self._ask("POST", url, headers={"Authorization": f"Bearer {TOKEN}"}, json=body)

    async def reload(self) -> list[Answer]:
        """Have each process read its configuration again."""
        urls = [f"{each.url}/api/v1/reload" for each in self.processes if each.runs]
        return [await self._ask("POST", url) for url in urls]

    def tell(self, destination: str, headers: Mapping[str, str], body: bytes) -> Awaitable[Answer]:
        """Post a callback as a ticketing tool does."""
        url = f"{self.with_role('ingest')[0].url}/callback/{destination}"
        return self._ask("POST", url, headers=headers, data=body)

    async def get(self, path: str, **query: str) -> Any:
        """Read a page of the API from the first process that runs."""
        serve = next(each for each in self.processes if each.runs)
        answer = await self._ask("GET", serve.url + path, params=query)
        assert answer.status == 200, answer
        return answer.json

    async def stats(self) -> Any:
        """Read the loss accounting."""
        return await self.get("/api/v1/stats")

    async def incidents(self, **query: str) -> list[Any]:
        """Read all incidents, page by page."""
        return await self._all("/api/v1/incidents", **query)

    async def alerts(self, **query: str) -> list[Any]:
        """Read all alerts, page by page."""
        return await self._all("/api/v1/alerts", **query)

    async def timeline(self, incident: str) -> list[Any]:
        """Read an incident's story."""
        return await self._all(f"/api/v1/incidents/{incident}/timeline")

    async def _all(self, path: str, **query: str) -> list[Any]:
        page = await self.get(path, **query)
        items = list(page["items"])
        while page["next"] is not None:
            page = await self.get(path, **query, cursor=page["next"])
            items += page["items"]
        return items

    async def _ask(self, method: str, url: str, **options: Any) -> Answer:
        patience = aiohttp.ClientTimeout(ANSWERS_WITHIN)
        async with self._http.request(method, url, timeout=patience, **options) as reply:
            is_json = reply.content_type.endswith("json")
            return Answer(
                reply.status, reply.headers, await reply.json(content_type=None) if is_json else None
            )


@asynccontextmanager
async def tocsin(
    folder: Path, config: str, env: Mapping[str, str], roles: Sequence[Sequence[str]] = (EVERYTHING,)
) -> AsyncIterator[Tocsin]:
    """Make a deployment, not started; kill whatever runs of it at the end. Its last words are in the output."""
    async with aiohttp.ClientSession() as http:
        made = Tocsin(folder, config, env, roles, http)
        try:
            yield made
        finally:
            await made.kill9()
            for each in made.processes:
                print(f"---- {each.name} ({each.port})\n{each.last_words()}")
