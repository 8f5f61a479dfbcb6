"""Who asks: what the gate found out, for whoever answers."""

from __future__ import annotations

from aiohttp import web

from domain.access import Principal

PRINCIPAL = web.RequestKey("principal", Principal)
NOBODY = "anonymous"


def actor(request: web.Request, named: str) -> str:
    """Say who asks. Who was let in without a token may give a name; a token has its own."""
    principal = request[PRINCIPAL]
    return named if principal.name == NOBODY else principal.name
