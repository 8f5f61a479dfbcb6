"""What is sent to Opsgenie's Alert API: any tool that can alert Opsgenie, or Jira Service Management, can alert Tocsin.

https://docs.opsgenie.com/docs/alert-api and https://docs.opsgenie.com/docs/heartbeat-api
"""

from __future__ import annotations

import json
from hashlib import blake2b
from urllib.parse import unquote
from uuid import UUID

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, Reply

TITLE = "Opsgenie Alert API"

SEVERITIES = {
    "P1": Severity.CRITICAL,
    "P2": Severity.HIGH,
    "P3": Severity.MEDIUM,
    "P4": Severity.LOW,
    "P5": Severity.INFO,
}
ACTIONS = {
    "close": AlertState.RESOLVED,
    "acknowledge": AlertState.ACKNOWLEDGED,
    "unacknowledge": AlertState.FIRING,
}
OTHERS = {"notes", "snooze", "escalate", "assign", "responders", "teams", "tags", "details"}
OTHERS |= {"actions", "priority", "message", "description", "saved-searches", "attachments", "requests"}


def parse(post: Post) -> Parsed:
    """Read one request. What it asks for is in the path: ``v2/alerts``, or ``v2/alerts/ALIAS/close``.

    Raises:
        BadBody: if an alert has no message.
    """
    kind, name, action = _target(post.path)
    if kind == "heartbeats":
        return Parsed([build(post, _heartbeat(name))], reply=_reply(post, "PONG - Heartbeat received"))
    if post.method == "GET":
        return Parsed(nothing="not_an_alert", reply=_asked(post))
    reply = _reply(post, "Request will be processed")
    if post.method == "DELETE":
        action = "close"
    if not name and not action:
        return Parsed([build(post, _created(Node.json(post.body)))], reply=reply)
    if action not in ACTIONS:
        return Parsed(nothing="not_an_alert", reply=reply)
    body = Node.json(post.body) if post.body.strip() else Node({})
    return Parsed([build(post, _changed(body, name, ACTIONS[action]))], reply=reply)


def _target(path: str) -> tuple[str, str, str]:
    """Split the path in kind, name and action. A name that was written with slashes may have them again."""
    steps = [step for step in path.split("/") if step]
    while steps and steps[0] in {"v1", "v2", "api", "jsm", "ops", "integration"}:
        steps = steps[1:]
    kind, rest = (steps[0], steps[1:]) if steps else ("alerts", [])
    last = rest[-1] if len(rest) > 1 else ""
    if len(rest) > 2 and rest[-2] == "actions":  # noqa: PLR2004  NAME/actions/WORD
        return kind, unquote("/".join(rest[:-2])), "actions"
    if last in ACTIONS or last in OTHERS or last == "ping":
        return kind, unquote("/".join(rest[:-1])), last
    if rest and rest[0] in OTHERS:
        return kind, "", rest[0]
    return kind, unquote("/".join(rest)), "" if not rest else "other"


def _reply(post: Post, result: str) -> Reply:
    """Answer like Opsgenie. The id of the request is made of the request: a repeated one gets the same."""
    digest = blake2b(post.path.encode("utf-8", "replace") + b"\n" + post.body, digest_size=16).digest()
    answer = {"result": result, "took": 0.0, "requestId": str(UUID(bytes=digest))}
    return Reply(202, json.dumps(answer).encode(), "application/json")


def _asked(post: Post) -> Reply:
    """Answer who asks whether a request was processed: it was, or it would not have got its id. No more is told."""
    *before, last = post.path.split("/")
    if before[-1:] != ["requests"]:
        answer: dict[str, object] = {"message": "alerts are not read here", "took": 0.0, "requestId": ""}
        return Reply(404, json.dumps(answer).encode(), "application/json")
    data = {
        "success": True,
        "isSuccess": True,
        "action": "",
        "status": "Processed",
        "alertId": "",
        "alias": "",
    }
    answer = {"data": data, "took": 0.0, "requestId": last}
    return Reply(200, json.dumps(answer).encode(), "application/json")


def _heartbeat(name: str) -> Finding:
    return Finding(f"heartbeat/{name}", AlertState.HEARTBEAT, f"Heartbeat {name}".strip(), Severity.INFO)


def _created(body: Node) -> Finding:
    message = body["message"].required()
    entity, details = plain(body["entity"]), body["details"].flat()
    tags = [plain(tag) for tag in body["tags"].items()]
    return Finding(
        # Without an alias Opsgenie makes each request an alert of its own; here a repetition is one.
        identity=plain(body["alias"]) or "/".join(filter(None, [entity, message])),
        state=AlertState.FIRING,
        severity=SEVERITIES.get(plain(body["priority"]).upper(), Severity.MEDIUM),
        name=first_line(message),
        summary=first_line(message),
        description=plain(body["description"]),
        service=details.get("service", ""),
        resource=entity or details.get("host", ""),
        labels={**details, "tags": ",".join(filter(None, tags)), "source": plain(body["source"])},
        annotations={"note": plain(body["note"]), "responders": _responders(body["responders"])},
        url=details.get("url", ""),
    )


def _responders(listed: Node) -> str:
    found = (part.first("name", "username", "id") for part in listed.items() if isinstance(part.value, dict))
    return ", ".join(filter(None, map(plain, found)))


def _changed(body: Node, name: str, state: AlertState) -> Finding:
    return Finding(
        identity=name or plain(body["alias"]) or body["alias"].required(),
        state=state,
        name=name,
        labels={"source": plain(body["source"])},
        annotations={"note": plain(body["note"]), "user": plain(body["user"])},
    )
