"""Icinga 2's event streams (POST /v1/events), forwarded as they are: one object, one a line, or a list of them.

https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/#event-streams
"""

from __future__ import annotations

from domain.alert import Alert, AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.loose import moment
from ingest.sources.node import Node
from ingest.sources.notified import identity, severity_of_status, state_of, status_word, summary
from ingest.sources.post import Fault, Parsed, Post, each

TITLE = "Icinga 2 event stream"

KINDS = {
    "StateChange",
    "CheckResult",
    "Notification",
    "AcknowledgementSet",
    "AcknowledgementCleared",
    "CommentAdded",
    "CommentRemoved",
    "DowntimeAdded",
    "DowntimeRemoved",
    "DowntimeStarted",
    "DowntimeTriggered",
    "Flapping",
    "ObjectCreated",
    "ObjectModified",
    "ObjectDeleted",
}
SOFT = {"0", "0.0", "soft"}


def parse(post: Post) -> Parsed:
    """Read the events of a body. Those that tell of no problem or its end, like a check result, are passed by.

    Raises:
        BadBody: if it holds no event.
    """
    events, faults = _events(post.body)
    if not events:
        raise BadBody(faults[0].message, faults[0].path) if faults else BadBody("is empty")
    parsed = each(events, lambda place: read_event(post, events[place]), "")
    nothing = "" if parsed.alerts else "not_an_alert"
    return Parsed(parsed.alerts, [*faults, *parsed.faults], nothing)


def _events(body: bytes) -> tuple[list[Node], list[Fault]]:
    """Read one document, or else one a line, each for itself."""
    try:
        document = Node.json(body)
    except BadBody:
        if b"\n" not in body.strip():
            raise
        return _lines(body)
    return ([document], []) if not isinstance(document.value, list) else (document.items(), [])


def _lines(body: bytes) -> tuple[list[Node], list[Fault]]:
    events, faults = [], []
    for place, line in enumerate(body.splitlines()):
        if not line.strip():
            continue
        try:
            events.append(Node(Node.json(line).value, f"[{place}]"))
        except BadBody as error:
            faults.append(Fault(f"[{place}]", str(error)))
    return events, faults


def read_event(post: Post, event: Node) -> Alert | None:
    """Read one event; None if it opens and closes nothing.

    A change that is still soft is none either: Icinga has yet to check again before it counts.
    """
    kind = event["type"].required()
    if "error" in event or kind not in KINDS:
        raise event["type"].fault("is no event that Icinga sends")
    host, service = event["host"].text(), event["service"].text()
    status = status_word(_status(event), bool(service))
    state = _state(event, kind, status)
    if state is None:
        return None
    if not host:
        raise event["host"].fault("is missing")
    return build(post, _finding(event, host, service, status, state))


def _status(event: Node) -> str:
    """The result of a host's check has the state of the plugin, not the host's: 2 means that it is down."""
    if event["state"]:
        return event["state"].text()
    status = event.at("check_result.state").text()
    return status if event["service"] else {"": "", "0": "0", "0.0": "0"}.get(status, "1")


def _state(event: Node, kind: str, status: str) -> AlertState | None:
    if kind == "Notification":
        return state_of(event["notification_type"].required(), status)
    if kind == "StateChange":
        return None if event["state_type"].text().lower() in SOFT else state_of("", status)
    if kind == "AcknowledgementSet":
        return AlertState.ACKNOWLEDGED
    if kind == "AcknowledgementCleared":
        # It goes on, and nobody is at it any more; a recovery clears too, and tells of itself.
        return AlertState.FIRING if state_of("", status) is AlertState.FIRING else None
    return None


def _finding(event: Node, host: str, service: str, status: str, state: AlertState) -> Finding:
    result, over = event["check_result"], state is AlertState.RESOLVED
    output, at = result["output"].text(), moment(event["timestamp"])
    return Finding(
        identity=identity(host, service),
        state=state,
        name=service or "Host check",
        severity=severity_of_status(status),
        summary=summary(host, service, status, output),
        description=output,
        service=service,
        resource=host,
        labels={"host": host, "check_source": result["check_source"].text()},
        annotations={
            "author": event["author"].text(),
            "comment": event["text"].text() or event["comment"].text(),
        },
        starts_at=None if over else at,
        ends_at=at if over else None,
    )
