"""Rollbar: an item, that is a kind of error, is new, occurred again or was resolved. Also sends deployments.

https://docs.rollbar.com/docs/webhooks
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Rollbar"

FIRING = {
    "new_item",
    "occurrence",
    "reactivated_item",
    "reopened_item",
    "exp_repeat_item",
    "item_velocity",
}
SEVERITIES = {
    "50": Severity.CRITICAL,
    "40": Severity.HIGH,
    "30": Severity.MEDIUM,
    "20": Severity.INFO,
    "10": Severity.INFO,
    "debug": Severity.INFO,
}
"""The level as a number, as items have it; occurrences have it as a word."""


def parse(post: Post) -> Parsed:
    """Read one event.

    Raises:
        BadBody: if it is no event, or one of an item that has no id.
    """
    body = Node.json(post.body)
    event, item = body["event_name"].required(), body["data"]["item"]
    if event == "test":
        found = Finding(
            identity="test", state=AlertState.TEST, name="Test of Rollbar", severity=Severity.INFO
        )
        return Parsed([build(post, found)])
    if event != "resolved_item" and event not in FIRING:
        return Parsed(nothing="not_an_alert")
    return Parsed([build(post, _finding(event, item, body["data"]))])


def _finding(event: str, item: Node, data: Node) -> Finding:
    last = data["occurrence"] or item["last_occurrence"]
    level = plain(item["level"]) or plain(last["level"])
    number, environment = item["id"].required(), plain(item["environment"])
    title = first_line(plain(item["title"]))
    return Finding(
        identity=f"item/{number}",
        state=AlertState.RESOLVED if event == "resolved_item" else AlertState.FIRING,
        severity=SEVERITIES.get(level) or severity_of(level),
        name=title,
        summary=title,
        description=_message(last["body"]),
        resource=plain(last["server"]["host"]),
        labels={
            "environment": environment,
            "project_id": plain(item["project_id"]),
            "item_id": number,
            "counter": plain(item["counter"]),
            "framework": plain(last["framework"]),
            "language": plain(last["language"]),
            "context": plain(last["context"]),
        },
        annotations={
            "event": event,
            "occurrences": plain(item["total_occurrences"]),
            "rate": plain(data["trigger"]["window_size_description"]),
        },
        starts_at=moment(item["last_activated_timestamp"]) or moment(item["first_occurrence_timestamp"]),
        url=plain(data["url"]) or _url(plain(last["uuid"])),
    )


def _message(body: Node) -> str:
    """Find what was said: of a message the text, of an exception its description."""
    trace = body["trace"] or body["trace_chain"][0]
    return plain(body["message"]["body"]) or plain(
        trace["exception"].first("description", "message", "class")
    )


def _url(occurrence: str) -> str:
    return f"https://rollbar.com/item/uuid/?uuid={occurrence}" if occurrence else ""
