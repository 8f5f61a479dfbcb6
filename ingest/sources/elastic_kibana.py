"""Kibana's webhook connector: one alert of a rule, in a template of the user's own, or a summary of several.

Variables of a template: https://www.elastic.co/guide/en/kibana/current/rule-action-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.alert import Alert, AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import Loose, filled, first_line, merged, objects, tags, unquoted
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each
from ingest.sources.severities import severity_of

TITLE = "Elastic Kibana"

OVER = {"recovered", "ok", "resolved", "inactive", "closed", "alert_recovered", "untracked"}
SUMMARIES = ("new", "ongoing", "recovered")
"""Parts of ``alerts`` in a summary, each with the alerts themselves under ``data``."""

DEEPEST = 20

_WRAPPERS = {"webhookbody", "payload", "data", "body"}
_RENAMED = {"ruleinfo": "rule", "alertinfo": "alert", "contextinfo": "context"}


def parse(post: Post) -> Parsed:
    """Read one alert, or the alerts of a summary.

    Raises:
        BadBody: if it is neither.
    """
    document = Node.json(post.body)
    if isinstance(document["alerts"].value, dict):
        return _summary(post, document["alerts"])
    return Parsed([_alert(post, Loose(Node(dict(_spread(document)), document.path)))])


def _spread(node: Node, within: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Name everything by its path, ``rule.id``, however the template put it: nested, flat, or as JSON in a text."""
    for key, given in node.fields() if depth < DEEPEST else ():
        value, short = unquoted(given), key.lower().replace("_", "")
        name = within if short in _WRAPPERS else f"{within}.{_RENAMED.get(short, key)}".lstrip(".")
        if isinstance(value.value, dict):
            yield from _spread(value, name, depth + 1)
        elif filled(value):
            yield name or key, value.value


def _alert(post: Post, told: Loose) -> Alert:
    name, group = told.text("rule.name", "alert_name", "name", "title"), _group(told)
    text = told.text(
        "context.reason", "reason", "context.message", "message", "context.conditions", "description"
    )
    labels = merged(tags(told.node("rule.tags", "tags")), _ids(told, group))
    date = told.moment("date", "timestamp", "context.timestamp", "context.date")
    return build(
        post,
        Finding(
            identity=_identity(told, name, group),
            state=AlertState.RESOLVED if _is_over(told) else AlertState.FIRING,
            severity=severity_of(
                told.text("severity", "context.rule.severity", "alert.severity", "priority")
            ),
            name=name,
            summary=first_line(told.text("context.title", "summary") or text) or name,
            description=text,
            service=told.text("service", "context.service_name", "service.name") or labels.get("service", ""),
            resource=told.text("context.host.name", "host.name", "host", "resource", "context.group", "group")
            or group,
            labels=labels,
            annotations={
                "value": told.text("context.value", "value"),
                "threshold": told.text("context.threshold"),
            },
            starts_at=date,
            ends_at=date,
            url=told.text(
                "context.alert_details_url", "alert_details_url", "rule.url", "url", "context.link"
            ),
            links={
                "rule": told.text("rule.url"),
                "results": told.text("context.results_link", "context.link"),
            },
        ),
    )


def _group(told: Loose) -> str:
    """Return what of all that the rule watches it is; in older variables ``alertId`` is the rule's."""
    return told.text("alert_instance_id", "instance_id", "alert.id", "kibana.alert.instance.id")


def _identity(told: Loose, name: str, group: str) -> str:
    """Name the rule and what it watches; ``alert.uuid`` is new for each life, but better than nothing."""
    rule = told.text("rule.id", "rule_uuid") or name
    group = group or told.text("context.group", "group", "host.name", "host")
    uuid = told.text("alert.uuid", "alert.id", "id")
    if not rule and not uuid:
        raise BadBody("is missing", "rule.id")
    return f"{rule}/{group}" if rule and group else rule or uuid


def _is_over(told: Loose) -> bool:
    """Read the action group; a template may say it in another way."""
    words = (
        "alert.action_group",
        "alert_action_group",
        "action_group",
        "alert.status",
        "status",
        "state",
        "event_type",
    )
    found = [told.text(word).lower() for word in words]
    named = told.text("alert.action_group_name", "alert_action_group_name", "context.alert_state")
    return any(word in OVER for word in [*found, named.lower()])


def _ids(told: Loose, group: str) -> dict[str, str]:
    return {
        "rule_id": told.text("rule.id"),
        "rule_type": told.text("rule.type"),
        "space": told.text("rule.space_id", "space_id"),
        "group": group,
        "action_group": told.text("alert.action_group", "alert_action_group", "action_group"),
        "host": told.text("context.host.name", "host.name", "host"),
    }


def _summary(post: Post, alerts: Node) -> Parsed:
    """Read the alerts of a summary: documents of the alerts' index."""
    found = [(kind, document) for kind in SUMMARIES for document in objects(_part(alerts[kind])["data"])]
    return each(found, lambda place: build(post, _document(*found[place])), "alerts")


def _part(node: Node) -> Node:
    return node if isinstance(node.value, dict) else Node(None, node.path)


def _document(kind: str, given: Node) -> Finding:
    told = Loose(
        Node({name.removeprefix("kibana.alert."): value for name, value in _spread(given)}, given.path)
    )
    name, group = told.text("rule.name"), told.text("instance.id")
    if not name:
        raise BadBody("is missing", f"{given.path}.kibana.alert.rule.name")
    over = kind == "recovered" or told.text("status") == "recovered"
    return Finding(
        identity=f"{told.text('rule.uuid') or name}/{group}",
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        severity=severity_of(told.text("severity")),
        name=name,
        summary=first_line(told.text("reason")) or name,
        description=told.text("reason"),
        service=told.text("service.name"),
        resource=told.text("host.name") or group,
        labels=merged(
            tags(told.node("rule.tags", "tags")),
            {"rule_id": told.text("rule.uuid"), "rule_type": told.text("rule.rule_type_id"), "group": group},
        ),
        starts_at=told.moment("start"),
        ends_at=told.moment("end"),
        url=told.text("url"),
    )
