"""Datadog's webhook: one event of a monitor, in a template of the user's own or in the default one.

https://docs.datadoghq.com/integrations/webhooks/
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line, merged, tags
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Datadog"

SEVERITIES = {
    "p1": Severity.CRITICAL,
    "p2": Severity.HIGH,
    "p3": Severity.MEDIUM,
    "p4": Severity.LOW,
    "p5": Severity.INFO,
}
"""$ALERT_PRIORITY, the monitor's own. $PRIORITY is that of the event, ``normal`` or ``low``: it says nothing."""

_OVER = {"recovered", "ok", "success", "resolved"}
_HEAD = re.compile(r"\s*\[([^\]]*)\]")
_MONITOR = re.compile(r"monitors[/#](\d+)")
_SCOPE = re.compile(r"\{([^{}]*)\}")
_OWN = (
    *("event_title", "title", "alert_title", "alert_name", "monitor_name"),
    *("alert_id", "monitor_id", "aggreg_key", "alert_cycle_key", "alert_scope"),
    *("alert_transition", "transition", "alert_type", "alert_status", "event_type"),
    *("text_only_msg", "event_msg", "body", "message"),
)
"""Fields of which any template has one, or it would tell nothing."""
_NESTED = ("labels", "annotations", "alert", "event", "monitor", "details")


def parse(post: Post) -> Parsed:
    """Read one event. The default template has no state but in the title: ``[Recovered on {host:a}] CPU``.

    Raises:
        BadBody: if it is neither JSON nor a form, or tells of no monitor.
    """
    document = form_or_json(post)
    if isinstance(document["alerts"].value, list):
        raise document["alerts"].fault("is a list, while Datadog tells of one event at a time")
    told = Loose(document, *(document[key] for key in _NESTED))
    if not told.text(*_OWN):
        raise BadBody("has no field of Datadog's, such as ALERT_TITLE or ALERT_TRANSITION")
    return Parsed([build(post, _finding(told))])


def _finding(told: Loose) -> Finding:
    heads, title = _split_title(
        told.text("event_title", "title", "alert_title", "alert_name", "monitor_name")
    )
    scope = _scope(told.text("alert_scope", "scope", "scopes") or _scope_of(heads))
    labels = merged(tags(told.node("tags")), _scope_labels(scope), _ids(told))
    text = told.text("text_only_msg", "event_msg", "body", "message").replace("%%%", "").strip()
    state, at = _state(told, heads), told.moment("date", "last_updated")
    return Finding(
        identity=_identity(told, scope, title, text) or labels.get("tags") or TITLE,
        state=state,
        severity=_severity(told, heads),
        name=title,
        summary=title or first_line(text),
        description=text,
        service=labels.get("service", ""),
        resource=told.text("hostname", "host") or labels.get("host", ""),
        labels=labels,
        annotations={"query": told.text("alert_query"), "status": told.text("alert_status")},
        starts_at=at,
        ends_at=at,
        url=told.text("link", "url", "alert_url"),
        links={"snapshot": told.text("snapshot")},
    )


def _split_title(title: str) -> tuple[list[str], str]:
    """Take off what Datadog puts before a name: ``[P2] [Triggered on {host:a}] CPU``."""
    heads: list[str] = []
    while match := _HEAD.match(title):
        heads.append(match[1])
        title = title[match.end() :]
    return heads, title.strip()


def _scope_of(heads: list[str]) -> str:
    return next((match[1] for head in heads if (match := _SCOPE.search(head))), "")


def _scope(text: str) -> list[str]:
    """Sort the tags of the group: the order in which they come means nothing."""
    return sorted(part.strip() for part in text.split(",") if part.strip() not in {"", "*"})


def _scope_labels(scope: list[str]) -> dict[str, str]:
    return {key: value for key, _, value in (part.partition(":") for part in scope) if value}


def _ids(told: Loose) -> dict[str, str]:
    return {
        "monitor_id": told.text("alert_id", "monitor_id"),
        "metric": told.text("alert_metric"),
        "event_type": told.text("event_type"),
        "org": told.text("org_name"),
        "priority": told.text("alert_priority"),
    }


def _identity(told: Loose, scope: list[str], title: str, text: str) -> str:
    """Name the monitor and the group that it fires for: the event's id, and its link, are new each time."""
    link = _MONITOR.search(told.text("link", "url")) or _MONITOR.search(text)
    monitor = told.text("alert_id", "monitor_id") or (link[1] if link else "")
    if monitor and scope:
        return f"{monitor}/{','.join(scope)}"
    key = told.text("aggreg_key", "alert_cycle_key") or monitor
    return key or "/".join(filter(None, [title, ",".join(scope)]))


def _state(told: Loose, heads: list[str]) -> AlertState:
    """Read the transition. Warn, No data and Re-Triggered are problems too: only Recovered is an end."""
    if "TEST" in heads:
        return AlertState.TEST
    words = [told.text("alert_transition", "transition", "status"), *heads, told.text("alert_type")]
    over = any(word.lower() in _OVER or word.startswith("Recovered") for word in words[:-1])
    typed = not words[0] and not heads and words[-1].lower() in _OVER
    return AlertState.RESOLVED if over or typed else AlertState.FIRING


def _severity(told: Loose, heads: list[str]) -> Severity:
    for word in (told.text("alert_priority", "severity", "priority"), *heads):
        if found := SEVERITIES.get(word.lower()):
            return found
    return severity_of(told.text("alert_type", "alert_transition"))
