"""CloudEvents 1.0 over HTTP, structured, binary or batched, whose type or data says how an alert stands.

https://github.com/cloudevents/spec: bindings/http-protocol-binding.md, formats/json-format.md, http-webhook.md
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

from domain.alert import Alert, AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import Loose, first_line, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, Reply, each
from ingest.sources.severities import severity_of

TITLE = "CloudEvents"

WORDS = {
    AlertState.FIRING: "firing fired triggered opened open active activated alerting raised problem failed down",
    AlertState.RESOLVED: "resolved closed close recovered recovery ok cleared clear inactive deactivated success up",
    AlertState.ACKNOWLEDGED: "acknowledged acknowledge acked",
    AlertState.HEARTBEAT: "heartbeat",
    AlertState.TEST: "test",
}
STATES = {word: state for state, words in WORDS.items() for word in words.split()}
_STEP = re.compile(r"[./:_-]")
_CONTEXT = (
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
    "data",
    "data_base64",
    "traceparent",
    "tracestate",
)
"""Attributes of every event, and those of tracing, which are new with each: no labels."""


def parse(post: Post) -> Parsed:
    """Read one event or a batch; an event that tells no state is no alert.

    Raises:
        BadBody: if it is no CloudEvent.
    """
    if post.method == "OPTIONS":
        return Parsed(nothing="handshake", reply=_permission(post))
    if "ce-specversion" in post.headers:
        found = _alert(post, _binary(post))
        return Parsed([found]) if found else Parsed(nothing="not_an_alert")
    body = Node.json(post.body)
    if not isinstance(body.value, list):
        found = _alert(post, body)
        return Parsed([found]) if found else Parsed(nothing="not_an_alert")
    events = body.items()
    parsed = each(events, lambda n: _alert(post, events[n]), "")
    return Parsed(parsed.alerts, parsed.faults, parsed.nothing and ("not_an_alert" if events else "empty"))


def _permission(post: Post) -> Reply:
    """Allow whoever asks to send: the request itself still has to show who it is."""
    origin = post.headers.get("webhook-request-origin", "*")
    return Reply(200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


def _binary(post: Post) -> Node:
    """Put an event together whose context is in headers, percent-encoded, and whose data is the body."""
    event: dict[str, object] = {
        name.removeprefix("ce-"): unquote(value)
        for name, value in post.headers.items()
        if name.startswith("ce-")
    }
    event["datacontenttype"] = post.content_type
    return Node(event | {"data": _document(post.body, post.content_type)})


def _document(data: bytes, kind: str) -> object:
    """Read data if it is JSON; what else it may be is none of our business."""
    if kind and not kind.partition(";")[0].strip().endswith(("/json", "+json")):
        return None
    return Node.json(data).value if data.strip() else None


def _data(event: Node) -> Node:
    if "data_base64" not in event:
        data = event["data"]
        return data if isinstance(data.value, dict) else Node({"message": plain(data)}, data.path)
    kind = plain(event["datacontenttype"])
    try:
        document = _document(base64.b64decode(event["data_base64"].text(), validate=True), kind)
    except (binascii.Error, ValueError, BadBody):
        document = None
    return Node(document if isinstance(document, dict) else {}, event["data_base64"].path)


def _alert(post: Post, event: Node) -> Alert | None:
    if not event["specversion"].required().startswith(("1.", "0.3")):
        raise event["specversion"].fault("is none that we know, which are 1.0 and 0.3")
    kind, source = event["type"].required(), event["source"].required()
    event["id"].required()
    data = _data(event)
    told = Loose(data, data["alert"])
    state = _state(kind, told)
    return None if state is None else build(post, _finding(event, told, state, (source, kind)))


def _state(kind: str, told: Loose) -> AlertState | None:
    """Read it in the data, or in the last word of the type: ``com.example.alert.resolved``."""
    said = told.text("state", "status", "alert_state", "event_action").lower()
    return STATES.get(said) or STATES.get(_STEP.split(kind.lower())[-1])


def _finding(event: Node, told: Loose, state: AlertState, names: tuple[str, str]) -> Finding:
    source, kind = names
    subject, at = plain(event["subject"]), moment(event["time"])
    name = told.text("alert", "alertname", "alert_name", "name", "title", "rule", "check") or _stem(kind)
    over = state is AlertState.RESOLVED
    return Finding(
        # An event's id is its own. What it is about, and what is wrong with it, is the alert's.
        identity="/".join(
            filter(None, [source.rstrip("/"), subject, told.text("fingerprint", "key") or name])
        ),
        state=state,
        severity=severity_of(told.text("severity", "priority", "level") or plain(event["severity"])),
        name=name,
        summary=first_line(told.text("summary", "message")),
        description=told.text("description", "details", "message"),
        service=told.text("service"),
        resource=told.text("resource", "host", "instance") or subject,
        labels={
            **_extensions(event),
            **tags(told.node("labels", "tags")),
            "source": source,
            "type": _stem(kind),
        },
        starts_at=told.moment("starts_at", "started_at") or (None if over else at),
        ends_at=told.moment("ends_at", "ended_at", "resolved_at") or at,
        url=told.text("url", "link"),
    )


def _stem(kind: str) -> str:
    """Take the state off a type."""
    *stem, last = re.split(r"([./:_-])", kind)
    return "".join(stem[:-1]) if last.lower() in STATES and stem else kind


def _extensions(event: Node) -> dict[str, str]:
    return {key: plain(node) for key, node in event.fields() if key not in _CONTEXT}
