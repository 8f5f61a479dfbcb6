"""UptimeRobot's webhook: a monitor that went down or up, in a query, a form or JSON, under names that people choose.

https://help.uptimerobot.com/en/articles/14498593-webhook-integration
"""

from __future__ import annotations

from domain.alert import AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line, merged, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "UptimeRobot"

STATES = {
    "1": AlertState.FIRING,
    "down": AlertState.FIRING,
    "2": AlertState.RESOLVED,
    "up": AlertState.RESOLVED,
}
KINDS = {"3": "ssl"}
"""Alerts that are not about whether it answers: they have no end. Others go by their friendly name."""


def parse(post: Post) -> Parsed:
    """Read one alert. Its fields may be in the query as well as in the body, or in both.

    Raises:
        BadBody: if it is none.
    """
    return Parsed([build(post, _finding(Loose(form_or_json(post), Node(dict(post.query)))))])


def _finding(told: Loose) -> Finding:
    state, kind = _state(told)
    name, address = (
        told.text("monitor_friendly_name", "monitor_name", "name"),
        told.text("monitor_url", "url"),
    )
    labels = merged(tags(told.node("monitor_tags", "tags")), _labels(told, address))
    at = told.moment("alert_date_time", "incident_started_at", "timestamp")
    text = told.text("alert_details", "message", "reason")
    return Finding(
        identity=_identity(told, name or address, kind),
        state=state,
        # A tag may say; else it is down, or there is something milder to know of it.
        severity=severity_of(labels.get("severity", "") or ("medium" if kind else "high")),
        name=f"{name or address}: {kind}" if kind else name or address or told.text("monitor_id", "id"),
        summary=first_line(text),
        description=text,
        service=labels.get("service", ""),
        resource=address or name,
        labels=labels,
        annotations={"duration": told.text("alert_friendly_duration", "alert_duration")},
        starts_at=at,
        ends_at=at,
        url=told.text("incident_url", "dashboard_url", "monitor_dashboard_url"),
    )


def _state(told: Loose) -> tuple[AlertState, str]:
    """Read what it is about: whether the monitor answers, or another kind of alert, which is named."""
    number = told.text("alert_type").lower()
    word = told.text("alert_type_friendly_name", "status", "monitor_status", "state").lower()
    if not number and not word:
        raise BadBody("is missing", "alertType")
    state = STATES.get(number) or STATES.get(word)
    return (state, "") if state else (AlertState.FIRING, KINDS.get(number) or word or number)


def _identity(told: Loose, name: str, kind: str) -> str:
    """Name the monitor. Down and up share it; what is said of a certificate is another matter."""
    monitor = told.text("monitor_id", "id") or name
    if not monitor:
        raise BadBody("is missing", "monitorID")
    return f"{monitor}/{kind}" if kind else monitor


def _labels(told: Loose, address: str) -> dict[str, str]:
    return {
        "monitor_id": told.text("monitor_id"),
        "type": told.text("monitor_type"),
        "group": told.text("monitor_group", "group"),
        "http_status": told.text("http_status_code", "status_code"),
        "url": address,
        "ssl_expires": told.text("ssl_expiry_date"),
        "ssl_days_left": told.text("ssl_expiry_days_left"),
    }
