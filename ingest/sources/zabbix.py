"""Zabbix's webhooks: what our media type posts, and the bodies of other media types with the common macros.

https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.alert import AlertState, Severity
from domain.times import Millis
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat, one_line, read
from ingest.sources.node import Node
from ingest.sources.post import Parsed, Post

TITLE = "Zabbix"

SEVERITIES = {
    "disaster": Severity.CRITICAL,
    "high": Severity.HIGH,
    "average": Severity.MEDIUM,
    "warning": Severity.LOW,
    "information": Severity.INFO,
    "not classified": Severity.INFO,
}
BY_NUMBER = {str(number): severity for number, severity in enumerate(reversed(SEVERITIES.values()))}
"""``EVENT.NSEVERITY``: 0 is not classified, 5 is a disaster."""
STATES = {
    "problem": AlertState.FIRING,
    "1": AlertState.FIRING,
    "ok": AlertState.RESOLVED,
    "resolved": AlertState.RESOLVED,
    "0": AlertState.RESOLVED,
}
STATE = ("EVENT.VALUE", "EVENT.STATUS", "TRIGGER.STATUS", "TRIGGER.VALUE", "STATUS", "STATE")
SERVICES = ("service", "application", "app", "component")
_IDS = re.compile(r"[?&](triggerid|eventid)=(\d+)")
_ACKNOWLEDGED = re.compile(r"(?<!un)acknowledged", re.IGNORECASE)


def parse(post: Post) -> Parsed:
    """Read one message. Events of discovery, autoregistration and Zabbix itself are no problems.

    The button that tries a media type expands no macro.

    Raises:
        BadBody: if it tells of nothing, or not whether it is a problem.
    """
    node = read(post)
    if isinstance(node.value, list):
        raise node.fault("should be an object")
    given = Flat.of_node(node)
    if given("EVENT.SOURCE") in {"1", "2", "3"}:
        return Parsed(nothing="not_an_alert")
    if not given(*STATE) and given.unexpanded(*STATE):
        return Parsed(nothing="test")
    return Parsed([build(post, _finding(given, _tags(node)))])


def _finding(given: Flat, tags: dict[str, str]) -> Finding:
    host = given("HOST.NAME", "HOST", "HOST.HOST", "host.visible.name")
    trigger, state = given("TRIGGER.NAME", "EVENT.NAME", "TRIGGER", "NAME", "SUBJECT"), _state(given)
    if not trigger:
        raise BadBody("is missing", "EVENT.NAME")
    recovered = given.moment("EVENT.RECOVERY.TIMESTAMP") or _moment(given, "EVENT.RECOVERY")
    return Finding(
        identity=_identity(given, host, trigger),
        state=state,
        name=given("EVENT.NAME") or trigger,
        severity=_severity(given),
        summary=_summary(host, given("EVENT.NAME") or trigger),
        description=given(
            "TRIGGER.DESCRIPTION", "TRIGGER.DESC", "EVENT.OPDATA", "MESSAGE", "ALERT.MESSAGE", "ITEM"
        ),
        service=next((tags[name] for name in SERVICES if name in tags), given("SERVICE.NAME")),
        resource=host or given("HOST.IP"),
        labels=_labels(given, tags),
        annotations=given.named(
            opdata="EVENT.OPDATA",
            item="ITEM",
            update="EVENT.UPDATE.MESSAGE",
            updated_by="USER.FULLNAME",
        ),
        starts_at=given.moment("EVENT.TIMESTAMP") or _moment(given, "EVENT"),
        ends_at=recovered,
        url=_url(given),
        links=given.named(trigger="TRIGGER.URL"),
    )


def _identity(given: Flat, host: str, trigger: str) -> str:
    """Choose what a recovery shares with its problem.

    ``EVENT.ID`` does, as Zabbix keeps it; the event id in a link does not, it is that of the recovery. Without
    the first it is the trigger, by its number, else by host and name (which may say "is reachable" once it is).
    """
    if event := given("EVENT.ID"):
        return f"event {event}"
    number = given("TRIGGER.ID") or _linked(given).get("triggerid", "")
    return f"trigger {number}" if number else f"{host}/{trigger}"


def _linked(given: Flat) -> dict[str, str]:
    return dict(_IDS.findall(given("LINK", "URL", "EVENT.URL", "TRIGGER.LINK")))


def _state(given: Flat) -> AlertState:
    """An update of a problem that goes on comes with ``EVENT.UPDATE.STATUS`` 1; what was done is in the action."""
    state = STATES.get(given.required(*STATE).lower())
    if state is None:
        raise BadBody("should be PROBLEM, OK or RESOLVED, or 1 or 0", "EVENT.VALUE")
    if (
        state is AlertState.FIRING
        and given("EVENT.UPDATE.STATUS", "EVENT.UPDATE") == "1"
        and _acknowledges(given)
    ):
        return AlertState.ACKNOWLEDGED
    return state


def _acknowledges(given: Flat) -> bool:
    action = given("EVENT.UPDATE.ACTION")
    if not action:
        return given("EVENT.ACK.STATUS", "EVENT.ACK").lower() in {"yes", "1"}
    return bool(_ACKNOWLEDGED.search(action))


def _severity(given: Flat) -> Severity:
    word = given("EVENT.NSEVERITY", "TRIGGER.NSEVERITY", "EVENT.SEVERITY", "TRIGGER.SEVERITY", "SEVERITY")
    return BY_NUMBER.get(word) or SEVERITIES.get(word.lower(), Severity.MEDIUM)


def _moment(given: Flat, event: str) -> Millis | None:
    """Zabbix tells the day and the time apart, in the server's zone: 2024.05.14 and 08:21:30."""
    day, time = given(f"{event}.DATE"), given(f"{event}.TIME")
    if not day or not time:
        return None
    return Flat({"at": f"{day.replace('.', '-')}T{time}"}).moment("at")


def _tags(node: Node) -> dict[str, str]:
    """``EVENT.TAGSJSON`` is a list of pairs, ``EVENT.TAGS`` a text: ``scope:disk, service:shop``."""
    tags: dict[str, str] = {}
    for name, part in node.fields():
        key = re.sub(r"[\W_]+", "", name).lower()
        if key not in {"eventtagsjson", "eventtags", "tags", "eventrecoverytagsjson"}:
            continue
        for tag, value in _pairs(part):
            tags.setdefault(tag, value)
    return tags


def _pairs(part: Node) -> Iterator[tuple[str, str]]:
    if isinstance(part.value, dict):
        yield from part.flat().items()
        return
    listed = part if isinstance(part.value, list) else _as_list(part.text())
    if listed is not None:
        yield from (
            (tag["tag"].text(), tag["value"].text() or "true") for tag in listed.items() if tag["tag"]
        )
        return
    for pair in part.text().split(","):
        tag, _, value = pair.strip().partition(":")
        if tag and "{" not in tag:
            yield tag.strip(), value.strip() or "true"


def _as_list(text: str) -> Node | None:
    if not text.strip().startswith("["):
        return None
    try:
        listed = Node.json(text.encode())
    except BadBody:
        return None
    return listed if isinstance(listed.value, list) else None


def _labels(given: Flat, tags: dict[str, str]) -> dict[str, str]:
    return tags | given.named(
        event_id="EVENT.ID",
        trigger_id="TRIGGER.ID",
        host="HOST.HOST",
        host_ip="HOST.IP",
        host_groups="TRIGGER.HOSTGROUP.NAME",
        template="TRIGGER.TEMPLATE.NAME",
        acknowledged="EVENT.ACK.STATUS",
    )


def _summary(host: str, trigger: str) -> str:
    return one_line(trigger if not host or host in trigger else f"{host}: {trigger}")


def _url(given: Flat) -> str:
    """The page of the event, which needs the address of the frontend as well as both numbers."""
    base, trigger, event = given("ZABBIX.URL", "URL"), given("TRIGGER.ID"), given("EVENT.ID")
    if (link := given("LINK", "EVENT.URL", "TRIGGER.LINK")) or "eventid=" in base:
        return link or base
    if base and trigger and event:
        return f"{base.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"
    return base
