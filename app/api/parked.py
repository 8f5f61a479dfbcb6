"""``/api/v1/parked``: tickets that a tool refused for good, to be looked at, tried again or given up."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from adapters.delivery.state import TicketRecord
from app.api.answers import json, not_found
from app.api.paging import INDEX_PAGE, TEXT, limit_of, place_cursor, read_query
from app.api.views import parked_view
from app.reads import ReadModel
from domain.events import ParkedAsked, encode
from domain.ports import Broker, Message, tickets_mailbox
from domain.times import Millis

LIST = {"destination": TEXT, **INDEX_PAGE}


class Parked:
    """Answers about parked tickets. What is asked for goes through the mailbox of the destination."""

    def __init__(self, reads: ReadModel, broker: Broker, clock: Callable[[], Millis]) -> None:
        self._reads = reads
        self._broker = broker
        self._clock = clock

    async def list(self, request: web.Request) -> web.Response:
        """List them, the one parked last first."""
        query = read_query(request, LIST)
        names = (query["destination"],) if "destination" in query else self._reads.destinations
        page = await self._reads.parked(names, limit=limit_of(query), after=query.get("cursor"))
        items = [parked_view(name, record) for name, record in page.items]
        return json({"items": items, "next": place_cursor(page.next)})

    async def one(self, request: web.Request) -> web.Response:
        """Show one with the request that was refused, or give it up."""
        read_query(request, {})
        name, record = await self._record(request)
        if request.method == "DELETE":
            await self._ask(name, record, drop=True)
            return json({"destination": name, "key": record.desired.key, "dropped": True})
        return json({**parked_view(name, record), "request": record.request})

    async def retry(self, request: web.Request) -> web.Response:
        """Give one another chance."""
        read_query(request, {})
        name, record = await self._record(request)
        await self._ask(name, record, drop=False)
        return json({"destination": name, "key": record.desired.key, "retried": True})

    async def _record(self, request: web.Request) -> tuple[str, TicketRecord]:
        name, key = request.match_info["destination"], request.match_info["key"]
        record = await self._reads.ticket(name, key) if name in self._reads.destinations else None
        if record is None or not record.parked:
            raise not_found("not-parked", f"no ticket {key!r} is parked at destination {name!r}")
        return name, record

    async def _ask(self, name: str, record: TicketRecord, *, drop: bool) -> None:
        asked = ParkedAsked(self._clock(), [record.desired.key], drop)
        await self._broker.publish(tickets_mailbox(name), [Message("operator", 0, encode([asked]))])
