"""``/api/v1/changes``: what was told of changes, of which incidents may come."""

from __future__ import annotations

import builtins

from aiohttp import web

from app.api.answers import json, not_found
from app.api.paging import INDEX_PAGE, TEXT, limit_of, one_of, place_cursor, read_query
from app.api.problem_views import change_view
from app.reads import ReadModel
from app.records import Records
from correlation.state import CHANGES, change_record
from domain.change import Change, ChangeState

LIST = {"state": one_of(ChangeState), "service": TEXT, **INDEX_PAGE}


class Changes:
    """Answers about changes. All partitions are told of each; the first speaks for them."""

    def __init__(self, reads: ReadModel) -> None:
        self._changes = Records(reads, CHANGES, change_record, Change, first_only=True)

    async def list(self, request: web.Request) -> web.Response:
        """List changes, the one that began last first."""
        query = read_query(request, LIST)
        state, service = query.get("state"), query.get("service")

        def wants(change: Change) -> bool:
            """Tell whether it is one of those asked for."""
            return (state is None or change.state is state) and (
                service is None or service in change.services
            )

        page = await self._changes.list(wants, limit=limit_of(query), after=query.get("cursor"))
        return json({"items": builtins.list(map(change_view, page.items)), "next": place_cursor(page.next)})

    async def one(self, request: web.Request) -> web.Response:
        """Show a change."""
        read_query(request, {})
        name = f"{request.match_info['source']}/{request.match_info['key']}"
        found = await self._changes.find(name)
        if found is None:
            raise not_found("unknown-change", f"there is no change {name!r}, or not any more")
        return json(change_view(found[1]))
