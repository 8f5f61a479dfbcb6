"""How every address answers: JSON when it can, ``problem+json`` when it cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from domain.errors import StorageFull, Unavailable
from ingest.problems import Refusal, wait

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_AFTER = 5.0
READ = ("GET", "HEAD")


def answering(handler: Handler, methods: tuple[str, ...] = READ) -> Handler:
    """Let *handler* raise what is wrong with a request, or what does not answer behind it."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        """Answer, whatever happens."""
        try:
            _check_method(request, methods)
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except StorageFull as error:
            return wait("storage-full", str(error), error.retry_after).response()
        except Unavailable as error:
            return wait("store-away", f"what was asked for cannot be done: {error}", RETRY_AFTER).response()

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


def _check_method(request: web.Request, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        wanted = " or ".join(method for method in methods if method != "HEAD")
        detail = f"this address is used with {wanted}, not {request.method}"
        allow = {"Allow": ", ".join(methods)}
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, headers=allow)
