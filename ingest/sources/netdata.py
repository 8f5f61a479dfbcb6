"""Netdata Cloud's webhook: alerts of nodes, and whether nodes are reachable.

https://learn.netdata.cloud/docs/alerts-&-notifications/notifications/centralized-cloud-notifications/webhook
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.flat import one_line
from ingest.sources.loose import moment
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Netdata"

SEVERITIES = {
    "critical": Severity.CRITICAL,
    "warning": Severity.MEDIUM,
    "info": Severity.INFO,
    "clear": Severity.INFO,
}
CLEAR = {"clear", "cleared"}
ROOMS = ("Rooms", "rooms")
HOST = ("host", "hostname", "node", "node_name")


def parse(post: Post) -> Parsed:
    """Read one notification. The test that the set-up asks for holds a token, which a person copies from it.

    Raises:
        BadBody: if it is none.
    """
    if post.method == "GET" and "crc_token" in post.query:
        return Parsed(nothing="handshake")
    body = Node.json(post.body)
    if body["token"]:
        return Parsed(nothing="handshake")
    finding = _reachability(body) if body["status"] and not body["alert"] else _alert(body)
    return Parsed([build(post, finding)])


def _alert(body: Node) -> Finding:
    name, chart = body["alert"].required(), body["chart"].text()
    word, at = body["severity"].required().lower(), moment(body["date"])
    if word not in SEVERITIES:
        raise body["severity"].fault("should be warning, critical or clear")
    over, host = word in CLEAR, body.first(*HOST).text()
    return Finding(
        identity="/".join(part for part in (host or _node(body), chart, name) if part),
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        name=name,
        severity=SEVERITIES[word],
        summary=one_line(body["message"].text()) or one_line(body["info"].text()),
        description=body["info"].text(),
        resource=host or chart,
        labels=_labels(body) | {"chart": chart, "context": body["context"].text(), "host": host},
        annotations={"duration": body["duration"].text()},
        starts_at=None if over else at,
        ends_at=at if over else None,
        url=body["alert_url"].text(),
        links=dict(_rooms(body)),
    )


def _reachability(body: Node) -> Finding:
    host = body["host"].required()
    up = body.at("status.reachable").text() or body.at("status.text").required()
    over = up.lower() in {"true", "reachable"}
    return Finding(
        identity=f"{host}/reachability",
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        name="Node unreachable",
        severity=SEVERITIES.get(body["severity"].text().lower(), Severity.CRITICAL),
        summary=one_line(body["message"].text()) or f"{host} is {body.at('status.text').text()}",
        resource=host,
        labels=_labels(body) | {"host": host},
        url=body["url"].text(),
    )


def _node(body: Node) -> str:
    """An alert names no node: what its link has after the room tells the node, or the alert on it.

    Only the path: what follows it may be an access token, or change.
    """
    try:
        path = urlsplit(body["alert_url"].text()).path
    except ValueError:
        return ""
    steps = path.strip("/").split("/")
    places = dict(pairwise(steps))
    return places.get("nodes") or places.get("alerts") or ""


def _labels(body: Node) -> dict[str, str]:
    names = ("space", "family", "class", "component", "type")
    rooms = ", ".join(name for name, _ in _rooms(body))
    return {name: body[name].text() for name in names} | {"rooms": rooms}


def _rooms(body: Node) -> Iterator[tuple[str, str]]:
    """The rooms of the node are an object of names and links, or a list of objects that have both."""
    rooms = body.first(*ROOMS)
    if isinstance(rooms.value, dict):
        yield from rooms.flat().items()
        return
    for room in rooms.items():
        if isinstance(room.value, dict) and room["name"]:
            yield room["name"].text(), room["url"].text()
