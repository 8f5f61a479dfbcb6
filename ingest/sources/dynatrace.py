"""Dynatrace's custom webhook: one problem, in a template of placeholders; also inside a CloudEvent, as Keptn sends it.

https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
"""

from __future__ import annotations

from domain.alert import Alert, AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import Loose, first_line, merged, moment, objects, plain, tags, unquoted
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Dynatrace"

SEVERITIES = {
    "AVAILABILITY": Severity.CRITICAL,
    "ERROR": Severity.HIGH,
    "MONITORING_UNAVAILABLE": Severity.HIGH,
    "PERFORMANCE": Severity.MEDIUM,
    "RESOURCE_CONTENTION": Severity.MEDIUM,
    "CUSTOM_ALERT": Severity.MEDIUM,
    "INFO": Severity.INFO,
}
OVER = {"RESOLVED", "CLOSED"}
"""MERGED is not an end: it tells that more events came to a problem which is still open."""

TEST = "Dynatrace problem notification test run"
"""Title of what the button Send test notification sends."""


def parse(post: Post) -> Parsed:
    """Read one problem.

    Raises:
        BadBody: if it is none.
    """
    document = Node.json(post.body)
    if "specversion" in document:
        document = document["data"]
    return Parsed([_alert(post, Loose(document))])


def _alert(post: Post, told: Loose) -> Alert:
    details = _details(told)
    title = told.text("problem_title", "title")
    state = _state(told, details, title)
    labels = merged(tags(told.node("tags")), _ids(told))
    since = moment(details.first("startTime", "startTimestamp"))
    return build(
        post,
        Finding(
            identity=_identity(told, details),
            state=state,
            severity=_severity(told, details),
            name=title or told.text("problem_id", "pid"),
            summary=first_line(_with_entity(title, told.text("impacted_entity"))),
            description=_text(told),
            service=labels.get("service", ""),
            resource=_resource(told),
            labels=labels,
            # Both or neither: the end must not be told by another clock than the start.
            starts_at=since,
            ends_at=moment(details["endTime"]) if since else None,
            url=told.text("problem_url", "url"),
        ),
    )


def _details(told: Loose) -> Node:
    """Return the details of the problem, in either version."""
    details = unquoted(told.node("problem_details_json_v2", "problem_details_json", "problem_details"))
    return details if isinstance(details.value, dict) else Node({}, details.path)


def _identity(told: Loose, details: Node) -> str:
    """Take the PID: the number that people see, P-123, may come again in another environment."""
    found = told.text("pid") or plain(details.first("problemId", "id")) or told.text("problem_id")
    if not found:
        raise BadBody("is missing", "PID")
    return found


def _state(told: Loose, details: Node, title: str) -> AlertState:
    if title == TEST:
        return AlertState.TEST
    word = told.text("state", "problem_status", "status") or plain(details["status"])
    if not word:
        raise BadBody("is missing", "State")
    return AlertState.RESOLVED if word.upper() in OVER else AlertState.FIRING


def _severity(told: Loose, details: Node) -> Severity:
    event = details["rankedEvents"]
    ranked = event[0]["severityLevel"] if isinstance(event.value, list) else Node(None)
    word = told.text("problem_severity", "severity") or plain(details["severityLevel"]) or plain(ranked)
    return SEVERITIES.get(word.upper()) or severity_of(word)


def _with_entity(title: str, entity: str) -> str:
    """Say what happened and where; the placeholder for the entity mostly says both."""
    if title in entity or not entity:
        return entity or title
    return f"{title}: {entity}"


def _text(told: Loose) -> str:
    text = told.text("problem_details_text", "problem_details_markdown", "problem_details", "impacted_entity")
    return text or told.text("problem_details_html")


def _entities(told: Loose) -> list[Node]:
    return objects(told.node("impacted_entities"))


def _resource(told: Loose) -> str:
    named = (plain(entity.first("name", "entity")) for entity in _entities(told))
    return next((name for name in named if name), told.text("impacted_entity"))


def _ids(told: Loose) -> dict[str, str]:
    entities = _entities(told)
    return {
        "problem": told.text("problem_id"),
        "impact": told.text("problem_impact"),
        "severity_level": told.text("problem_severity"),
        "entities": ",".join(filter(None, (plain(entity["entity"]) for entity in entities))),
        "entity_type": plain(entities[0]["type"]) if entities else "",
    }
