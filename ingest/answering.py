"""What senders are told: in our words, or in those of the tool that they take us for."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web

from domain.errors import StorageFull, Unavailable
from ingest.deliveries import Answer
from ingest.heads import Whole
from ingest.intake import Taken
from ingest.problems import PROBLEM_JSON, Refusal, wait
from ingest.source import Source
from ingest.sources import BadBody, NotJson, Style

BROKER_RETRY_AFTER = 5.0
JSON = "application/json"
UNPROCESSABLE = 422
_EMPTY = Answer(200, "", b"")


def refusal_in(taken: Taken, source: Source) -> Refusal | None:
    """Tell what the sender is to hear of a body that was not understood; None if it hears that it was taken."""
    if taken.fault is None or source.answer_bad != UNPROCESSABLE:
        return None
    return refusal_of(taken.fault)


def accepted(taken: Taken, source: Source, *, push: bool) -> Answer:
    """Answer what was taken, good or not."""
    if taken.reply is not None:
        reply = taken.reply
        return Answer(reply.status, reply.content_type, reply.body, reply.headers)
    if push:
        return _EMPTY
    return Answer(202, JSON, _body(taken, source.tool.style))


def _body(taken: Taken, style: Style) -> bytes:
    if style is Style.PAGERDUTY:
        return b'{"status":"success","message":"Event processed"}'
    if style is Style.OPSGENIE:
        answer = {"result": "Request will be processed", "took": 0.01, "requestId": taken.id}
        return msgspec.json.encode(answer)
    if not (taken.nothing or taken.faults or taken.quarantine or taken.changes):
        return b'{"id":"%b","accepted":%d}' % (taken.id.encode(), taken.accepted)
    return msgspec.json.encode(msgspec.structs.replace(taken, reply=None, fault=None))


def refused(refusal: Refusal, style: Style) -> Answer:
    """Answer what was not taken."""
    if style is Style.TOCSIN:
        return Answer(refusal.status.value, PROBLEM_JSON, refusal.body(), refusal.headers)
    status = refusal.status.value
    if style is Style.PAGERDUTY:
        status = 400 if refusal.status is HTTPStatus.UNPROCESSABLE_ENTITY else status
        answer: object = {"status": "invalid event", "message": refusal.slug, "errors": [str(refusal)]}
    else:
        answer = {"message": str(refusal), "took": 0.0, "requestId": ""}
    body = msgspec.json.encode(answer)
    return Answer(status, JSON, body, refusal.headers)


def handshake(request: web.Request | Whole, methods: tuple[str, ...]) -> Answer:
    """Answer ``OPTIONS``: who asks as CloudEvents' webhooks do may send, as often as it likes."""
    headers = {"Allow": ", ".join((*methods, "OPTIONS"))}
    if origin := request.headers.get("WebHook-Request-Origin"):
        headers["WebHook-Allowed-Origin"] = origin
        headers["WebHook-Allowed-Rate"] = request.headers.get("WebHook-Request-Rate", "*")
    return Answer(200, "", b"", headers)


def refusal_of(error: Refusal | BadBody | StorageFull | Unavailable) -> Refusal:
    """Say it in our words."""
    match error:
        case Refusal():
            return error
        case NotJson():
            place = {"line": error.line, "column": error.column} if error.line else {}
            where = f" (line {error.line}, column {error.column})" if place else ""
            detail = f"the body is not JSON: {error}{where}"
            return Refusal(HTTPStatus.BAD_REQUEST, "not-json", detail, members=place)
        case BadBody():
            detail = f"{error.path}: {error}" if error.path else str(error)
            members = {"path": error.path}
            return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-shape", detail, members=members)
        case StorageFull():
            return wait("storage-full", str(error), error.retry_after)
        case Unavailable():
            return wait("broker-away", f"the alerts could not be made durable: {error}", BROKER_RETRY_AFTER)
