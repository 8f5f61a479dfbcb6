"""``/api/v1/quarantine``: requests that authenticated but were not understood, to be looked at, replayed or dropped.

Nothing here writes to the store: what is asked for goes through the mailbox that alerts go through.
"""

from __future__ import annotations

from aiohttp import web

from app.api.answers import json, not_found
from app.api.paging import INDEX_PAGE, TEXT, limit_of, place_cursor, read_query
from app.api.views import quarantine_view
from app.reads import QuarantineFilter, ReadModel
from domain.events import Quarantined
from ingest.answering import refusal_of
from ingest.quarantine import Replaying, as_posted
from ingest.sources import BadBody

LIST = {"source": TEXT, **INDEX_PAGE}


class Quarantine:
    """Answers about the quarantine, and does what operators want with what is in it."""

    def __init__(self, reads: ReadModel, replaying: Replaying | None) -> None:
        """Read from *reads*; *replaying* is None in a process that takes nothing in."""
        self._reads = reads
        self._replaying = replaying

    async def list(self, request: web.Request) -> web.Response:
        """List what is kept, the last received first."""
        query = read_query(request, LIST)
        page = await self._reads.quarantined(
            QuarantineFilter(query.get("source")), limit=limit_of(query), after=query.get("cursor")
        )
        return json({"items": list(map(quarantine_view, page.items)), "next": place_cursor(page.next)})

    async def one(self, request: web.Request) -> web.Response:
        """Show a request with its body, or drop it."""
        read_query(request, {})
        kept = await self._kept(request)
        if request.method == "DELETE":
            await self._able().drop(kept)
            return json({"id": kept.id, "dropped": True})
        body = as_posted(kept).body
        return json({**quarantine_view(kept), "body": body.decode("utf-8", "backslashreplace")})

    async def body(self, request: web.Request) -> web.Response:
        """Give the body, byte for byte."""
        read_query(request, {})
        body = as_posted(await self._kept(request)).body
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def replay(self, request: web.Request) -> web.Response:
        """Try it again; a body that is sent takes the place of the one that is kept."""
        read_query(request, {})
        kept = await self._kept(request)
        replaying = self._able()
        body = await replaying.body_of(request)
        try:
            accepted, faults = await replaying.replay(kept, body or None)
        except BadBody as error:
            raise refusal_of(error) from error
        return json({"id": kept.id, "accepted": accepted, "faults": faults})

    async def _kept(self, request: web.Request) -> Quarantined:
        id_ = request.match_info["id"]
        kept = await self._reads.in_quarantine(id_)
        if kept is None:
            raise not_found("not-in-quarantine", f"there is nothing in quarantine with the id {id_!r}")
        return kept

    def _able(self) -> Replaying:
        if self._replaying is None:
            raise not_found("no-ingest", "this process takes nothing in; ask one with the role ingest")
        return self._replaying
