"""Honeycomb: a trigger, or a burn alert of an SLO, fired or went back.

https://docs.honeycomb.io/notify/webhooks/
"""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Honeycomb"

STATES = {
    "TRIGGERED": AlertState.FIRING,
    "FIRING": AlertState.FIRING,
    "OK": AlertState.RESOLVED,
    "RESOLVED": AlertState.RESOLVED,
}
_PLACE = re.compile(r"/(environments|datasets)/([^/?#]+)")


def parse(post: Post) -> Parsed:
    """Read one notification. A trigger is one alert, however many of its groups are over the threshold.

    Raises:
        BadBody: if it has no status or no name.
    """
    body = Node.json(post.body)
    state = STATES.get(body["status"].required().upper())
    if state is None:
        raise body["status"].fault(f"{body['status'].text()!r} is neither TRIGGERED nor OK")
    if body["is_test"].value is True:
        state = AlertState.TEST
    return Parsed([build(post, _finding(body, state))])


def _finding(body: Node, state: AlertState) -> Finding:
    url = plain(body.first("trigger_url", "burn_alert_url", "slo_url", "url"))
    place = dict(_PLACE.findall(url))
    severity = plain(body["severity"])
    return Finding(
        # Old versions have no id; two triggers of one name in one dataset would be bad names anyway.
        identity=body.first("id", "name").required(),
        state=state,
        severity=severity_of(severity) if severity else Severity.MEDIUM,
        name=plain(body["name"]),
        summary=first_line(plain(body["summary"])),
        description="\n".join(filter(None, [plain(body["trigger_description"]), plain(body["description"])])),
        # A dataset holds what one service sends, and has its name.
        service=place.get("datasets", ""),
        labels={
            **_group(body["result_groups_triggered"]),
            "environment": plain(body["environment"]) or place.get("environments", ""),
            "dataset": plain(body["dataset"]) or place.get("datasets", ""),
            "alert_type": plain(body["alert_type"]),
        },
        annotations={"threshold": plain(body["threshold"]), **_result(body["result_groups_triggered"])},
        url=url,
        links={"result": plain(body["result_url"])},
    )


def _group(groups: Node) -> dict[str, str]:
    """Take what it was grouped by for labels where one group is meant."""
    group = groups[0]["Group"] if len(groups.items()) == 1 else Node(None)
    return group.flat() if isinstance(group.value, dict) else {}


def _result(groups: Node) -> dict[str, str]:
    results = [
        " ".join([*(str(value) for value in _group(Node([group.value])).values()), plain(group["Result"])])
        for group in groups.items()
    ]
    return {"results": "\n".join(results)}
