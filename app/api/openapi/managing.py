"""What is said of the addresses of problems, known errors and changes."""

from __future__ import annotations

from typing import Any

from app.api import changes, known_errors, problem_shapes, problems, shapes
from app.api.openapi import examples
from app.api.openapi.operation import Content, Operation, refusals
from app.api.openapi.reading import get, page
from app.api.operators import Asked
from app.api.paging import LOG_PAGE

_PROBLEM = "there is no such problem, or not any more"
_BAD = "a parameter is not known, or the body is not what is wanted"
_AWAY = "the broker or the store does not answer; come back after Retry-After"
_ASKED = Content(problem_shapes.ProblemAsked, {"id": "5c1fd0e2ab934476", "asked": True})
_WHY = {"actor": "dana", "reason": "the leak is mended"}


def asked(summary: str, tag: str, takes: Content, gives: Content, missing: str, **more: Any) -> Operation:
    """Say what asks for something with a body."""
    said = refusals(
        _400=_BAD, _404=missing, _408="the body did not arrive in time", _413="it is too large", _503=_AWAY
    )
    answers = {200: ("It is asked for.", (gives,)), **said}
    return Operation(summary=summary, tag=tag, takes=(takes,), answers=answers, **more)


PROBLEMS = {
    "/api/v1/problems": {
        "get": page(
            "List problems, the one opened last first.",
            "problems",
            problem_shapes.ProblemPage,
            examples.PROBLEM,
            problems.LIST,
        )
    },
    "/api/v1/problems/{id}": {
        "get": get(
            "Show a problem.",
            "problems",
            Content(problem_shapes.ProblemRecordView, examples.PROBLEM),
            _PROBLEM,
        )
    },
    "/api/v1/problems/{id}/timeline": {
        "get": page(
            "Tell a problem's story, from its beginning.",
            "problems",
            shapes.TimelinePage,
            examples.TIMELINE,
            LOG_PAGE,
            missing=_PROBLEM,
        )
    },
    "/api/v1/problems/{id}/resolve": {
        "post": asked(
            "Say that the cause is gone; if it recurs, the problem is open again.",
            "problems",
            Content(Asked, _WHY),
            _ASKED,
            _PROBLEM,
            optional=True,
        )
    },
    "/api/v1/problems/{id}/reopen": {
        "post": asked(
            "Say that the cause is still there.",
            "problems",
            Content(Asked, _WHY),
            _ASKED,
            _PROBLEM,
            optional=True,
        )
    },
    "/api/v1/problems/{id}/workaround": {
        "post": asked(
            "Make it a known error, by a workaround.",
            "problems",
            Content(problems.WorkaroundAsked, {"actor": "dana", "text": "restart the pods"}),
            _ASKED,
            _PROBLEM,
        )
    },
}

_MISSING = "there is no such known error, or it is one of the configuration"
_KNOWN = Content(problem_shapes.ProblemAsked, {"id": "leak", "asked": True})
KNOWN_ERRORS = {
    "/api/v1/known-errors": {
        "get": page(
            "List known errors, those of the configuration first.",
            "problems",
            problem_shapes.KnownErrorPage,
            examples.KNOWN_ERROR,
            {},
        ),
        "post": asked(
            "Record a known error, in place of the one of the same id; incidents that match show the workaround.",
            "problems",
            Content(
                known_errors.KnownErrorAsked,
                {
                    "id": "leak",
                    "match": ['service="checkout"', "alertname=ErrorRate"],
                    "workaround": "restart the pods",
                    "actor": "dana",
                },
            ),
            _KNOWN,
            "",
        ),
    },
    "/api/v1/known-errors/{id}": {
        "get": get(
            "Show a known error, and how often it helped.",
            "problems",
            Content(problem_shapes.KnownErrorView, examples.KNOWN_ERROR),
            _MISSING,
        ),
        "delete": get(
            "Drop a known error that was recorded; incidents that show it keep it.",
            "problems",
            _KNOWN,
            _MISSING,
            query=known_errors.BY,
        ),
    },
}

CHANGES = {
    "/api/v1/changes": {
        "get": page(
            "List changes, the one that began last first.",
            "changes",
            problem_shapes.ChangePage,
            examples.CHANGE,
            changes.LIST,
        )
    },
    "/api/v1/changes/{source}/{key}": {
        "get": get(
            "Show a change.",
            "changes",
            Content(problem_shapes.ChangeView, examples.CHANGE),
            "there is no such change, or not any more",
        )
    },
}
