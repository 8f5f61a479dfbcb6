"""Better Stack (Better Uptime): an incident started, was acknowledged or was resolved. Also sends changes of monitors.

https://betterstack.com/docs/uptime/webhooks/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import Loose, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Better Stack"

STATES = {
    "started": AlertState.FIRING,
    "reopened": AlertState.FIRING,
    "acknowledged": AlertState.ACKNOWLEDGED,
    "resolved": AlertState.RESOLVED,
}
LABELS = ("http_method", "team_name", "status")
ANNOTATIONS = ("response_content", "response_url", "resolved_by", "acknowledged_by")


def parse(post: Post) -> Parsed:
    """Read one event. Only those of incidents are alerts: monitors and calendars report that they were edited.

    Raises:
        BadBody: if it is no event of Better Stack.
    """
    body = Node.json(post.body)
    if plain(body["data"]["type"]) not in {"incident", ""}:
        return Parsed(nothing="not_an_alert")
    return Parsed([build(post, _finding(_state(body["event"]), body["data"]))])


def _state(event: Node) -> AlertState:
    word = event.required().lower()
    if word not in STATES:
        raise event.fault(f"{word!r} is none of {', '.join(STATES)}")
    return STATES[word]


def _finding(state: AlertState, data: Node) -> Finding:
    told = data["attributes"]
    name, cause = plain(told["name"]), plain(told["cause"])
    return Finding(
        # Not the monitor: it can have two incidents at a time, as of its certificate and of its page.
        identity=f"incident/{data['id'].required()}",
        state=state,
        severity=Severity.HIGH,
        name=name or cause,
        summary=": ".join(filter(None, [name, cause])),
        description=cause,
        resource=plain(told["url"]),
        labels={**{key: plain(told[key]) for key in LABELS}, **_related(data)},
        annotations={key: plain(told[key]) for key in ANNOTATIONS},
        starts_at=moment(told["started_at"]),
        ends_at=moment(told["resolved_at"]),
        url=plain(told["origin_url"]),
        links={"screenshot": plain(told["screenshot_url"])},
    )


def _related(data: Node) -> dict[str, str]:
    """Name what the incident is of: ``monitor``, ``heartbeat``, ..."""
    related = data["relationships"].value
    given = related.items() if isinstance(related, dict) else ()
    return {f"{kind}_id": Loose(Node(part["data"])).text("id") for kind, part in given if _is_one(part)}


def _is_one(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("data"), dict)
