"""A request in the words of parsers and authenticators, made without copying what nobody asks for."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from domain.times import Millis
from ingest.auth import Presented
from ingest.headers import Headers
from ingest.heads import Whole
from ingest.reading import Body
from ingest.sources import BadBody, Post, Style
from ingest.sources.node import Node


def post_of(request: web.Request | Whole, body: bytes, received_at: Millis, source: str, path: str) -> Post:
    """Say what was posted."""
    query: Mapping[str, str] = request.query if request.query_string else {}
    return Post(body, received_at, source, _headers(request), query, request.method, path)


def presented(request: web.Request | Whole, body: Body, now: Millis, style: Style, path: str) -> Presented:
    """Say what tells who sent it."""
    return Presented(
        now=now,
        headers=_with_key(_headers(request), body.unpacked, style),
        body=body.unpacked,
        sent=body.sent,
        query=request.query,
        method=request.method,
        path=path,
        peer=request.remote or "",
    )


def _headers(request: web.Request | Whole) -> Headers:
    return request.head.told if isinstance(request, Whole) else Headers(request.headers)


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
