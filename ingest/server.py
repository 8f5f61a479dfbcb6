"""Webhooks in: who may post, what they posted, and the answer once the alerts are on durable storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any, Protocol

from aiohttp import web

from domain.errors import StorageFull, Unavailable
from domain.events import AlertsReceived
from domain.times import Millis
from ingest.auth import Authenticator
from ingest.problems import Refusal, wait
from ingest.reading import Bounds, read_json
from ingest.sources import BadBody, NotJson, Parser

SERVER_OPTIONS: Mapping[str, Any] = {"auto_decompress": False}
"""For ``web.AppRunner``: bodies are unpacked here, within a bound; aiohttp would do it without one."""

BROKER_RETRY_AFTER = 5.0
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source, ready to use."""

    name: str
    auth: Authenticator
    parse: Parser
    parse_push: Parser | None = None
    """Reads what Prometheus pushes, where the source can stand in for an Alertmanager."""


class Accepts(Protocol):
    """What makes alerts durable."""

    producer: str

    async def publish(self, event: AlertsReceived) -> None:
        """Return once *event* is on durable storage."""
        ...


class Ingest:
    """The handlers of all addresses that tools post to.

    - ``POST /ingest/{source}``: a tool's webhook; 202 with ``{"id", "accepted"}``.
    - ``POST /ingest/{source}/api/v2/alerts``: Prometheus with ``path_prefix: /ingest/{source}``; 200, empty.
    - ``POST /api/v2/alerts``: Prometheus as it comes; 200, empty. The source is that of ``?source=``, else
      the first configured one whose credentials match, else the first that is open to everybody.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        publisher: Accepts,
        now: Callable[[], Millis],
        bounds: Bounds | None = None,
    ) -> None:
        self._sources = sources
        self._publisher = publisher
        self._now = now
        self._bounds = bounds or Bounds()
        self._numbers = count(1)
        self.requests: Counter[tuple[str, str]] = Counter()
        """(source, result) → requests. A result is ``accepted`` or the slug of a problem: few and fixed."""
        self.alerts: Counter[str] = Counter()
        """Source → alerts accepted."""

    def routes(self) -> list[web.RouteDef]:
        """List what to add to the application. They take every method, to answer a wrong one in our way."""
        return [
            web.route("*", "/ingest/{source}", self.webhook),
            web.route("*", "/ingest/{source}/api/v2/alerts", self.push_to_source),
            web.route("*", "/api/v2/alerts", self.push),
        ]

    async def webhook(self, request: web.Request) -> web.Response:
        """Take a tool's own webhook."""
        name = request.match_info["source"]
        try:
            source = self._named(request, name)
            _authenticate(source, request)
            event = await self._take(request, source, source.parse)
        except (Refusal, BadBody, StorageFull, Unavailable) as error:
            return self._refuse(name, error)
        answer = b'{"id":"%b","accepted":%d}' % (event.id.encode(), len(event.alerts))
        return web.Response(body=answer, status=202, content_type="application/json")

    async def push_to_source(self, request: web.Request) -> web.Response:
        """Take what Prometheus pushes to an Alertmanager, for a source named in the path."""
        return await self._push(request, request.match_info["source"])

    async def push(self, request: web.Request) -> web.Response:
        """Take what Prometheus pushes to an Alertmanager, for the source that its credentials tell."""
        return await self._push(request, request.query.get("source"))

    async def _push(self, request: web.Request, name: str | None) -> web.Response:
        try:
            source = self._matching(request) if name is None else self._named(request, name)
            _authenticate(source, request)
            await self._take(request, source, _push_parser(source))
        except (Refusal, BadBody, StorageFull, Unavailable) as error:
            return self._refuse(name or "", error)
        return web.Response()

    def _named(self, request: web.Request, name: str) -> Source:
        _check_method(request)
        source = self._sources.get(name)
        if source is None:
            detail = f"there is no source {name!r}"
            raise Refusal(
                HTTPStatus.NOT_FOUND, "unknown-source", detail, members={"known": list(self._sources)}
            )
        return source

    def _matching(self, request: web.Request) -> Source:
        _check_method(request)
        fit = [source for source in self._sources.values() if source.parse_push]
        if not fit:
            detail = "no source takes what Prometheus pushes; configure one of type alertmanager"
            raise Refusal(
                HTTPStatus.NOT_FOUND, "unknown-source", detail, members={"known": list(self._sources)}
            )
        header = request.headers.get("Authorization")
        matching = [source for source in fit if source.auth.accepts(header)]
        matching.sort(key=lambda source: source.auth.open)
        return (matching or fit)[0]

    async def _take(self, request: web.Request, source: Source, parse: Parser) -> AlertsReceived:
        body = await read_json(request, self._bounds)
        received_at = self._now()
        alerts = parse(body, received_at, source.name)
        event = AlertsReceived(f"{self._publisher.producer}-{next(self._numbers):x}", received_at, alerts)
        if alerts:
            await self._publisher.publish(event)
        self.requests[source.name, ACCEPTED] += 1
        self.alerts[source.name] += len(alerts)
        return event

    def _refuse(self, name: str, error: Refusal | BadBody | StorageFull | Unavailable) -> web.Response:
        refusal = _refusal(error)
        self.requests[name if name in self._sources else "", refusal.slug] += 1
        return refusal.response()


def _check_method(request: web.Request) -> None:
    if request.method != "POST":
        detail = f"alerts are sent with POST, not {request.method}"
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, headers={"Allow": "POST"})


def _authenticate(source: Source, request: web.Request) -> None:
    if not source.auth.accepts(request.headers.get("Authorization")):
        detail = f"the credentials given do not open source {source.name!r}"
        challenge = {"WWW-Authenticate": source.auth.challenge}
        raise Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=challenge)


def _push_parser(source: Source) -> Parser:
    if source.parse_push is None:
        detail = f"source {source.name!r} does not take what Prometheus pushes; post to /ingest/{source.name}"
        raise Refusal(HTTPStatus.NOT_FOUND, "no-push", detail)
    return source.parse_push


def _refusal(error: Refusal | BadBody | StorageFull | Unavailable) -> Refusal:
    match error:
        case Refusal():
            return error
        case NotJson():
            place = {"line": error.line, "column": error.column} if error.line else {}
            where = f" (line {error.line}, column {error.column})" if place else ""
            detail = f"the body is not JSON: {error}{where}"
            return Refusal(HTTPStatus.BAD_REQUEST, "not-json", detail, members=place)
        case BadBody():
            detail = f"{error.path}: {error}" if error.path else str(error)
            return Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-shape", detail, members={"path": error.path}
            )
        case StorageFull():
            return wait("storage-full", str(error), error.retry_after)
        case Unavailable():
            return wait("broker-away", f"the alerts could not be made durable: {error}", BROKER_RETRY_AFTER)
