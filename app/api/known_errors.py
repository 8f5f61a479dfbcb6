"""``/api/v1/known-errors``: workarounds, those of the configuration and those that were recorded here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web

from app.api.answers import json, not_found
from app.api.operators import Asked, Operators
from app.api.paging import TEXT, read_query
from app.api.problem_figures import known_error_figures
from app.api.problem_views import known_error_view
from app.reads import ReadModel
from correlation.known_error_rules import KNOWN_ERRORS, KnownErrorRules, KnownErrors
from domain.known_error import ForgetKnownError, KnownError, RecordKnownError
from domain.matching import BadMatcher, Matcher
from domain.ports import alerts_mailbox
from ingest.problems import Refusal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
BY = {"by": TEXT}


class KnownErrorAsked(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workaround, what incidents it is for, and who knows it."""

    match: list[str]
    workaround: str
    id: str = ""
    url: str = ""
    problem: str = ""
    helps_within_seconds: float = 14_400.0


class KnownErrorsApi:
    """Answers about known errors; one that is recorded or dropped is told to all partitions."""

    def __init__(self, reads: ReadModel, operators: Operators, rules: Callable[[], KnownErrorRules]) -> None:
        """Answer from these; *rules* gives those of the configuration as it is now."""
        self._reads = reads
        self._operators = operators
        self._rules = rules

    @property
    def _configured(self) -> Mapping[str, tuple[Matcher, KnownError]]:
        return {known.id: (matcher, known) for matcher, known in self._rules().items}

    async def all(self, request: web.Request) -> web.Response:
        """List them, those of the configuration first, or record one."""
        if request.method == "POST":
            return await self._record(request)
        read_query(request, {})
        figures = known_error_figures(await self._reads.counters())
        configured = [
            known_error_view(known, "configuration", matcher, figures)
            for matcher, known in self._configured.values()
        ]
        recorded = [known_error_view(each, "api", None, figures) for each in await self._recorded()]
        return json({"items": [*configured, *recorded], "next": None})

    async def one(self, request: web.Request) -> web.Response:
        """Show one, or drop one that was recorded."""
        is_drop = request.method == "DELETE"
        query = read_query(request, BY if is_drop else {})
        name = request.match_info["id"]
        known = next((each for each in await self._recorded() if each.id == name), None)
        if is_drop:
            if known is None:
                raise not_found("unknown-known-error", f"no known error {name!r} is recorded here")
            await self._ask(Asked(query.get("by", "operator")), ForgetKnownError(name))
            return json({"id": name, "asked": True})
        figures = known_error_figures(await self._reads.counters())
        if name in self._configured:
            matcher, configured = self._configured[name]
            return json(known_error_view(configured, "configuration", matcher, figures))
        if known is None:
            raise not_found("unknown-known-error", f"there is no known error {name!r}")
        return json(known_error_view(known, "api", None, figures))

    async def _record(self, request: web.Request) -> web.Response:
        read_query(request, {})
        asked = await self._operators.read(request, KnownErrorAsked)
        known = self._checked(asked)
        await self._ask(asked, RecordKnownError(known))
        return json({"id": known.id, "asked": True})

    def _checked(self, asked: KnownErrorAsked) -> KnownError:
        id_ = asked.id or uuid4().hex[:16]
        if not _NAME.fullmatch(id_) or id_ in self._configured:
            raise _bad(f"id {id_!r} is no name, or one of the configuration has it")
        if not asked.workaround or not 0 <= asked.helps_within_seconds <= 10**9:
            raise _bad("workaround must not be empty, nor helps_within_seconds be less than 0")
        try:
            if Matcher.of(asked.match).matches({}):
                raise _bad("match would match everything: one of its matchers must not match an empty text")
        except BadMatcher as error:
            raise _bad(f"match: {error}") from None
        return KnownError(
            id_,
            tuple(asked.match),
            asked.workaround,
            asked.url,
            asked.problem,
            round(asked.helps_within_seconds * 1000),
            asked.actor,
            self._operators.now(),
        )

    async def _ask(self, asked: Asked, action: RecordKnownError | ForgetKnownError) -> None:
        await self._operators.ask(range(self._reads.partitions), asked, action)

    async def _recorded(self) -> Sequence[KnownError]:
        """Read those of the first partition, which has all, like any other."""
        (record,) = await self._reads.records(alerts_mailbox(0), [KNOWN_ERRORS], KnownErrors)
        return record.items if record else ()


def _bad(detail: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "bad-body", detail)
