"""A ticketing tool at the far end of a ``webhook`` destination, that does what real ones do on a bad day.

It keeps the contract to the letter but never repairs what Tocsin does wrong: a second create of a key is
performed, and counted, like the first.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from tests.services.server import HOST, free_port


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request is treated. As it is: performed and answered."""

    performs: bool = True
    status: int = 0
    """Answered instead of the ticket's name."""
    headers: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False
    """The connection ends without an answer."""
    hangs: bool = False
    """Nothing is answered for longer than anybody waits."""


FINE = Fault()
DONE_BUT_DROPPED = Fault(drops=True)
DROPPED = Fault(performs=False, drops=True)
HANGS = Fault(performs=False, hangs=True)


def refusing(status: int, **headers: str) -> Fault:
    """Answer *status* and perform nothing."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(performs=False, status=status, headers=named)


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST, as it came."""

    at: float
    headers: Mapping[str, str]
    json: dict[str, Any]
    fault: Fault

    @property
    def action(self) -> str:
        """What is asked for."""
        return str(self.json["action"])

    @property
    def key(self) -> str:
        """The ticket it is about."""
        return str(self.json["key"])


Mood = Callable[[str], Fault]
"""Given an action, how it is treated."""


def always(fault: Fault) -> Mood:
    """Treat every request so."""
    return lambda _action: fault


def first(count: int, fault: Fault, action: str = "") -> Mood:
    """Treat the first *count* requests (for *action*) so, and all others well."""
    left = iter([fault] * count)
    return lambda asked: next(left, FINE) if action in {"", asked} else FINE


def sometimes(dice: Random, share: float, *faults: Fault) -> Mood:
    """Treat a *share* of the requests badly."""
    return lambda _action: dice.choice(faults) if dice.random() < share else FINE


class Sink:
    """The tool: what it was told, what it did, and what its tickets show."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}/tickets"
        self.mood: Mood = always(FINE)
        self.posted: list[Posted] = []
        self.lookups: list[str] = []
        self.creates: Counter[str] = Counter()
        """Key → creates performed: more than one is a broken promise."""
        self.tickets: dict[str, dict[str, Any]] = {}
        """Key → the last that its ticket was told to show."""
        self._runner: web.AppRunner | None = None

    async def up(self) -> None:
        """Begin to listen."""
        app = web.Application(client_max_size=4 << 20)
        app.add_routes([web.post("/tickets", self._post), web.get("/tickets", self._find)])
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()

    async def down(self) -> None:
        """Stop listening and drop all connections; what was performed stays so."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def actions(self, key: str = "") -> list[str]:
        """List what was performed, in order."""
        return [each.action for each in self.posted if each.fault.performs and key in {"", each.key}]

    def shown(self, key: str) -> dict[str, Any]:
        """Return the last body performed for *key*."""
        assert key in self.tickets, f"no ticket {key}"
        return self.tickets[key]

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        fault = self.mood(body["action"])
        self.posted.append(Posted(time.monotonic(), request.headers.copy(), body, fault))
        if fault.performs:
            self._perform(body)
        return await self._answer(request, body["key"], fault)

    def _perform(self, body: dict[str, Any]) -> None:
        key = body["key"]
        self.creates[key] += body["action"] == "create"
        self.tickets[key] = body

    async def _find(self, request: web.Request) -> web.Response:
        key = request.query["key"]
        self.lookups.append(key)
        if not self.creates[key]:
            return web.json_response({"detail": "no such ticket"}, status=404)
        return await self._answer(request, key, FINE)

    async def _answer(self, request: web.Request, key: str, fault: Fault) -> web.Response:
        if fault.hangs:
            await asyncio.sleep(3600)
        if fault.drops and request.transport is not None:
            request.transport.abort()
        if fault.status:
            return web.json_response({"detail": "not today"}, status=fault.status, headers=fault.headers)
        name = f"T-{key}"
        return web.json_response({"id": name, "url": f"{self.url}/{name}"})


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    """Have a sink until the block ends."""
    sink = Sink()
    await sink.up()
    try:
        yield sink
    finally:
        await sink.down()
