"""Sensu Go's events, as a handler or the events API has them, and those of Sensu Core 1.x.

https://docs.sensu.io/sensu-go/latest/observability-pipeline/observe-events/events/
"""

from __future__ import annotations

from domain.alert import AlertState, Severity
from domain.times import Millis
from ingest.sources.build import Finding, build
from ingest.sources.loose import first_line, moment, plain
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Sensu"

SEVERITIES = {"0": Severity.INFO, "1": Severity.MEDIUM, "2": Severity.CRITICAL}
"""Exit status of the check. Any other means that the check itself does not know."""
_LINKS = {"runbook": "runbook", "runbook_url": "runbook", "dashboard": "dashboard"}


def parse(post: Post) -> Parsed:
    """Read one event. One of metrics only, without a check, is no alert.

    Raises:
        BadBody: if a check is named but not where it ran, or how it ended.
    """
    body = Node.json(post.body)
    event = body["spec"] or body
    if not event["check"]:
        if event["metrics"]:
            return Parsed(nothing="not_an_alert")
        raise event["check"].fault("is missing")
    return Parsed([build(post, _finding(event, event["check"]))])


def _finding(event: Node, check: Node) -> Finding:
    entity = event.first("client", "entity")
    status = check["status"].required()
    over = status == "0"
    labels = {**_meta(entity, "labels"), **_meta(check, "labels")}
    annotations = {**_meta(entity, "annotations"), **_meta(check, "annotations")}
    at = moment(check["executed"]) or moment(event["timestamp"])
    host, name = _named(entity), _named(check)
    space = plain(entity["metadata"]["namespace"])
    return Finding(
        identity="/".join(filter(None, [space, host, name])),
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        severity=SEVERITIES.get(status, Severity.MEDIUM),
        name=name,
        summary=first_line(plain(check["output"])),
        description=plain(check["output"]),
        service=labels.get("service", ""),
        resource=host,
        labels={**labels, **_own(check), "namespace": space, "entity_class": plain(entity["entity_class"])},
        annotations={**annotations, "occurrences": plain(check["occurrences"])},
        starts_at=None if over else _since(check) or at,
        ends_at=at,
        links={word: annotations[key] for key, word in _LINKS.items() if key in annotations},
    )


def _named(part: Node) -> str:
    """Read the name, which Sensu Core has at the top."""
    return plain(part["metadata"]["name"]) or part["name"].required()


def _meta(part: Node, kind: str) -> dict[str, str]:
    return part["metadata"][kind].flat()


def _own(check: Node) -> dict[str, str]:
    return {
        "check": _named(check),
        "flapping": "true" if plain(check["state"]) == "flapping" else "",
        "silenced": "true" if check["is_silenced"].value is True else "",
    }


def _since(check: Node) -> Millis | None:
    """Find when it began to fail: the first of the latest runs that did."""
    since = None
    for run in reversed(check["history"].items()):
        if not isinstance(run.value, dict) or plain(run["status"]) == "0":
            break
        since = moment(run["executed"]) or since
    return since
