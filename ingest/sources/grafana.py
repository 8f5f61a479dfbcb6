"""Grafana's webhook contact point (unified alerting, 8 and later), and the legacy one (7 and earlier).

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.alert import Alert, AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.fingerprint import fingerprint
from ingest.sources.flat import one_line
from ingest.sources.loose import moment
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, each
from ingest.sources.severities import severity_of

TITLE = "Grafana"

STATES = {"firing": AlertState.FIRING, "resolved": AlertState.RESOLVED}
LEGACY_STATES = {
    "alerting": AlertState.FIRING,
    "no_data": AlertState.FIRING,
    "ok": AlertState.RESOLVED,
}
NO_NEWS = {"paused", "pending", "unknown"}
"""Legacy states in which neither a problem nor its end is told."""
STAND_INS = {"DatasourceNoData", "DatasourceError"}
"""Grafana puts these in place of the rule's name, and the name in the label ``rulename``."""
OWN = ("orgId", "title", "state", "message")
OWN_OF_ALERTS = ("silenceURL", "dashboardURL", "panelURL", "values", "valueString", "imageURL")
"""What Grafana adds to a body that otherwise looks like Alertmanager's."""
RESOURCES = ("instance", "pod", "node", "host", "hostname", "server", "device")
SERVICES = ("service", "service_name", "app", "application")


def parse(post: Post) -> Parsed:
    """Read one webhook, of either kind.

    Raises:
        BadBody: if it is none.
    """
    body = Node.json(post.body)
    if "alerts" not in body and body["state"]:
        return _legacy(post, body)
    if body["alerts"].value is None:
        raise body["alerts"].fault("is missing")
    alerts = body["alerts"].items()
    if not (_has(body, OWN) or any(_has(alert, OWN_OF_ALERTS) for alert in alerts)):
        raise BadBody("has nothing of Grafana's; a body of Alertmanager goes to a source of that type")
    return each(alerts, lambda place: _unified(post, body, alerts[place]), "alerts")


def _has(node: Node, keys: tuple[str, ...]) -> bool:
    return isinstance(node.value, dict) and not node.value.keys().isdisjoint(keys)


def _unified(post: Post, body: Node, given: Node) -> Alert:
    labels, annotations = given["labels"].flat(), given["annotations"].flat()
    if not labels:
        raise given["labels"].fault("is missing")
    return build(
        post,
        Finding(
            # Made of the labels, as in Alertmanager: the same from the first firing to the resolve.
            identity=given["fingerprint"].text() or fingerprint(labels),
            state=_state(labels, given["status"] or body["status"]),
            name=_name(labels, body),
            severity=_severity(labels),
            summary=one_line(_first(annotations, "summary", "message", "description")),
            description=annotations.get("description", ""),
            service=_first(labels, *SERVICES),
            resource=_first(labels, *RESOURCES),
            labels=labels,
            annotations={**annotations, "value": given["valueString"].text()},
            starts_at=moment(given["startsAt"]),
            ends_at=moment(given["endsAt"]),
            url=given["generatorURL"].text(),
            links={
                "dashboard": given["dashboardURL"].text() or annotations.get("dashboard_url", ""),
                "panel": given["panelURL"].text(),
                "silence": given["silenceURL"].text(),
                "image": given["imageURL"].text(),
                "runbook": annotations.get("runbook_url", ""),
            },
        ),
    )


def _state(labels: Mapping[str, str], status: Node) -> AlertState:
    """The button that tries a contact point sends this alert, firing or resolved."""
    if labels.get("alertname") == "TestAlert" and labels.get("instance") == "Grafana":
        return AlertState.TEST
    state = STATES.get(status.required())
    if state is None:
        raise status.fault("should be firing or resolved")
    return state


def _name(labels: Mapping[str, str], body: Node) -> str:
    name = labels.get("alertname", "")
    if name in STAND_INS:
        return labels.get("rulename", name)
    return name or body["commonLabels"]["alertname"].text() or body["groupLabels"]["alertname"].text()


def _legacy(post: Post, body: Node) -> Parsed:
    word = body["state"].text().lower()
    if word in NO_NEWS:
        return Parsed(nothing=word)
    state = LEGACY_STATES.get(word)
    if state is None:
        raise body["state"].fault("should be alerting, ok, no_data, paused or pending")
    return Parsed([build(post, _legacy_finding(body, state))])


def _legacy_finding(body: Node, state: AlertState) -> Finding:
    name, tags = body["ruleName"].text() or body["title"].text(), body["tags"].flat()
    return Finding(
        # The rule itself has the state; which series match may change from one message to the next.
        identity=f"org {body['orgId'].text('1')}/rule {body['ruleId'].text() or body['ruleName'].required()}",
        state=AlertState.TEST if name == "Test notification" else state,
        name=name,
        severity=_severity(tags),
        summary=one_line(body["message"].text()) or one_line(body["title"].text()),
        description=body["message"].text(),
        service=_first(tags, *SERVICES),
        resource=_first(tags, *RESOURCES),
        labels={**tags, "dashboard_id": body["dashboardId"].text(), "panel_id": body["panelId"].text()},
        annotations={"value": _matches(body["evalMatches"])},
        url=body["ruleUrl"].text(),
        links={"image": body["imageUrl"].text()},
    )


def _matches(matches: Node) -> str:
    return ", ".join(f"{match['metric'].text()}={match['value'].text()}" for match in matches.items())


def _severity(labels: Mapping[str, str]) -> Severity:
    return severity_of(_first(labels, "severity", "priority", "level"))


def _first(labels: Mapping[str, str], *names: str) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
