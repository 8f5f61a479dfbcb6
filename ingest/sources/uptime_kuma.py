"""Uptime Kuma's webhook: a monitor that went down or up, as JSON, as a multipart form, or in the query of a GET.

https://github.com/louislam/uptime-kuma/wiki/Notification-Methods
"""

from __future__ import annotations

from datetime import UTC

from domain.alert import AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.loose import Loose, first_line, merged, moment, plain, tags, unquoted
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post
from ingest.sources.severities import severity_of

TITLE = "Uptime Kuma"

STATES = {
    "0": AlertState.FIRING,
    "down": AlertState.FIRING,
    "1": AlertState.RESOLVED,
    "up": AlertState.RESOLVED,
}
"""Status of a heartbeat. 2 is pending and 3 maintenance: nothing to act on."""

TEST = "Testing"
NO_ADDRESS = {"http://", "https://"}
"""What the field for the URL holds where a monitor has none."""


def parse(post: Post) -> Parsed:
    """Read one message.

    Raises:
        BadBody: if it is none.
    """
    document = form_or_json(post)
    if "data" in document:
        document = unquoted(document["data"])
    heartbeat, monitor = unquoted(document["heartbeat"]), unquoted(document["monitor"])
    # Msg is Kuma's own name; Body is that in the template it proposes.
    text = Loose(document).text("msg", "message", "body")
    if heartbeat:
        return _beat(post, heartbeat, monitor, text)
    if monitor:
        return Parsed([build(post, _notice(monitor, text))])
    if text:
        return Parsed([build(post, _note(text))])
    raise BadBody("has neither a heartbeat nor a message", "heartbeat")


def _beat(post: Post, heartbeat: Node, monitor: Node, text: str) -> Parsed:
    """Read a heartbeat. Times without a zone are UTC; those of the Kuma's own zone have a field of another name."""
    state = STATES.get(heartbeat["status"].required().lower())
    if state is None:
        return Parsed(nothing="not_an_alert")
    at = moment(heartbeat["time"], UTC)
    finding = Finding(
        identity=_identity(monitor, heartbeat),
        state=state,
        name=_name(monitor, text),
        severity=severity_of(
            _labels(monitor).get("severity", "high")
        ),  # a tag may say; else it is simply down
        summary=first_line(plain(heartbeat["msg"]) or text),
        description=text,
        service=_labels(monitor).get("service", ""),
        resource=_resource(monitor),
        labels=_labels(monitor),
        starts_at=at,
        ends_at=at,
    )
    return Parsed([build(post, finding)])


def _identity(monitor: Node, heartbeat: Node) -> str:
    """Take the monitor's id; a heartbeat has none that would stay."""
    found = (
        plain(monitor["id"]) or plain(heartbeat.first("monitorID", "monitor_id")) or plain(monitor["name"])
    )
    if not found:
        raise monitor["id"].fault("is missing")
    return found


def _name(monitor: Node, text: str) -> str:
    return plain(monitor.first("pathName", "name")) or first_line(text)


def _resource(monitor: Node) -> str:
    address = plain(monitor["url"])
    return plain(monitor["hostname"]) or ("" if address in NO_ADDRESS else address)


def _labels(monitor: Node) -> dict[str, str]:
    address = plain(monitor["url"])
    known = {key: plain(monitor[key]) for key in ("type", "hostname", "port", "description")}
    own = {"monitor_id": plain(monitor["id"]), "url": "" if address in NO_ADDRESS else address}
    return merged(tags(monitor["tags"]), known, own)


def _notice(monitor: Node, text: str) -> Finding:
    """Read what is said of a monitor without a heartbeat: a certificate or a domain that will expire. It has no end."""
    kind = next((word for word in ("certificate", "domain") if word in text.lower()), "notice")
    name = _name(monitor, text)
    return Finding(
        identity=f"{_identity(monitor, Node(None))}/{kind}",
        state=AlertState.FIRING,
        name=f"{name}: {kind}",
        summary=first_line(text),
        description=text,
        service=_labels(monitor).get("service", ""),
        resource=_resource(monitor),
        labels=_labels(monitor),
    )


def _note(text: str) -> Finding:
    """Read a message about no monitor: the test button's, or one of a template with nothing but the message."""
    if text.endswith(TEST):
        return Finding(identity="test", state=AlertState.TEST, name="Test", summary=first_line(text))
    head, _, rest = text.partition("] [")
    word, _, what = rest.partition("] ")
    state = AlertState.RESOLVED if "up" in word.lower() else AlertState.FIRING
    name = head.strip("[ ") if rest else first_line(text)
    return Finding(
        identity=name or "message", state=state, name=name, summary=first_line(what or text), description=text
    )
