"""What is sent to PagerDuty's Events API v2: any tool that can alert PagerDuty can alert Tocsin.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

import json
from hashlib import blake2b

from domain.alert import AlertState, Severity
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post, Reply
from ingest.sources.severities import severity_of

TITLE = "PagerDuty Events API v2"

ACTIONS = {
    "trigger": AlertState.FIRING,
    "acknowledge": AlertState.ACKNOWLEDGED,
    "resolve": AlertState.RESOLVED,
}
LONGEST_KEY = 255
INVALID = "Event object is invalid"
"""What PagerDuty answers; the reasons follow."""


def parse(post: Post) -> Parsed:
    """Read one event. The ``routing_key`` is for whoever lets the request in, and goes nowhere else.

    Raises:
        BadBody: if PagerDuty would not take it either.
    """
    body = Node.json(post.body)
    if "change" in post.path.split("/"):
        return Parsed(nothing="not_an_alert", reply=_reply("Change event processed"))
    action = body["event_action"]
    if plain(action) not in ACTIONS:
        raise action.fault(f"{INVALID}: 'event_action' is missing or none of {', '.join(ACTIONS)}")
    state = ACTIONS[plain(action)]
    key = plain(body["dedup_key"])
    if not key and state is not AlertState.FIRING:
        raise body["dedup_key"].fault(f"{INVALID}: 'dedup_key' is missing or blank")
    if state is AlertState.FIRING and not plain(body["payload"]["summary"]):
        raise body["payload"]["summary"].fault(f"{INVALID}: 'payload.summary' is missing or blank")
    key = key or _made_key(body["payload"])
    return Parsed([build(post, _finding(body, state, key))], reply=_reply("Event processed", dedup_key=key))


def _made_key(payload: Node) -> str:
    """Make the key that PagerDuty makes up where there is none: here the same event always gets the same."""
    parts = [plain(payload[part]) for part in ("source", "component", "group", "class", "summary")]
    key = " ".join("/".join(filter(None, parts)).split())
    if len(key) <= LONGEST_KEY:
        return key
    return blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _reply(message: str, **more: str) -> Reply:
    answer = {"status": "success", "message": message, **more}
    return Reply(202, json.dumps(answer).encode(), "application/json")


def _finding(body: Node, state: AlertState, key: str) -> Finding:
    payload = body["payload"]
    details = payload["custom_details"]
    facts = details.flat() if isinstance(details.value, dict) else {"details": plain(details)}
    severity = plain(payload["severity"])
    summary = plain(payload["summary"])
    return Finding(
        identity=key,
        state=state,
        severity=severity_of(severity) if severity else Severity.MEDIUM,
        name=first_line(summary) or key,
        summary=first_line(summary),
        description=facts.get("description", "") or (summary if "\n" in summary else ""),
        service=facts.get("service", ""),
        resource=plain(payload["source"]),
        labels={name: plain(payload[name]) for name in ("component", "group", "class")}
        | {"client": plain(body["client"])},
        annotations=facts,
        starts_at=None if state is AlertState.RESOLVED else moment(payload["timestamp"]),
        ends_at=moment(payload["timestamp"]),
        url=plain(body["client_url"]),
        links=_links(body),
    )


def _links(body: Node) -> dict[str, str]:
    """Name the links by their text, and the images by what they show."""
    links = {}
    for n, (link, word, target) in enumerate(
        [(link, "text", "href") for link in body["links"].items()]
        + [(image, "alt", "src") for image in body["images"].items()],
        1,
    ):
        if isinstance(link.value, dict):
            links[plain(link[word]) or f"link {n}"] = plain(link[target])
    return links
