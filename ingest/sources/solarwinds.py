"""SolarWinds Platform (Orion): the alert action that sends a request, with the template of our guide or a like one.

https://documentation.solarwinds.com/en/success_center/orionplatform/content/core-sending-http-request-action-sw1042.htm
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat, one_line
from ingest.sources.post import Parsed, Post

TITLE = "SolarWinds"

ACTION = ("ActionType", "action", "event_type", "EventType", "iLertEventType", "notification_type", "state")
STATUS = ("AlertStatus", "status")
WORDS = {
    AlertState.FIRING: "create created trigger triggered alert problem active open opened firing set",
    AlertState.RESOLVED: "resolve resolved reset recovery recovered clear cleared close closed ok up inactive",
    AlertState.ACKNOWLEDGED: "acknowledge acknowledged acknowledgement ack accept",
    AlertState.TEST: "test",
}
STATES = {word: state for state, words in WORDS.items() for word in words.split()}
SEVERITIES = {
    "critical": Severity.CRITICAL,
    "2": Severity.CRITICAL,
    "serious": Severity.HIGH,
    "3": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "1": Severity.MEDIUM,
    "notice": Severity.LOW,
    "4": Severity.LOW,
    "informational": Severity.INFO,
    "information": Severity.INFO,
    "0": Severity.INFO,
}
NAME = ("AlertName", "alert_name", "name")
NODE = ("NodeName", "node_name", "node", "Node.Caption", "host", "hostname")
OBJECT = ("ObjectName", "object_name", "EntityCaption", "Caption", "DisplayName", "NodeCaption")
MESSAGE = ("AlertMessage", "message", "alert_message", "iLertEventSummary", "summary")


def parse(post: Post) -> Parsed:
    """Read one request: a form, JSON, or either with line breaks in its values, for Orion puts them in as they are.

    Raises:
        BadBody: if it names no alert, or an action that is none.
    """
    given = Flat.of(post)
    return Parsed([build(post, _finding(given, _state(given)))])


def _state(given: Flat) -> AlertState:
    """Only the template says whether it is of the trigger or of the reset action: Orion has no variable for that."""
    if word := given(*ACTION):
        state = STATES.get(word.lower())
        if state is None:
            raise BadBody("should be like trigger or reset", "ActionType")
    else:
        state = STATES.get(given(*STATUS).lower(), AlertState.FIRING)
    if state is AlertState.FIRING and given("Acknowledged").lower() in {"true", "yes", "1", "acknowledged"}:
        return AlertState.ACKNOWLEDGED
    return state


def _finding(given: Flat, state: AlertState) -> Finding:
    node, item, message = given(*NODE), given(*OBJECT), given(*MESSAGE)
    name = given(*NAME) or one_line(message)
    return Finding(
        identity=_identity(given, node or item, name),
        state=state,
        name=name,
        severity=SEVERITIES.get(given("Severity", "AlertSeverity").lower(), Severity.MEDIUM),
        summary=one_line(message),
        description=given("AlertDescription", "description", "alert_description") or message,
        service=given("ApplicationName", "application", "service"),
        resource=node or item or given("IP_Address", "IP", "ip_address"),
        labels=given.named(alert_id="AlertID", object_id="AlertObjectID", active_id="AlertActiveID")
        | given.named(object_type="ObjectType", object="ObjectName", address="IP_Address", vendor="Vendor")
        | given.named(location="Location", acknowledged_by="AcknowledgedBy"),
        annotations=given.named(notes="Notes", trigger_count="AlertTriggerCount"),
        starts_at=given.moment("AlertTriggerTime", "TimeOfAlert", "triggered_datetime", "timestamp"),
        url=given("AlertDetailsUrl", "alert_details_url", "iLertUrl", "url", "link"),
        links=given.named(acknowledge="AcknowledgeUrl", object="EntityDetailsUrl"),
    )


def _identity(given: Flat, item: str, name: str) -> str:
    """``AlertObjectID`` is one alert on one object for ever; ``AlertActiveID`` is one life, and gone at the reset.

    ``AlertID`` is the alert's definition, so that it takes the node to tell one from the other.
    """
    if number := given("AlertObjectID"):
        return f"object {number}"
    if number := given("AlertID", "AlertDefID", "alert_id"):
        return f"{item}/alert {number}"
    if number := given("AlertActiveID", "IncidentKey", "iLertIncidentKey"):
        return f"active {number}"
    if not name:
        raise BadBody("is missing", "AlertObjectID")
    return f"{item}/{name}"
