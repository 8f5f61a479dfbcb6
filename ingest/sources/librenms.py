"""LibreNMS: the API transport, with the template of our guide or a like one, as JSON, a form or a query.

https://docs.librenms.org/Alerting/Transports/Api/
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat, one_line
from ingest.sources.post import Parsed, Post

TITLE = "LibreNMS"

STATES = {
    "0": AlertState.RESOLVED,
    "ok": AlertState.RESOLVED,
    "recovered": AlertState.RESOLVED,
    "1": AlertState.FIRING,
    "alert": AlertState.FIRING,
    "active": AlertState.FIRING,
    "2": AlertState.ACKNOWLEDGED,
    "acknowledged": AlertState.ACKNOWLEDGED,
    "3": AlertState.FIRING,
    "worse": AlertState.FIRING,
    "4": AlertState.FIRING,
    "better": AlertState.FIRING,
    "5": AlertState.FIRING,
    "changed": AlertState.FIRING,
}
SEVERITIES = {"critical": Severity.CRITICAL, "warning": Severity.MEDIUM, "ok": Severity.INFO}
NAME = ("name", "rule_name")
TEST_TITLE, TEST_RULE = "Testing transport from", "Test-Rule"
_TITLES = {
    AlertState.RESOLVED: re.compile(r" recovered from |got recovered", re.IGNORECASE),
    AlertState.ACKNOWLEDGED: re.compile(r"\backnowledged\b", re.IGNORECASE),
    AlertState.FIRING: re.compile(r"^alert\b", re.IGNORECASE),
}
"""How the default titles begin, for templates without the state."""


def parse(post: Post) -> Parsed:
    """Read one alert.

    Raises:
        BadBody: if it names no device or rule, or no state.
    """
    given = Flat.of(post)
    return Parsed([build(post, _finding(given, _state(given)))])


def _state(given: Flat) -> AlertState:
    title = given("title")
    if title.startswith(TEST_TITLE) or given(*NAME) == TEST_RULE:
        return AlertState.TEST
    if word := given("state"):
        state = STATES.get(word.lower())
        if state is None:
            raise BadBody("should be a number from 0 to 5", "state")
        return state
    for state, pattern in _TITLES.items():
        if pattern.search(title):
            return state
    raise BadBody("is missing", "state")


def _finding(given: Flat, state: AlertState) -> Finding:
    at, over = given.moment("timestamp"), state is AlertState.RESOLVED
    device = given("hostname", "display", "sysName", "ip")
    return Finding(
        identity=_identity(given, device),
        state=state,
        name=given(*NAME) or one_line(given("title")),
        severity=SEVERITIES.get(given("severity").lower(), Severity.MEDIUM),
        summary=one_line(given("title")),
        description=given("msg", "message"),
        resource=device,
        labels=given.named(alert_id="alert_id", rule_id="rule_id", device_id="device_id", log_id="uid")
        | given.named(sysname="sysName", address="ip", os="os", device_type="type", hardware="hardware")
        | given.named(location="location", contact="sysContact"),
        annotations=given.named(notes="notes", alert_notes="alert_notes", elapsed="elapsed", faults="faults")
        | given.named(reason="status_reason"),
        starts_at=None if over else at,
        ends_at=at if over else None,
        url=given("url", "link", "alert_url"),
        links=given.named(runbook="proc"),
    )


def _identity(given: Flat, device: str) -> str:
    """``alert_id`` is that of a rule on a device, and stays; ``uid`` and ``id`` are of one entry of the log."""
    if number := given("alert_id"):
        return f"alert {number}"
    where = given("device_id") or device
    rule = given("rule_id", *NAME)
    if not where or not rule:
        raise BadBody("is missing", "alert_id")
    return f"device {where}/rule {rule}"
