"""AppDynamics' HTTP request action: health rule violations and other events, in a template of the user's own.

https://docs.appdynamics.com/appd/24.x/latest/en/appdynamics-essentials/alert-and-respond/actions/http-request-actions-and-templates
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each
from ingest.sources.severities import severity_of

TITLE = "AppDynamics"

WORDS = {
    "trigger": AlertState.FIRING,
    "open": AlertState.FIRING,
    "acknowledge": AlertState.ACKNOWLEDGED,
    "resolve": AlertState.RESOLVED,
    "close": AlertState.RESOLVED,
}
"""What templates written like one for PagerDuty say."""
_OVER = re.compile(r"_(?:CLOSE|CANCELED|CANCELLED)|\b(?:Ended|Closed|Canceled|Cancelled)\b")
_EVENT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_UNFILLED = re.compile(r"\$\{[^{}]*\}")
_CHANGE = re.compile(
    r"[\s-]*\b(?:Started|Ended|Closed|Cancell?ed|Continues|Upgraded|Downgraded|Warning|Critical|Open|to)\b"
)


def parse(post: Post) -> Parsed:
    """Read one event, or those of a list ``events``: the controller sends several at once.

    Raises:
        BadBody: if it is neither JSON nor a form, or tells no state.
    """
    body = form_or_json(post)
    events = body.items() if isinstance(body.value, list) else body["events"].items()
    if not events:
        return Parsed([build(post, _finding(_told(body, body["details"])))])
    return each(events, lambda n: build(post, _finding(_told(events[n]))), "events")


def _told(*nodes: Node) -> Loose:
    return Loose(*(Node(_without_macros(node.value), node.path) for node in nodes))


def _without_macros(value: object) -> object:
    """Leave out texts in which a variable was not filled in: what is left of them misleads."""
    if not isinstance(value, dict):
        return value
    return {key: _expanded(part) if isinstance(part, str) else part for key, part in value.items()}


def _expanded(text: str) -> str:
    return "" if _UNFILLED.search(text) else text


def _finding(told: Loose) -> Finding:
    kind = told.text("event_type_key", "event_type", "type")
    title = told.text("display_name", "event_name", "name")
    rule = told.text("health_rule", "health_rule_name", "policy") or _CHANGE.sub("", title).strip()
    where = [told.text(*names) for names in (("application", "application_name"), ("tier", "tier_name"))]
    node = told.text("node", "node_name")
    text = told.text("summary", "summary_message", "message", "description")
    state = _state(told, kind, title)
    at = told.moment("event_time", "last_received", "timestamp")
    return Finding(
        identity=_identity(told, [*where, node, rule]),
        state=state,
        severity=_severity(kind or title, told.text("severity")),
        name=rule or told.text("description") or title or TITLE,
        summary=first_line(text or title),
        description=told.text("message", "event_message", "description"),
        service=told.text("service") or where[0],
        resource=node or where[1] or where[0],
        labels={
            "application": where[0],
            "tier": where[1],
            "node": node,
            "health_rule": told.text("health_rule", "health_rule_name"),
            "event_type": kind,
        },
        annotations={"event_id": told.text("event_id", "id"), "guid": told.text("guid")},
        starts_at=None if state is AlertState.RESOLVED else told.moment("start_time") or at,
        ends_at=at,
        url=told.text("link", "deep_link", "url", "client_url"),
    )


def _identity(told: Loose, parts: list[str]) -> str:
    """Name what is wrong where. Ids are of the event, and so new when it ends; only an incident's id stays."""
    if key := told.text("incident_key", "incident_id"):
        return key
    if not any(parts[:3]):
        parts = [*parts, told.text("description", "summary")]
    return "/".join(filter(None, parts)) or TITLE


def _state(told: Loose, kind: str, title: str) -> AlertState:
    """Read the event's type, like POLICY_CLOSE_WARNING, or its name, like Health Rule Violation Ended - Warning."""
    if kind.lower() in WORDS:
        return WORDS[kind.lower()]
    if kind and not _EVENT.fullmatch(kind) and not title:
        raise BadBody(f"{kind!r} is no type of an event", told.path)
    if not kind and not title:
        raise BadBody("tells neither the type nor the name of an event", told.path)
    return AlertState.RESOLVED if _OVER.search(kind) or _OVER.search(title) else AlertState.FIRING


def _severity(kind: str, word: str) -> Severity:
    """Read ERROR, WARN or INFO. What ends is INFO, but its type still has what it was."""
    if kind.upper().endswith("CRITICAL"):
        return Severity.CRITICAL
    return Severity.MEDIUM if kind.upper().endswith("WARNING") else severity_of(word)
