"""Pingdom's state change webhook: an uptime check went down or up, a transaction began to fail or works again.

https://www.pingdom.com/resources/webhooks/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain, tags
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Pingdom"

STATES = {
    "DOWN": AlertState.FIRING,
    "FAILING": AlertState.FIRING,
    "UP": AlertState.RESOLVED,
    "SUCCESS": AlertState.RESOLVED,
}
SEVERITIES = {"HIGH": Severity.HIGH, "LOW": Severity.LOW}
"""Importance of the check. Checks made before there was one are important."""
_TRANSACTIONS = {"TRANSACTION", "TMS"}


def parse(post: Post) -> Parsed:
    """Read one change of state.

    Raises:
        BadBody: if it names no check or no state that we know.
    """
    body = Node.json(post.body)
    state = STATES.get(body["current_state"].required().upper())
    if state is None:
        raise body["current_state"].fault(f"{body['current_state'].text()!r} is none of {', '.join(STATES)}")
    return Parsed([build(post, _finding(body, state))])


def _finding(body: Node, state: AlertState) -> Finding:
    params, changed_at = _part(body["check_params"]), _changed_at(body)
    name = plain(body["check_name"])
    return Finding(
        identity=(check := body["check_id"].required()),
        state=state,
        severity=SEVERITIES.get(plain(body["importance_level"]).upper(), Severity.HIGH),
        name=name,
        summary=first_line(": ".join(filter(None, [name, plain(body["description"])]))),
        description=plain(body.first("long_description", "description")),
        resource=plain(params.first("full_url", "hostname", "url")),
        labels={
            **tags(body["tags"]),
            "check_id": check,
            "check_type": plain(body["check_type"]),
            "hostname": plain(params["hostname"]),
        },
        annotations={
            "message": plain(body["custom_message"]),
            "previous_state": plain(body["previous_state"]),
            "first_probe": plain(_part(body["first_probe"])["location"]),
            "second_probe": plain(_part(body["second_probe"])["location"]),
        },
        starts_at=None if state is AlertState.RESOLVED else changed_at,
        ends_at=changed_at,
        url=_url(plain(body["check_type"]).upper(), check),
    )


def _part(node: Node) -> Node:
    """Read an object, which is an empty list where there is nothing to tell."""
    return node if isinstance(node.value, dict) else Node(None)


def _changed_at(body: Node) -> int | None:
    return moment(body["state_changed_timestamp"]) or moment(body["state_changed_utc_time"])


def _url(kind: str, check: str) -> str:
    page = "transaction" if kind in _TRANSACTIONS else "uptime"
    return f"https://my.pingdom.com/app/reports/{page}#check={check}"
