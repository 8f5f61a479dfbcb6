"""Graylog's HTTP notification of an event, and the alarm callback of versions before 3.1. Nothing tells of the end.

https://go2docs.graylog.org/current/interacting_with_your_log_data/notifications.html
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Graylog"

SEVERITIES = {"1": Severity.LOW, "2": Severity.MEDIUM, "3": Severity.HIGH, "4": Severity.CRITICAL}
TESTS = {"TEST_NOTIFICATION_ID", "NotificationTestId", "EventDefinitionTestId"}
"""Ids that "Execute test notification" makes up."""
_HOSTS = ("host", "hostname", "source")


def parse(post: Post) -> Parsed:
    """Read one notification.

    Raises:
        BadBody: if it is none.
    """
    body = Node.json(post.body)
    found = _alarm(body) if body["check_result"] else _event(body, body["event"])
    return Parsed([build(post, found)])


def _event(body: Node, event: Node) -> Finding:
    groups, fields = event["group_by_fields"].flat(), event["fields"].flat()
    definition = body["event_definition_id"].value or event["event_definition_id"].required()
    title, message = plain(body["event_definition_title"]), plain(event["message"])
    tested = TESTS & {plain(event["id"]), str(definition)}
    return Finding(
        # The event's own id is new each time; what it was grouped by stays.
        identity="/".join(filter(None, [str(definition), _key(event, groups)])),
        state=AlertState.TEST if tested else AlertState.FIRING,
        severity=SEVERITIES.get(plain(event["priority"]), Severity.MEDIUM),
        name=title or message,
        summary=first_line(message),
        description=plain(body["event_definition_description"]),
        service={**fields, **groups}.get("service", ""),
        resource=_host(groups) or _host(fields) or plain(event["source"]),
        labels={**fields, **groups, "event_definition_id": str(definition)},
        annotations={"event_id": plain(event["id"]), "log": plain(body["backlog"][0]["message"])},
        starts_at=moment(event["timestamp"]),
    )


def _key(event: Node, groups: dict[str, str]) -> str:
    return plain(event["key"]) or ",".join(f"{key}={groups[key]}" for key in sorted(groups))


def _host(fields: dict[str, str]) -> str:
    return next((fields[key] for key in _HOSTS if key in fields), "")


def _alarm(body: Node) -> Finding:
    """Read the older form. One condition is of one stream; it is only ever sent when it is met."""
    result, stream = body["check_result"], body["stream"]
    condition = result["triggered_condition"]
    name = plain(condition["title"]) or plain(stream["title"]) or plain(condition["type"])
    text = plain(result["result_description"])
    return Finding(
        identity="/".join(filter(None, [plain(stream["id"]), condition["id"].required()])),
        state=AlertState.FIRING if result["triggered"].value is not False else AlertState.RESOLVED,
        name=name,
        summary=first_line(text),
        description=plain(stream["description"]),
        resource=plain(result["matching_messages"][0]["source"]),
        labels={"stream": plain(stream["title"]), "condition": plain(condition["type"])},
        annotations={"log": plain(result["matching_messages"][0]["message"])},
        starts_at=moment(result["triggered_at"]),
        url=plain(body["stream_url"]),
    )
