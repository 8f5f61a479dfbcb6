"""The other side of the webhook contract: a ticketing tool that keeps one ticket a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web
from multidict import CIMultiDictProxy

from adapters.fakes.base import Fake, Shown
from domain.priority import Priority
from domain.ticket import TicketState


@dataclass(frozen=True, slots=True)
class Posted:
    """One request, as it came."""

    headers: CIMultiDictProxy[str]
    body: bytes
    json: dict[str, Any]


class FakeWebhook(Fake):
    """What a careful implementation of the contract does."""

    type = "webhook"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[str, dict[str, Any]] = {}
        """By key."""
        self.posted: list[Posted] = []

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [web.post("/tickets", self._post), web.get("/tickets", self._find)]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {"type": "webhook", "url": f"{url}/tickets"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [ticket["number"] for ticket in self.tickets.values()]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = next(one for one in self.tickets.values() if one["number"] == id_)["ticket"]
        is_open = not TicketState(ticket["state"]).is_over
        return Shown(
            ticket["title"], ticket["description"], is_open, ticket["priority"], state=ticket["state"]
        )

    async def _post(self, request: web.Request) -> web.Response:
        raw = await request.read()
        json = await request.json()
        self.posted.append(Posted(request.headers, raw, json))
        known = self.tickets.setdefault(json["key"], {"number": f"W{len(self.tickets) + 1}"})
        if json["version"] >= known.get("version", 0):
            known |= json
        return web.json_response(_named(request, known))

    async def _find(self, request: web.Request) -> web.Response:
        known = self.tickets.get(request.query["key"])
        if known is None:
            raise web.HTTPNotFound
        return web.json_response(_named(request, known))


def _named(request: web.Request, ticket: dict[str, Any]) -> dict[str, str]:
    return {"id": ticket["number"], "url": str(request.url.origin() / "show" / ticket["number"])}
