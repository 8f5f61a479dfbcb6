"""SolarWinds AppOptics, before that Librato: the webhook service, a form whose field ``payload`` holds JSON.

https://documentation.solarwinds.com/en/success_center/appoptics/content/kb/alert/notification_services/webhook.htm
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.alert import AlertState
from ingest.sources.build import Finding, build
from ingest.sources.flat import read
from ingest.sources.loose import moment
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "SolarWinds AppOptics (Librato)"

WORDS = {"above": "above", "below": "below", "absent": "not reported, expected around"}


def parse(post: Post) -> Parsed:
    """Read one alert, or that it has cleared.

    Raises:
        BadBody: if it is neither.
    """
    body = read(post)
    alert = body["alert"]
    if not alert:
        raise alert.fault("is missing")
    state = AlertState.RESOLVED if body["clear"] else AlertState.FIRING
    return Parsed([build(post, _finding(body, alert, state))])


def _finding(body: Node, alert: Node, state: AlertState) -> Finding:
    name, at, violations = alert["name"].text(), moment(body["trigger_time"]), list(_violations(body))
    over = state is AlertState.RESOLVED
    return Finding(
        # That it has cleared is told of the alert as a whole, not of the sources that violated it.
        identity=f"alert {alert['id'].required()}",
        state=state,
        name=name,
        summary=f"{name}: {violations[0]}" if violations else name,
        description="\n".join([alert["description"].text(), *violations]).strip(),
        resource=_sources(body),
        labels={
            "alert_id": alert["id"].text(),
            "account": body["account"].text(),
            "incident_key": body["incident_key"].text(),
            # Sent by a button, but as a true one in all else; a rule may drop it.
            "user_test": "true" if body["triggered_by_user_test"].value is True else "",
            "cleared": body["clear"].text(),
        },
        starts_at=None if over else at,
        ends_at=at if over else None,
        url=alert["url"].text(),
        links={"runbook": alert["runbook_url"].text()},
    )


def _sources(body: Node) -> str:
    return ", ".join(source for source, _ in body["violations"].fields())


def _violations(body: Node) -> Iterator[str]:
    """Say what was measured, and what the condition is: ``cpu of web-1 is 97 (above 90)``."""
    conditions = {each["id"].text(): each for each in body["conditions"].items()}
    for source, violations in body["violations"].fields():
        for each in violations.items():
            said = f"{each['metric'].text()} of {source} is {each['value'].text('unknown')}"
            condition = conditions.get(each["condition_violated"].text(), Node(None))
            word = condition["type"].text()
            limit = f"{WORDS.get(word, word)} {condition['threshold'].text()}".strip()
            yield f"{said} ({limit})" if limit else said
