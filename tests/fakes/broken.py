"""A server that answers every request with the same trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is answered. *hang*: nothing. *drop*: the connection ends after the request was read."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False


def broken_app(trouble: Trouble, whole: Iterable[web.AbstractRouteDef] = ()) -> web.Application:
    """Make the server; what is at *whole* still works."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        if trouble.hang:
            await asyncio.sleep(60)
        if trouble.drop and request.transport is not None:
            request.transport.abort()
        return web.Response(status=trouble.status, text=trouble.body, headers=trouble.headers)

    app = web.Application(client_max_size=4 << 20)
    app.add_routes(whole)
    app.router.add_route("*", "/{path:.*}", answer)
    return app
