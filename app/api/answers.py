"""How every address answers: JSON when it can, ``problem+json`` when it cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from domain.errors import Unavailable
from ingest.problems import Refusal, wait

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_AFTER = 5.0
_METHODS = ("GET", "HEAD")


def answering(handler: Handler) -> Handler:
    """Let *handler* raise what is wrong with a request, or what does not answer behind it."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        """Answer, whatever happens."""
        try:
            _check_method(request)
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except Unavailable as error:
            return wait("store-away", f"what was asked for cannot be read: {error}", RETRY_AFTER).response()

    return answer


def json(data: Any, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer with *data*, which is true now and perhaps not any more the next moment."""
    return web.Response(
        body=msgspec.json.encode(data),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def not_found(slug: str, detail: str) -> Refusal:
    """Say that there is no such thing."""
    return Refusal(HTTPStatus.NOT_FOUND, slug, detail)


def _check_method(request: web.Request) -> None:
    if request.method not in _METHODS:
        detail = f"this address is read with GET, not {request.method}"
        allow = {"Allow": ", ".join(_METHODS)}
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, headers=allow)
