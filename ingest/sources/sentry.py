"""Sentry's webhooks: issues, issue alerts and metric alerts of an integration, and those of the old plugin.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

from __future__ import annotations

import re

from domain.alert import Alert, AlertState, Severity
from domain.times import Millis
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, merged, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Sentry"

ACTIONS = {
    "created": AlertState.FIRING,
    "unresolved": AlertState.FIRING,
    "resolved": AlertState.RESOLVED,
    # Nobody wants to hear of it any more: if that changes, Sentry says unresolved.
    "archived": AlertState.RESOLVED,
    "ignored": AlertState.RESOLVED,
    "assigned": AlertState.ACKNOWLEDGED,
}
"""What happened to an issue."""

METRIC_ACTIONS = {"critical": Severity.CRITICAL, "warning": Severity.MEDIUM}

_LEVELS = {"debug": Severity.INFO, "sample": Severity.INFO}
"""Levels of an event that other tools do not have."""

_SAMPLE = re.compile(r"This is an example \w+ exception")
"""What Sentry sends to try out an integration."""
_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")
_ISSUE = re.compile(r"/issues/(\d+)")


def parse(post: Post) -> Parsed:
    """Read one webhook; what it is of is told by its parts, and in a header.

    Raises:
        BadBody: if it is none.
    """
    document = Node.json(post.body)
    data, resource = document["data"], post.headers.get("sentry-hook-resource", "")
    if isinstance(data.value, dict) and "metric_alert" in data:
        return Parsed([_metric_alert(post, document)])
    if isinstance(data.value, dict) and ("event" in data or "error" in data):
        return Parsed([_event(post, data.first("event", "error"), data)])
    if resource in {"installation", "comment"} or "installation" in data or "comment" in data:
        return Parsed(
            nothing="handshake" if resource == "installation" or "installation" in data else "not_an_alert"
        )
    if isinstance(data.value, dict) and "issue" in data:
        return _issue(post, document)
    if "event" in document or "culprit" in document:
        return Parsed([_plugin(post, document)])
    if resource or "comment" in data:
        return Parsed(nothing="not_an_alert")
    raise BadBody("is no webhook of an issue or alert", "data")


def _issue(post: Post, document: Node) -> Parsed:
    """Read what happened to an issue."""
    issue, action = document["data"]["issue"], document["action"].required()
    state = ACTIONS.get(action)
    if state is None:
        return Parsed(nothing="not_an_alert")
    at = _sent_at(post)
    title, project = issue["title"].required(), _project(issue["project"])
    finding = Finding(
        identity=f"issue/{issue['id'].required()}",
        state=state,
        severity=_severity(plain(issue["level"])),
        name=title,
        description=plain(issue["culprit"]),
        service=project,
        resource=project,
        labels={
            "project": project,
            "level": plain(issue["level"]),
            "platform": plain(issue["platform"]),
            "short_id": plain(issue["shortId"]),
            "action": action,
            "substatus": plain(issue["substatus"]),
        },
        # Not since it was first seen: an issue that comes back begins anew.
        starts_at=at,
        ends_at=at,
        url=plain(issue.first("web_url", "permalink", "url")),
    )
    return Parsed([build(post, finding)])


def _severity(level: str) -> Severity:
    return _LEVELS.get(level) or severity_of(level)


def _sent_at(post: Post) -> Millis:
    """Return when Sentry sent it, which the header tells in seconds."""
    return moment(Node(post.headers.get("sentry-hook-timestamp"))) or post.received_at


def _project(project: Node) -> str:
    return plain(project.first("slug", "name")) if isinstance(project.value, dict) else plain(project)


def _event(post: Post, event: Node, data: Node) -> Alert:
    """Read an event that a rule told of, or an error. It fires what a resolve of the issue ends."""
    labels = tags(event["tags"])
    title = plain(event["title"]) or plain(event["message"]) or plain(event["culprit"])
    link = plain(event.first("web_url", "issue_url", "url"))
    return build(
        post,
        Finding(
            identity=_issue_of(event, plain(event["issue_id"])),
            state=AlertState.TEST if _is_sample(event) else AlertState.FIRING,
            severity=_severity(plain(event["level"]) or labels.get("level", "")),
            name=title,
            summary=first_line(title),
            description=plain(event["culprit"]) or plain(event["location"]),
            service=(project := _project_of(event)),
            resource=labels.get("server_name", "") or project,
            labels=merged(labels, _ids(event), {"project": project, "rule": plain(data["triggered_rule"])}),
            starts_at=moment(event.first("datetime", "timestamp", "received")),
            url=link,
        ),
    )


def _issue_of(event: Node, issue: str) -> str:
    """Name the issue, by its id or by that in a link; without one, the event alone."""
    links = (plain(event[key]) for key in ("issue_url", "web_url", "url"))
    found = issue or next((match[1] for link in links if (match := _ISSUE.search(link))), "")
    if found:
        return f"issue/{found}"
    return f"event/{event['event_id'].required()}"


def _project_of(event: Node) -> str:
    """Return the project's name, which an event has only in its link; else its number."""
    match = _PROJECT.search(plain(event["url"]))
    return match[1] if match else _project(event["project"])


def _ids(event: Node) -> dict[str, str]:
    return {
        "project": _project(event["project"]),
        "level": plain(event["level"]),
        "platform": plain(event["platform"]),
        "environment": plain(event["environment"]),
        "release": plain(event["release"]),
    }


def _is_sample(event: Node) -> bool:
    return any(_SAMPLE.fullmatch(plain(event[key])) for key in ("title", "message"))


def _metric_alert(post: Post, document: Node) -> Alert:
    """Read a change of a metric alert; its id is one from the start to the end."""
    alert, action = document["data"]["metric_alert"], document["action"].required()
    rule, data = alert["alert_rule"], document["data"]
    title = plain(rule["name"]) or plain(alert["title"]) or plain(data["description_title"])
    over = action == "resolved"
    project = plain(alert["projects"][0]) or plain(rule["projects"][0])
    return build(
        post,
        Finding(
            identity=f"metric/{alert['id'].required()}",
            state=AlertState.RESOLVED if over else AlertState.FIRING,
            severity=METRIC_ACTIONS.get(action, Severity.MEDIUM),
            name=title,
            summary=first_line(plain(data["description_title"])) or title,
            description=plain(data["description_text"]),
            service=project,
            resource=project,
            labels={
                "project": project,
                "environment": plain(rule["environment"]),
                "aggregate": plain(rule["aggregate"]),
            },
            annotations={"query": plain(rule["query"]), "number": plain(alert["identifier"])},
            starts_at=moment(alert.first("date_started", "date_detected", "date_created")),
            ends_at=moment(alert["date_closed"]),
            url=plain(data["web_url"]),
        ),
    )


def _plugin(post: Post, document: Node) -> Alert:
    """Read the old plugin's webhook: the issue, with its last event inside. It never tells the end."""
    event = document["event"]
    title = plain(document["message"]) or plain(event["title"]) or document["culprit"].required()
    project = plain(document.first("project_slug", "project_name", "project"))
    labels = tags(event["tags"])
    sample = _is_sample(document) or _is_sample(event)
    return build(
        post,
        Finding(
            identity=_issue_of(document, plain(document["id"])),
            state=AlertState.TEST if sample else AlertState.FIRING,
            severity=_severity(plain(document["level"]) or plain(event["level"])),
            name=title,
            summary=first_line(title),
            description=plain(document["culprit"]),
            service=project,
            resource=labels.get("server_name", "") or project,
            labels=merged(labels, _ids(event), {"project": project}),
            starts_at=moment(event.first("timestamp", "received")),
            url=plain(document["url"]),
        ),
    )
