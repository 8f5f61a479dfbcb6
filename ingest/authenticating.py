"""From a verdict to letting in, or to a refusal that says why."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from domain.times import Millis
from ingest.auth import Result, Verdict
from ingest.heads import Whole
from ingest.presenting import presented
from ingest.problems import Refusal, wait
from ingest.reading import Body
from ingest.source import Source
from ingest.sources import Style

KEYS_RETRY_AFTER = 5.0
_PASSED = Verdict(Result.ACCEPTED)
_NO_BODY = Body(b"")


def by_header(request: web.Request | Whole, source: Source) -> Verdict | None:
    """Decide by the header that holds credentials, where that says all there is to say; else None.

    Raises:
        Refusal: if it is not let in.
    """
    auth = source.auth
    if not auth.header_only or source.tool.style is not Style.TOCSIN:
        return None
    if auth.open or auth.accepts(request.headers.get("Authorization")):
        return _PASSED
    raise _unauthorized(source, "")


async def before_body(request: web.Request | Whole, source: Source, now: Millis, path: str) -> Verdict | None:
    """Decide before the body is read, where that can be; else None.

    Raises:
        Refusal: if it is not let in.
    """
    auth = source.auth
    if auth.reads_body or (source.tool.style is Style.PAGERDUTY and not auth.open):
        return None
    return await with_body(request, source, _NO_BODY, now, path)


async def with_body(
    request: web.Request | Whole, source: Source, body: Body, now: Millis, path: str
) -> Verdict:
    """Decide.

    Raises:
        Refusal: if it is not let in.
    """
    verdict = await source.auth.check(presented(request, body, now, source.tool.style, path))
    if verdict.authentic:
        return verdict
    if verdict.result is Result.FORBIDDEN:
        raise Refusal(HTTPStatus.FORBIDDEN, "forbidden", verdict.reason)
    if verdict.result is Result.UNAVAILABLE:
        raise wait("keys-away", verdict.reason, KEYS_RETRY_AFTER)
    raise _unauthorized(source, verdict.reason)


def _unauthorized(source: Source, reason: str) -> Refusal:
    detail = f"the credentials given do not open source {source.name!r}{f': {reason}' if reason else ''}"
    challenge = {"WWW-Authenticate": source.auth.challenge} if source.auth.challenge else {}
    return Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=challenge)
