"""``/api/v1/problems``: causes of incidents that recur, and what operators say of them."""

from __future__ import annotations

import builtins
from collections.abc import Callable

from aiohttp import web

from app.api.answers import json, not_found
from app.api.operators import Asked, Operators
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
from app.api.problem_views import problem_view
from app.api.views import timeline_view
from app.reads import ReadModel
from app.records import Records
from correlation.state import PROBLEMS, problem_record
from domain.problem import Problem, ProblemState
from domain.problem_commands import ProblemAction, ReopenProblem, ResolveProblem, WorkAround

LIST = {"state": one_of(ProblemState), "service": TEXT, **INDEX_PAGE}


class WorkaroundAsked(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workaround, and who knows it."""

    text: str
    url: str = ""


class Problems:
    """Answers about problems."""

    def __init__(self, reads: ReadModel, operators: Operators) -> None:
        self._problems = Records(reads, PROBLEMS, problem_record, Problem)
        self._operators = operators

    async def list(self, request: web.Request) -> web.Response:
        """List problems, the one opened last first."""
        query = read_query(request, LIST)
        state, service = query.get("state"), query.get("service")

        def wants(problem: Problem) -> bool:
            """Tell whether it is one of those asked for."""
            return (state is None or problem.state is state) and (
                service is None or service in problem.services
            )

        page = await self._problems.list(wants, limit=limit_of(query), after=query.get("cursor"))
        return json({"items": builtins.list(map(problem_view, page.items)), "next": place_cursor(page.next)})

    async def one(self, request: web.Request) -> web.Response:
        """Show a problem."""
        read_query(request, {})
        _, problem = await self._found(request)
        return json(problem_view(problem))

    async def timeline(self, request: web.Request) -> web.Response:
        """Tell a problem's story, from its beginning."""
        query = read_query(request, LOG_PAGE)
        page = await self._problems.timeline(
            request.match_info["id"], limit=limit_of(query), start=query.get("cursor", 0)
        )
        if page is None:
            raise _unknown(request)
        return json(
            {"items": builtins.list(map(timeline_view, page.items)), "next": number_cursor(page.next)}
        )

    async def resolve(self, request: web.Request) -> web.Response:
        """Say that the cause is gone."""
        return await self._ask(request, ResolveProblem)

    async def reopen(self, request: web.Request) -> web.Response:
        """Say that the cause is still there."""
        return await self._ask(request, ReopenProblem)

    async def work_around(self, request: web.Request) -> web.Response:
        """Say how to get along meanwhile."""
        read_query(request, {})
        asked = await self._operators.read(request, WorkaroundAsked)
        partition, problem = await self._found(request)
        await self._operators.ask([partition], asked, WorkAround(problem.id, asked.text, asked.url))
        return json({"id": problem.id, "asked": True})

    async def _ask(self, request: web.Request, action: Callable[[str], ProblemAction]) -> web.Response:
        read_query(request, {})
        asked = await self._operators.read(request, Asked)
        partition, problem = await self._found(request)
        await self._operators.ask([partition], asked, action(problem.id))
        return json({"id": problem.id, "asked": True})

    async def _found(self, request: web.Request) -> tuple[int, Problem]:
        found = await self._problems.find(request.match_info["id"])
        if found is None:
            raise _unknown(request)
        return found


def _unknown(request: web.Request) -> Exception:
    id_ = request.match_info["id"]
    return not_found("unknown-problem", f"there is no problem {id_!r}, or not any more")
