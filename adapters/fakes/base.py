"""What stands in for a ticketing tool: keeps tickets, and has the tool's traps. For tests and for rehearsals.

A fake is written from what the vendor publishes and from what real servers were seen to do, never from what
the adapter happens to send.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from domain.priority import Priority
from domain.ticket import TicketState

MAX_BODY = 4 << 20
READS = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket as a person sees it in the tool."""

    title: str
    text: str
    is_open: bool
    priority: str
    comments: tuple[str, ...] = ()
    """The notes people see, the description not among them."""
    state: str = ""
    """The tool's own word."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """More fields, by their names in the tool's API."""
    links: tuple[str, ...] = ()
    """Ids of the tickets it is linked to."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person does to a ticket in the tool. What is None is left alone."""

    actor: str = "alice"
    state: TicketState | None = None
    priority: Priority | None = None
    assignee: str | None = None
    comment: str | None = None
    merge_into: str | None = None
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that comes in place of the real one, with nothing done."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Hazards:
    """What shall go wrong."""

    answers: deque[Answer] = field(default_factory=deque)
    """In place of the next requests' answers."""
    lost: int = 0
    """How many of the next writes are done, and their answers never sent."""
    delay: float = 0.0
    """Seconds that every answer takes."""


class Fake(ABC):
    """One tool. ``app`` serves it; ``look`` and ``act`` are the eyes and hands of a person in front of it."""

    type: ClassVar[str]
    """Of the destination that speaks to it."""
    priorities: ClassVar[Mapping[Priority, str]]
    """How ``look`` shows each."""
    longest: ClassVar[int] = 1_000_000
    """Characters of a description that the tool keeps."""
    speaks_http: ClassVar[bool] = True
    """Whether what goes wrong on the way is what goes wrong with HTTP."""
    extra_field: ClassVar[str] = ""
    """A field that may be set by the ``fields`` of a destination, and that ``look`` shows; empty for none."""
    deeds: ClassVar[frozenset[str]] = frozenset()
    """Fields of ``Deed`` that ``act`` heeds."""
    tolerates: ClassVar[frozenset[str]] = frozenset()
    """Troubles of the contract suite that are none here, as where a create need not name a ticket."""

    logins: ClassVar[frozenset[str]] = frozenset()
    """Paths that give out what all other requests are let in with. No hazard is there."""

    def __init__(self, *, search_lag: float = 0.0) -> None:
        self.search_lag = search_lag
        """Seconds until a search sees what was created."""
        self.hazards = Hazards()

    @abstractmethod
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what the tool answers."""

    @abstractmethod
    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination that speaks to it at *url*, as they stand in YAML."""

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with credentials that the tool refuses; the right ones where it has none."""
        return self.settings(url)

    def limited(self) -> Answer:
        """Give the tool's own way to say that there were too many requests, with 7 seconds to wait if it can."""
        return Answer(429, headers={"Retry-After": "7"})

    @abstractmethod
    def look(self, id_: str) -> Shown:
        """See a ticket as a person does. *id_* is that of its ``TicketRef``."""

    @abstractmethod
    def ids(self) -> list[str]:
        """List all tickets, the oldest first, as ``look`` takes them."""

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        raise NotImplementedError(f"nobody can do {deed} to {id_} in {self.type}")

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give headers, names in lower case, and body of what the tool would post of a ticket's last change."""
        raise NotImplementedError(f"{self.type} posts nothing of {id_}")

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve it on this machine, on a free port unless one is given; gives its address."""
        runner = web.AppRunner(self.app(), shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def app(self) -> web.Application:
        """Make the server."""
        app = web.Application(middlewares=[self._endangered, self.let_in], client_max_size=MAX_BODY)
        app.add_routes(self.routes())
        return app

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check credentials; everybody is let in by a tool without."""
        return await handler(request)

    @web.middleware
    async def _endangered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hazards = self.hazards
        if request.path in self.logins:
            return await handler(request)
        if hazards.delay:
            await asyncio.sleep(hazards.delay)
        if hazards.answers:
            await request.read()
            answer = hazards.answers.popleft()
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        response = await handler(request)
        if hazards.lost and request.method not in READS and request.transport is not None:
            hazards.lost -= 1
            request.transport.abort()
        return response
