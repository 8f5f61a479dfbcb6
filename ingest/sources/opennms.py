"""OpenNMS: alarms as its REST API gives them (one, a list, a page of them) or its Kafka producer, and events.

https://docs.opennms.com/horizon/latest/development/rest/alarms.html
"""

from __future__ import annotations

import re

from domain.alert import Alert, AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.flat import one_line
from ingest.sources.loose import moment
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each

TITLE = "OpenNMS"

SEVERITIES = {
    "critical": Severity.CRITICAL,
    "major": Severity.HIGH,
    "minor": Severity.MEDIUM,
    "warning": Severity.LOW,
    "indeterminate": Severity.LOW,
    "normal": Severity.INFO,
    "cleared": Severity.INFO,
}
WELL = {"normal", "cleared"}
CLEARS = {"2", "clear", "resolution"}
"""Types of alarm that exist only to clear another, whose reduction key is their clear key."""
KINDS = ("type", "alarmType", "alarm_type")
DATA = ("alarmData", "alarm-data", "alarmdata")
_TAG = re.compile(r"<[^<>]*>")


def parse(post: Post) -> Parsed:
    """Read one alarm or event, or many.

    Raises:
        BadBody: if it holds none.
    """
    body = Node.json(post.body)
    within = next((name for name in ("alarm", "event") if name in body), "")
    given = body[within] if within else body
    if isinstance(given.value, list):
        alarms = given.items()
        return each(alarms, lambda place: _alarm(post, alarms[place]), within)
    alert = _alarm(post, given)
    return Parsed([alert] if alert else [], nothing="" if alert else "not_an_alert")


def _alarm(post: Post, given: Node) -> Alert | None:
    """Read one; an event that makes no alarm is none."""
    data = given.first(*DATA)
    if not given["reductionKey"] and not data and given["uei"] and "severity" in given:
        return None
    key = given["reductionKey"].text() or data.first("reductionKey", "reduction-key").text()
    if not key:
        raise given["reductionKey"].fault("is missing")
    return build(post, _finding(given, data, key))


def _finding(given: Node, data: Node, key: str) -> Finding:
    word, node = given["severity"].text().lower(), _node(given)
    cleared = given["clearKey"].text() or data.first("clearKey", "clear-key").text()
    clears = (given.first(*KINDS).text() or data.first("alarmType", "alarm-type").text()).lower() in CLEARS
    state = _state(given, word, over=clears or word in WELL)
    last = moment(given.first("lastEventTime", "time", "createTime"))
    over, log = state is AlertState.RESOLVED, _plain(given.first("logMessage", "logMsg").text())
    return Finding(
        # An event that clears has a reduction key of its own; what it clears is named by its clear key.
        identity=cleared if clears and cleared else key,
        state=state,
        name=given["uei"].text().rpartition("/")[2] or key,
        severity=SEVERITIES.get(word, Severity.MEDIUM),
        summary=one_line(log),
        description=_plain(given["description"].text()) or log,
        service=given.at("serviceType.name").text() if _is_object(given["serviceType"]) else "",
        resource=node or given["ipAddress"].text(),
        labels=_parameters(given)
        | {
            "uei": given["uei"].text(),
            "node_id": given["nodeId"].text(),
            "address": given["ipAddress"].text(),
            "if_index": given["ifIndex"].text(),
            "location": given["location"].text(),
            "alarm_id": given["id"].text(),
        },
        annotations={
            "acknowledged_by": given["ackUser"].text(),
            "ticket": given.first("troubleTicket", "troubleTicketId").text(),
            "instructions": _plain(given.first("operatorInstructions", "operInstruct").text()),
        },
        starts_at=None if over else moment(given["firstEventTime"]) or last,
        ends_at=last if over else None,
        url=given["detailsPage"].text(),
    )


def _state(given: Node, severity: str, *, over: bool) -> AlertState:
    if over:
        return AlertState.RESOLVED
    if severity not in SEVERITIES:
        raise given["severity"].fault("should be a severity like MAJOR or CLEARED")
    return AlertState.ACKNOWLEDGED if given["ackUser"] else AlertState.FIRING


def _node(given: Node) -> str:
    criteria = given["nodeCriteria"]
    return given["nodeLabel"].text() or (
        criteria["nodeLabel"].text() or criteria["foreignId"].text() if _is_object(criteria) else ""
    )


def _parameters(given: Node) -> dict[str, str]:
    """The parameters of the event: a list of objects with a name and a value, which may be an object itself."""
    labels: dict[str, str] = {}
    for part in given["parameters"].items() if isinstance(given["parameters"].value, list) else ():
        if not _is_object(part):
            continue
        value = part["value"]["content"] if _is_object(part["value"]) else part["value"]
        if (name := part.first("parmName", "name")) and not isinstance(value.value, dict | list):
            labels[name.text()] = value.text()
    return labels


def _is_object(node: Node) -> bool:
    return isinstance(node.value, dict)


def _plain(text: str) -> str:
    """Take the HTML out of what OpenNMS shows in its pages."""
    return "\n".join(line for line in map(str.strip, _TAG.sub("", text).split("\n")) if line)
