"""The other side of the webhook contract: a ticketing tool that keeps one ticket a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy


@dataclass(frozen=True, slots=True)
class Posted:
    """One request, as it came."""

    headers: CIMultiDictProxy[str]
    body: bytes
    json: dict[str, Any]


@dataclass(slots=True)
class WebhookSink:
    """Serve `app` somewhere; *tickets* and *posted* tell what happened."""

    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)

    def app(self) -> web.Application:
        """Make the server."""
        app = web.Application(client_max_size=4 << 20)
        app.add_routes([web.post("/tickets", self._post), web.get("/tickets", self._find)])
        return app

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
