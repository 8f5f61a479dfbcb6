"""Errors as RFC 9457 says: ``application/problem+json``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from aiohttp import web

from domain.errors import TocsinError

PROBLEM_JSON = "application/problem+json"


class Refusal(TocsinError):
    """A request that is not done: *status* and *slug* are for programs, *detail* is for people."""

    def __init__(
        self,
        status: HTTPStatus,
        slug: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.headers = headers or {}
        self.members = members or {}

    def response(self) -> web.Response:
        """Say it by aiohttp."""
        return web.Response(
            status=self.status, body=self.body(), content_type=PROBLEM_JSON, headers=self.headers
        )

    def body(self) -> bytes:
        """Write it down."""
        problem = {
            "type": f"urn:tocsin:problem:{self.slug}",
            "title": self.slug.replace("-", " ").capitalize(),
            "status": self.status.value,
            "detail": str(self),
        }
        return msgspec.json.encode({**problem, **self.members})


def wait(slug: str, detail: str, seconds: float) -> Refusal:
    """Refuse with 503 until *seconds* have passed."""
    retry_after = {"Retry-After": str(max(1, ceil(seconds)))}
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, slug, detail, headers=retry_after)
