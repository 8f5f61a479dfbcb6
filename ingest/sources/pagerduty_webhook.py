"""PagerDuty's webhooks, version 3 and the older 2: what happened to an incident.

https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from domain.alert import Alert, AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each

TITLE = "PagerDuty webhook"

EVENTS = {
    "triggered": AlertState.FIRING,
    "trigger": AlertState.FIRING,
    "unacknowledged": AlertState.FIRING,
    "unacknowledge": AlertState.FIRING,
    "reopened": AlertState.FIRING,
    "acknowledged": AlertState.ACKNOWLEDGED,
    "acknowledge": AlertState.ACKNOWLEDGED,
    "resolved": AlertState.RESOLVED,
    "resolve": AlertState.RESOLVED,
}
"""What follows ``incident.``: version 2 has the shorter words. All others leave the state as it is."""

UPDATES = {"priority_updated", "service_updated"}
"""Events that say something new of an incident; its state is then the incident's own."""

PRIORITIES = {
    "1": Severity.CRITICAL,
    "2": Severity.HIGH,
    "3": Severity.MEDIUM,
    "4": Severity.LOW,
    "5": Severity.INFO,
}
URGENCIES = {"high": Severity.HIGH, "low": Severity.LOW}
PING = "pagey.ping"


def parse(post: Post) -> Parsed:
    """Read one event, or the messages of the older version.

    Raises:
        BadBody: if it is neither.
    """
    document = Node.json(post.body)
    if "messages" in document:
        messages = document["messages"].items()
        found = each(messages, lambda place: _message(post, messages[place]), "messages")
        return found if found.alerts or found.faults or not messages else Parsed(nothing="not_an_alert")
    event = document["event"]
    if event["event_type"].required() == PING:
        return Parsed(nothing="test")
    state = _state(plain(event["event_type"]), event["data"])
    if state is None:
        return Parsed(nothing="not_an_alert")
    return Parsed([build(post, _incident(event["data"], state, event["occurred_at"]))])


def _message(post: Post, message: Node) -> Alert | None:
    """Read a message of version 2, with the time of its log entry."""
    incident = message["incident"]
    state = _state(message["event"].required(), incident)
    at = message["log_entries"][0]["created_at"] or incident.first("last_status_change_at", "created_at")
    return build(post, _incident(incident, state, at)) if state else None


def _state(kind: str, incident: Node) -> AlertState | None:
    subject, _, event = kind.partition(".")
    if subject != "incident":
        return None
    state = EVENTS.get(plain(incident["status"])) if event in UPDATES else EVENTS.get(event)
    return None if event in UPDATES and state is AlertState.RESOLVED else state


def _incident(incident: Node, state: AlertState, at: Node) -> Finding:
    """Read an incident; its id stays, also when it is opened again.

    So it begins with each event anew: a time of its creation would make the second life look like the first.
    """
    service = incident["service"]
    title = plain(incident.first("title", "summary", "description"))
    key = incident["id"].required()
    return Finding(
        identity=key,
        state=state,
        severity=_severity(incident),
        name=title or key,
        summary=first_line(title),
        description=plain(_details(incident["body"])),
        service=plain(service.first("summary", "name")),
        resource=plain(service.first("summary", "name")),
        labels={
            "incident": plain(incident.first("number", "incident_number")),
            "incident_key": plain(incident["incident_key"]),
            "urgency": plain(incident["urgency"]),
            "priority": plain(_details(incident["priority"])),
            "status": plain(incident["status"]),
            "service_id": plain(service["id"]),
            "escalation_policy": plain(incident["escalation_policy"]["summary"]),
            "team": plain(incident["teams"][0]["summary"]),
        },
        starts_at=moment(at),
        ends_at=moment(at),
        url=plain(incident["html_url"]),
    )


def _details(node: Node) -> Node:
    """Return the text of something that may be an object with a name."""
    return node.first("details", "summary", "name") if isinstance(node.value, dict) else node


def _severity(incident: Node) -> Severity:
    """Take the priority, as in ``P1`` or ``SEV-2``; without one, the urgency."""
    priority = plain(_details(incident["priority"]))
    return PRIORITIES.get(priority[-1:]) or URGENCIES.get(plain(incident["urgency"]), Severity.MEDIUM)
