"""A ticketing tool at the far end, as the fake of its adapter plays it: it is stopped, and started on the same port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from adapters.fakes.base import Fake, Handler, Shown
from tests.services.server import HOST, free_port


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str


class Desk:
    """One tool. Its tickets outlive a stop, as they would in a database."""

    def __init__(self, name: str, fake: Fake, key: Callable[[Shown], str], reads: frozenset[str]) -> None:
        self.name = name
        self.fake = fake
        self.url = f"http://{HOST}:{free_port()}"
        self.asked: list[Asked] = []
        self._key = key
        self._reads = reads
        self._runner: web.AppRunner | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What a destination is told to speak to it, and to ask it once a second."""
        return self.fake.settings(self.url) | {"poll": "1s"}

    async def up(self) -> None:
        """Begin to listen."""
        app = self.fake.app()
        app.middlewares.append(self._count)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await self._runner.setup()
        port = int(self.url.rpartition(":")[2])
        await web.TCPSite(self._runner, HOST, port, reuse_address=True).start()

    async def down(self) -> None:
        """Stop listening and drop all connections, whatever is under way."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def tickets(self) -> dict[str, list[str]]:
        """List the ids of the tickets of each key: more than one is a broken promise."""
        found: dict[str, list[str]] = {}
        for id_ in self.fake.ids():
            found.setdefault(self._key(self.fake.look(id_)), []).append(id_)
        return found

    def shown(self, key: str) -> Shown:
        """See the ticket of an incident."""
        [id_] = self.tickets()[key]
        return self.fake.look(id_)

    def writes(self) -> int:
        """Count the requests that change something, or may."""
        return sum(
            one.method != "GET" and one.path.rpartition("/")[2] not in self._reads for one in self.asked
        )

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append(Asked(request.method, request.path))
        return await handler(request)
