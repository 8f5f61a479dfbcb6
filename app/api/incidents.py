"""``/api/v1/incidents``: what is or was wrong, what was decided about it and why, and its tickets."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

from app.api.answers import json, not_found
from app.api.paging import (
    INDEX_PAGE,
    LOG_PAGE,
    TEXT,
    limit_of,
    number_cursor,
    one_of,
    place_cursor,
    read_query,
)
from app.api.views import alert_view, incident_view, timeline_view
from app.reads import IncidentFilter, ReadModel
from domain.incident import IncidentState
from domain.priority import Priority

T = TypeVar("T")

LIST = {"state": one_of(IncidentState), "service": TEXT, "priority": one_of(Priority), **INDEX_PAGE}


class Incidents:
    """Answers about incidents."""

    def __init__(self, reads: ReadModel) -> None:
        self._reads = reads

    async def list(self, request: web.Request) -> web.Response:
        """List incidents, the one opened last first."""
        query = read_query(request, LIST)
        wanted = IncidentFilter(query.get("state"), query.get("service"), query.get("priority"))
        page = await self._reads.incidents(wanted, limit=limit_of(query), after=query.get("cursor"))
        return json({"items": list(map(incident_view, page.items)), "next": place_cursor(page.next)})

    async def one(self, request: web.Request) -> web.Response:
        """Show an incident."""
        read_query(request, {})
        return json(incident_view(_found(await self._reads.incident(_id(request)), request)))

    async def timeline(self, request: web.Request) -> web.Response:
        """Tell an incident's story, from its beginning."""
        query = read_query(request, LOG_PAGE)
        start = query.get("cursor", 0)
        page = _found(await self._reads.timeline(_id(request), limit=limit_of(query), start=start), request)
        return json({"items": list(map(timeline_view, page.items)), "next": number_cursor(page.next)})

    async def alerts(self, request: web.Request) -> web.Response:
        """List an incident's alerts, the one that joined first first."""
        query = read_query(request, LOG_PAGE)
        start = query.get("cursor", 0)
        page = _found(await self._reads.members(_id(request), limit=limit_of(query), start=start), request)
        return json({"items": list(map(alert_view, page.items)), "next": number_cursor(page.next)})


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _found(value: T | None, request: web.Request) -> T:
    if value is None:
        raise not_found("unknown-incident", f"there is no incident {_id(request)!r}, or not any more")
    return value
