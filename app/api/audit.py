"""``/api/v1/audit``: everything that was asked for beyond looking, by whom, and what was answered."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web

from app.api.answers import json
from app.api.paging import LOG_PAGE, Parameter, limit_of, number_cursor, read_query
from app.api.shapes import AuditView
from app.reads import ReadModel
from correlation.audit import month_of
from domain.events import Audited
from domain.times import Millis, to_text

_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise ValueError(text)
    return text


MONTH = Parameter(_month, ("a month like 2026-11",), {"type": "string", "pattern": f"^{_MONTH.pattern}$"})
LIST = {"month": MONTH, **LOG_PAGE}


class AuditLog:
    """Answers who did what."""

    def __init__(self, reads: ReadModel, clock: Callable[[], Millis]) -> None:
        self._reads = reads
        self._clock = clock

    async def list(self, request: web.Request) -> web.Response:
        """List what was asked for in a month, by default this one, from its beginning."""
        query = read_query(request, LIST)
        month = query.get("month") or month_of(self._clock())
        page = await self._reads.audited(month, limit=limit_of(query), start=query.get("cursor", 0))
        return json({"items": list(map(_shown, page.items)), "next": number_cursor(page.next)})


def _shown(line: Audited) -> AuditView:
    return {
        "at": to_text(line.at),
        "actor": line.actor,
        "role": line.role,
        "method": line.method,
        "path": line.path,
        "status": line.status,
        "peer": line.peer,
    }
