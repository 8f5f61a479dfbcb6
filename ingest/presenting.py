"""A request in the words of parsers and authenticators, made without copying what nobody asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from aiohttp import web
from multidict import CIMultiDictProxy

from domain.times import Millis
from ingest.auth import Presented
from ingest.heads import Whole
from ingest.reading import Body
from ingest.sources import BadBody, Post, Style
from ingest.sources.node import Node

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Headers by their names in lower case; the values of a repeated one joined by a comma."""

    __slots__ = ("_raw",)

    def __init__(self, raw: CIMultiDictProxy[str]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        values = self._raw.getall(name)
        return values[0] if len(values) == 1 else ", ".join(values)

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...
    def get(self, name: str, /, default: str | T | None = None) -> str | T | None:
        """Look before reading: most that is asked for is not there, and an exception is dear."""
        return self[name] if name in self._raw else default

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._raw))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def post_of(request: web.Request | Whole, body: bytes, received_at: Millis, source: str, path: str) -> Post:
    """Say what was posted."""
    query: Mapping[str, str] = request.query if request.query_string else {}
    return Post(body, received_at, source, Headers(request.headers), query, request.method, path)


def presented(request: web.Request | Whole, body: Body, now: Millis, style: Style, path: str) -> Presented:
    """Say what tells who sent it."""
    return Presented(
        now=now,
        headers=_with_key(Headers(request.headers), body.unpacked, style),
        body=body.unpacked,
        sent=body.sent,
        query=request.query,
        method=request.method,
        path=path,
        peer=request.remote or "",
    )


def _with_key(headers: Headers, body: bytes, style: Style) -> Mapping[str, str]:
    """Let the keys of tools that others imitate pass for a bearer token."""
    header = headers.get("authorization", "")
    if style is Style.OPSGENIE and header.lower().startswith("geniekey "):
        return {**headers, "authorization": f"Bearer {header[9:]}"}
    if style is Style.PAGERDUTY and not header and (key := routing_key(body)):
        return {**headers, "authorization": f"Bearer {key}"}
    return headers


def routing_key(body: bytes) -> str:
    """Find the key in a body of PagerDuty's Events API; empty if there is none."""
    try:
        return Node.json(body)["routing_key"].text()
    except BadBody:
        return ""
