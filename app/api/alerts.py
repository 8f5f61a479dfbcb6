"""``/api/v1/alerts``: every condition that tools told of, as it is now."""

from __future__ import annotations

from aiohttp import web

from app.api.answers import json
from app.api.paging import INDEX_PAGE, TEXT, limit_of, one_of, place_cursor, read_query
from app.api.views import alert_view
from app.reads import AlertFilter, ReadModel
from domain.alert import Phase

LIST = {"state": one_of(Phase), "service": TEXT, "source": TEXT, **INDEX_PAGE}


class Alerts:
    """Answers about alerts."""

    def __init__(self, reads: ReadModel) -> None:
        self._reads = reads

    async def list(self, request: web.Request) -> web.Response:
        """List alerts, the one first seen last first."""
        query = read_query(request, LIST)
        wanted = AlertFilter(query.get("state"), query.get("service"), query.get("source"))
        page = await self._reads.alerts(wanted, limit=limit_of(query), after=query.get("cursor"))
        return json({"items": list(map(alert_view, page.items)), "next": place_cursor(page.next)})
