"""``POST /api/v1/incidents/ID/VERB``: what operators ask of incidents.

It is answered once it is durable in the mailbox of the incident's partition. What cannot be done is refused at once as
far as is known; whatever changes meanwhile, the decision is the core's, and it is on the timeline.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from aiohttp import web
from msgspec import Meta

from app.api.answers import Handler, json, not_found
from app.api.command_shapes import IncidentAsked
from app.api.operators import Asked, Operators
from app.api.paging import read_query
from app.reads import ReadModel
from correlation.lifecycle import why_not
from domain.commands import Acknowledge, Assign, Close, Hold, IncidentAction, Remark, Reopen, Resolve, Start
from domain.incident import Incident
from ingest.problems import Refusal

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 200


class CommentAsked(Asked, frozen=True, kw_only=True):
    """What somebody has to say."""

    reason: Annotated[str, Meta(min_length=1)]


class AssignAsked(Asked, frozen=True, kw_only=True):
    """Who works on it from now on; empty for nobody."""

    assignee: Annotated[str, Meta(max_length=200)]


SIMPLE: dict[str, Callable[[str], IncidentAction]] = {
    "acknowledge": Acknowledge,
    "start": Start,
    "hold": Hold,
    "resolve": Resolve,
    "close": Close,
    "reopen": Reopen,
}
"""Verbs that need no more than who and why."""


class Commands:
    """Takes what is asked of incidents."""

    def __init__(self, reads: ReadModel, operators: Operators) -> None:
        self._reads = reads
        self._operators = operators

    def table(self) -> dict[str, tuple[Handler, tuple[str, ...]]]:
        """List what is done for each verb, with the methods."""
        verbs = {verb: self._doing(action) for verb, action in SIMPLE.items()}
        verbs |= {"comment": self.comment, "assign": self.assign}
        return {f"/api/v1/incidents/{{id}}/{verb}": (handler, ("POST",)) for verb, handler in verbs.items()}

    def _doing(self, action: Callable[[str], IncidentAction]) -> Handler:
        async def do(request: web.Request) -> web.Response:
            """Ask for what needs no more than who and why."""
            asked = await self._operators.read(request, Asked)
            return await self._ask(request, asked, action(_id(request)))

        return do

    async def comment(self, request: web.Request) -> web.Response:
        """Tell all who work on it."""
        asked = await self._operators.read(request, CommentAsked)
        return await self._ask(request, asked, Remark(_id(request)))

    async def assign(self, request: web.Request) -> web.Response:
        """Say who works on it."""
        asked = await self._operators.read(request, AssignAsked)
        return await self._ask(request, asked, Assign(_id(request), asked.assignee))

    async def _ask(self, request: web.Request, asked: Asked, action: IncidentAction) -> web.Response:
        read_query(request, {})
        partition, incident = await self._found(_id(request))
        refused = why_not(incident, action)
        if refused:
            raise Refusal(HTTPStatus.CONFLICT, "cannot-be-done", f"incident {incident.id}: {refused}")
        key = request.headers.get(KEY_HEADER, "")[:LONGEST_KEY] or uuid4().hex
        await self._operators.ask([partition], asked, action, key)
        verb = request.path.rpartition("/")[2]
        answer: IncidentAsked = {"id": incident.id, "asked": verb, "request": key}
        return json(answer, HTTPStatus.ACCEPTED)

    async def _found(self, incident: str) -> tuple[int, Incident]:
        found = await self._reads.whereabouts(incident)
        if found is None:
            raise not_found("unknown-incident", f"there is no incident {incident!r}, or not any more")
        return found


def _id(request: web.Request) -> str:
    return request.match_info["id"]
