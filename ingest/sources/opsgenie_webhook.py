"""Opsgenie's outgoing webhook, and Jira Service Management's: what happened to one alert.

https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, first_plain, merged, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Opsgenie webhook"

ACTIONS = {
    "create": AlertState.FIRING,
    "unacknowledge": AlertState.FIRING,
    "updatepriority": AlertState.FIRING,
    "updatemessage": AlertState.FIRING,
    "updatedescription": AlertState.FIRING,
    "acknowledge": AlertState.ACKNOWLEDGED,
    "close": AlertState.RESOLVED,
    "delete": AlertState.RESOLVED,
}
"""All others, like AddNote, Escalate or Snooze, change nothing of the alert itself."""

SEVERITIES = {
    "1": Severity.CRITICAL,
    "2": Severity.HIGH,
    "3": Severity.MEDIUM,
    "4": Severity.LOW,
    "5": Severity.INFO,
}


def parse(post: Post) -> Parsed:
    """Read one action on an alert.

    Raises:
        BadBody: if it is none.
    """
    document = Node.json(post.body)
    action, alert = document["action"].required(), document["alert"]
    state = ACTIONS.get(action.lower())
    if state is None:
        return Parsed(nothing="not_an_alert")
    return Parsed([build(post, _finding(alert, state, action))])


def _finding(alert: Node, state: AlertState, action: str) -> Finding:
    details = _object(alert["details"])
    message, over = plain(alert["message"]), state is AlertState.RESOLVED
    labels = merged(details, tags(alert["tags"]), _ids(alert), {"action": action})
    return Finding(
        # The alias is what the sender gave it: the same for the next alert of the same trouble.
        identity=plain(alert["alias"]) or alert["alertId"].required(),
        state=state,
        severity=_severity(alert["priority"]),
        name=message or plain(alert["alias"]),
        summary=first_line(message),
        description=plain(alert["description"]),
        service=labels.get("service", ""),
        resource=plain(alert["entity"]),
        labels=labels,
        starts_at=None if over else moment(alert["createdAt"]),
        ends_at=moment(alert.first("updatedAt", "createdAt")),
        url=details.get("url", ""),
    )


def _object(node: Node) -> dict[str, str]:
    return node.flat() if isinstance(node.value, dict) else {}


def _severity(priority: Node) -> Severity:
    """Read ``P1`` to ``P5``; old ones are bare numbers."""
    return SEVERITIES.get(plain(priority).upper().removeprefix("P"), Severity.MEDIUM)


def _ids(alert: Node) -> dict[str, str]:
    return {
        "alert_id": plain(alert["alertId"]),
        "tiny_id": plain(alert["tinyId"]),
        "entity": plain(alert["entity"]),
        "source": plain(alert["source"]),
        "team": plain(alert["team"]) or first_plain(alert["teams"]),
        "priority": plain(alert["priority"]),
    }
