"""``POST /api/v1/reconcile``: tickets are compared with what they should show, and set right."""

from __future__ import annotations

from enum import StrEnum

from aiohttp import web

from app.api.answers import json, not_found
from app.api.paging import TEXT, one_of, read_query
from app.api.shapes import DifferenceView, Reconciled
from app.drift import Difference, Drift


class _Answer(StrEnum):
    TRUE = "true"
    FALSE = "false"


QUERY = {"destination": TEXT, "dry_run": one_of(_Answer)}


class Reconcile:
    """Answers what differs."""

    def __init__(self, drift: Drift | None) -> None:
        """Look with *drift*; None in a process that has no connection to tools."""
        self._drift = drift

    async def look(self, request: web.Request) -> web.Response:
        """Look at all open tickets, of one destination or of all; ``dry_run=true`` sets nothing right."""
        query = read_query(request, QUERY)
        if self._drift is None:
            raise not_found("no-tools", "this process talks to no tool; ask one with the role ingest")
        names = self._drift.destinations
        wanted = query.get("destination")
        if wanted is not None and wanted not in names:
            known = ", ".join(names) or "none"
            raise not_found(
                "cannot-be-read", f"destination {wanted!r} cannot be read; those that can: {known}"
            )
        repair = query.get("dry_run") is not _Answer.TRUE
        looked = [await self._drift.look(name, repair=repair) for name in ([wanted] if wanted else names)]
        found = [_shown(difference) for each in looked for difference in each.differences]
        reconciled: Reconciled = {
            "checked": sum(each.checked for each in looked),
            "differences": found,
            "repaired": repair,
        }
        return json(reconciled)


def _shown(difference: Difference) -> DifferenceView:
    return {
        "destination": difference.destination,
        "key": difference.key,
        "ticket": difference.ticket,
        "what": difference.what,
    }
