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
from correlation import lifecycle, merging
from domain.commands import (
    Acknowledge,
    Assign,
    Close,
    Demote,
    Hold,
    LifeAction,
    Merge,
    Move,
    Promote,
    Regrouping,
    Remark,
    Reopen,
    Resolve,
    Split,
    Start,
)
from domain.incident import Incident
from ingest.problems import Refusal

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 200
ALERTS_AT_ONCE = 1_000
"""Alerts that one request may take out of an incident."""


class CommentAsked(Asked, frozen=True, kw_only=True):
    """What somebody has to say."""

    reason: Annotated[str, Meta(min_length=1)]


class AssignAsked(Asked, frozen=True, kw_only=True):
    """Who works on it from now on; empty for nobody."""

    assignee: Annotated[str, Meta(max_length=200)]


class MergeAsked(Asked, frozen=True, kw_only=True):
    """Which incident lives on."""

    into: Annotated[str, Meta(min_length=1)]


Keys = Annotated[
    tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1, max_length=ALERTS_AT_ONCE)
]


class SplitAsked(Asked, frozen=True, kw_only=True):
    """Which alerts are another incident."""

    alerts: Annotated[Keys, Meta(description="Keys, as the list of its alerts has them.")]


class MoveAsked(SplitAsked, frozen=True, kw_only=True):
    """Which alerts belong to another incident."""

    into: Annotated[str, Meta(min_length=1)]


SIMPLE: dict[str, Callable[[str], LifeAction]] = {
    "acknowledge": Acknowledge,
    "start": Start,
    "hold": Hold,
    "resolve": Resolve,
    "close": Close,
    "reopen": Reopen,
    "promote": Promote,
    "demote": Demote,
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
        verbs |= {"merge": self.merge, "split": self.split, "move": self.move}
        return {f"/api/v1/incidents/{{id}}/{verb}": (handler, ("POST",)) for verb, handler in verbs.items()}

    def _doing(self, action: Callable[[str], LifeAction]) -> Handler:
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

    async def merge(self, request: web.Request) -> web.Response:
        """Have another incident live on in its place."""
        asked = await self._operators.read(request, MergeAsked)
        return await self._regroup(request, asked, Merge(_id(request), asked.into))

    async def split(self, request: web.Request) -> web.Response:
        """Have some of its alerts be another incident."""
        asked = await self._operators.read(request, SplitAsked)
        return await self._regroup(request, asked, Split(_id(request), asked.alerts))

    async def move(self, request: web.Request) -> web.Response:
        """Have some of its alerts belong to another incident."""
        asked = await self._operators.read(request, MoveAsked)
        return await self._regroup(request, asked, Move(_id(request), asked.into, asked.alerts))

    async def _ask(self, request: web.Request, asked: Asked, action: LifeAction) -> web.Response:
        partition, incident = await self._found(action.incident)
        _refuse(incident, lifecycle.why_not(incident, action))
        return await self._publish(request, partition, asked, action)

    async def _regroup(self, request: web.Request, asked: Asked, action: Regrouping) -> web.Response:
        partition, incident = await self._found(action.incident)
        there, target = (partition, None) if isinstance(action, Split) else await self._found(action.into)
        if there != partition:
            _refuse(
                incident, f"{action.incident} and the other are of different partitions, which share nothing"
            )
        _refuse(incident, merging.why_not(action, incident, target))
        return await self._publish(request, partition, asked, action)

    async def _publish(
        self, request: web.Request, partition: int, asked: Asked, action: LifeAction | Regrouping
    ) -> web.Response:
        read_query(request, {})
        key = request.headers.get(KEY_HEADER, "")[:LONGEST_KEY] or uuid4().hex
        await self._operators.ask([partition], asked, action, key)
        verb = request.path.rpartition("/")[2]
        answer: IncidentAsked = {"id": action.incident, "asked": verb, "request": key}
        return json(answer, HTTPStatus.ACCEPTED)

    async def _found(self, incident: str) -> tuple[int, Incident]:
        found = await self._reads.whereabouts(incident)
        if found is None:
            raise not_found("unknown-incident", f"there is no incident {incident!r}, or not any more")
        return found


def _refuse(incident: Incident, reason: str) -> None:
    if reason:
        raise Refusal(HTTPStatus.CONFLICT, "cannot-be-done", f"incident {incident.id}: {reason}")


def _id(request: web.Request) -> str:
    return request.match_info["id"]
