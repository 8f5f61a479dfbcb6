"""PRTG Network Monitor: the notification action "Execute HTTP Action", with the template of our guide or a like one.

https://www.paessler.com/manuals/prtg/notification_templates_settings
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat, one_line
from ingest.sources.post import Parsed, Post

TITLE = "PRTG"

STATUS = ("status", "laststatus", "state", "sensorstatus")
DOWN = {
    "5": Severity.CRITICAL,
    "4": Severity.HIGH,
    "3": Severity.HIGH,
    "2": Severity.MEDIUM,
    "1": Severity.LOW,
}
"""How bad it is that a sensor of this priority (stars) is down."""
MILDER = {"warning": Severity.MEDIUM, "unusual": Severity.LOW}
QUIET = {"paused", "unknown", "none", "scanning", "collecting"}
_NOW = re.compile(r"\(now: ([^)]*)\)?", re.IGNORECASE)
_WAS = re.compile(r"\(was:[^)]*\)?", re.IGNORECASE)


def parse(post: Post) -> Parsed:
    """Read one notification, as a form, JSON or a query. A sensor that is paused tells of nothing.

    Raises:
        BadBody: if it names no sensor or no status.
    """
    given = Flat.of(post)
    status = given.required(*STATUS)
    state = _state(status)
    if state is None:
        return Parsed(nothing=_now(status).partition(" ")[0] or "not_an_alert")
    return Parsed([build(post, _finding(given, status, state))])


def _finding(given: Flat, status: str, state: AlertState) -> Finding:
    sensor, device = given("sensor", "name", "sensorname"), given("device", "devicename", "server", "host")
    message = given("message", "lastmessage", "msg")
    return Finding(
        identity=_identity(given, device, sensor),
        state=state,
        name=sensor or f"Sensor {given('sensorid', 'id')}",
        severity=_severity(given, status),
        summary=_summary((device, sensor, status), "" if state is AlertState.RESOLVED else message),
        description=message or given("down"),
        service=given("service"),
        resource=device,
        labels=given.named(sensor_id="id", host="host", group="group", probe="probe", priority="priority")
        | given.named(sensor_id="sensorid", location="location", tags="tags", site="sitename"),
        annotations=given.named(value="lastvalue", since="since", comments="commentssensor")
        | given.named(down_for="down", at="datetime"),
        url=given("linksensor", "link", "url"),
        links=given.named(device="linkdevice"),
    )


def _summary(parts: tuple[str, ...], message: str) -> str:
    said = " ".join(filter(None, parts))
    return one_line(f"{said}: {message}" if message else said)


def _identity(given: Flat, device: str, sensor: str) -> str:
    """The sensor's number never changes; names can be had twice, and are the next best."""
    if number := given("sensorid", "id", "objid"):
        return f"sensor {number}"
    return f"{device}/{sensor}" if device and sensor else given.required("sensorid", "sensor", "name")


def _state(status: str) -> AlertState | None:
    """Read ``Down``, ``Up (was: Down)``, ``Down ended (now: Up)``, ``Down (Acknowledged)``, ``Down ESCALATION``, ...

    When a trigger's own condition has ended, that is all that PRTG will tell: what it was set up to watch for is
    over, be the sensor up or in a milder trouble. Not so if it is only paused.
    """
    now = _now(status)
    if now.split(" ")[0] in QUIET:
        return None
    if now.startswith(("up", "ok")) or ("ended" in status.lower() and not now.startswith("down (")):
        return AlertState.RESOLVED
    return AlertState.ACKNOWLEDGED if "acknowledged" in now else AlertState.FIRING


def _now(status: str) -> str:
    """Cut a status down to the present: what is after ``now:``, without what was before."""
    match = _NOW.search(status)
    return (match[1] if match else _WAS.sub("", status)).strip().lower()


def _severity(given: Flat, status: str) -> Severity:
    for word, severity in MILDER.items():
        if _now(status).startswith(word):
            return severity
    priority = given("priority", "prio")
    stars = str(priority.count("*")) if "*" in priority else priority[:1]
    return DOWN.get(stars, Severity.HIGH)
