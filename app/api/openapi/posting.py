"""What is said of the addresses that tools post to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.api import shapes, tool_shapes
from app.api.openapi import examples
from app.api.openapi.operation import ANYTHING, JSON, Content, Operation, refusals
from app.api.paging import TEXT, Parameter
from ingest.sources import TOOLS, Style

_ALL = tuple(dict.fromkeys(method.lower() for tool in TOOLS.values() for method in tool.methods))
_OPSGENIE = tuple(
    method.lower() for tool in TOOLS.values() if tool.style is Style.OPSGENIE for method in tool.methods
)
_DURABLE = "What was understood is on durable storage; what was not is in quarantine."
_REFUSED = {
    "_400": "the body is not JSON, breaks off, or is not packed as it says",
    "_401": "the credentials do not open the source",
    "_403": "the address is not one that may post",
    "_404": "there is no such source, or it does not take this",
    "_405": "the source's tool does not send with this method",
    "_408": "the body did not arrive in time",
    "_413": "the body is too large, or holds too many alerts",
    "_415": "the tool does not send such a body",
    "_422": "the body is not what the tool sends; it is in quarantine",
    "_429": "the source posts too fast or too much; come back after Retry-After",
    "_503": "the alerts could not be made durable; come back after Retry-After",
}
_TAKEN = Content(shapes.TakenView, examples.TAKEN)
_LIKE_PAGERDUTY = Content(
    tool_shapes.PagerDutyTaken, {"status": "success", "message": "Event processed", "dedup_key": "disk/db-1"}
)
_LIKE_OPSGENIE = Content(
    tool_shapes.OpsgenieTaken, {"result": "Request will be processed", "took": 0.01, "requestId": "beef-3"}
)
_WEBHOOK = (
    Content(ANYTHING, examples.WEBHOOK),
    *(
        Content(media=media)
        for media in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
    ),
)


def _post(summary: str, takes: tuple[Content, ...], *taken: Content, **more: Any) -> Operation:
    told = {200: ("What the tool wants to hear.", ()), 202: (_DURABLE, taken)}
    return Operation(
        summary=summary,
        tag="ingest",
        takes=takes,
        optional=True,
        secured=True,
        answers=told | _in_both_tongues(more.pop("styles", ())),
        **more,
    )


def _in_both_tongues(styles: Iterable[Any]) -> dict[int, tuple[str, tuple[Content, ...]]]:
    """Refuse in our words, or also in those of a tool that is imitated."""
    others = tuple(Content(shape, media=JSON) for shape in styles)
    return {status: (why, (*contents, *others)) for status, (why, contents) in refusals(**_REFUSED).items()}


def _asking() -> Operation:
    """May be asked by anybody, without credentials where the path names the source."""
    told = {200: ("It may: Allow and WebHook-Allowed-Origin say how.", ())}
    problems = refusals(_404=_REFUSED["_404"], _400=_REFUSED["_400"], _413=_REFUSED["_413"])
    return Operation(summary="Ask whether one may send.", tag="ingest", answers=told | problems)


def _methods(methods: Iterable[str], operation: Operation, bare: Operation) -> Mapping[str, Operation]:
    found = {method: bare if method == "get" else operation for method in methods}
    return {**found, "options": _asking()}


_STYLES = (tool_shapes.PagerDutyRefused, tool_shapes.OpsgenieRefused)
_IMITATED = (_TAKEN, _LIKE_PAGERDUTY, _LIKE_OPSGENIE)
_ANY = _post("Take a tool's webhook.", _WEBHOOK, *_IMITATED, styles=_STYLES)
_ANY_GET = _post("Take a tool's webhook that is sent as a query.", (), *_IMITATED, styles=_STYLES)
_PUSH_QUERY: Mapping[str, Parameter] = {"source": TEXT}
_PUSH = _post(
    "Take what Prometheus pushes to an Alertmanager.",
    (Content(ANYTHING, examples.PUSHED),),
    query=_PUSH_QUERY,
)
_ENQUEUE = _post(
    "Take an event as PagerDuty's Events API v2 does.",
    (Content(ANYTHING, examples.PAGERDUTY),),
    _LIKE_PAGERDUTY,
    styles=_STYLES[:1],
)
_GENIE = _post(
    "Take a request as Opsgenie's Alert API does.",
    (Content(ANYTHING, examples.OPSGENIE),),
    _LIKE_OPSGENIE,
    styles=_STYLES[1:],
)
_GENIE_GET = _post("Answer as Opsgenie's Alert API does.", (), _LIKE_OPSGENIE, styles=_STYLES[1:])

INGEST: Mapping[str, Mapping[str, Operation]] = {
    "/ingest/{source}": _methods(_ALL, _ANY, _ANY_GET),
    "/ingest/{source}/{rest}": _methods(_ALL, _ANY, _ANY_GET),
    "/api/v2/alerts": _methods(["post"], _PUSH, _PUSH),
    "/v2/enqueue": _methods(["post"], _ENQUEUE, _ENQUEUE),
    "/v2/change/enqueue": _methods(["post"], _ENQUEUE, _ENQUEUE),
    "/v2/alerts": _methods(_OPSGENIE, _GENIE, _GENIE_GET),
    "/v2/alerts/{rest}": _methods(_OPSGENIE, _GENIE, _GENIE_GET),
    "/v2/heartbeats/{rest}": _methods(_OPSGENIE, _GENIE, _GENIE_GET),
}

CALLBACKS = {
    "/callback/{destination}": {
        "post": Operation(
            summary="Take what a ticketing tool tells of its tickets.",
            tag="callbacks",
            takes=(Content(ANYTHING, {"id": "4711"}),),
            optional=True,
            answers={
                202: ("It is on durable storage.", (Content(shapes.CallbackTaken, {"tickets": 1}),)),
                **refusals(
                    _401="it was not signed as agreed",
                    _404="no such destination takes callbacks",
                    _413="it is too large",
                    _422="it is not what the tool sends",
                    _503="the tool or the broker is away; come back after Retry-After",
                ),
            },
        )
    }
}
