r"""Checkmk: what our notification plugin posts, or any that posts the ``NOTIFY_*`` variables or fields named like them.

https://docs.checkmk.com/latest/en/notifications.html#scripts
"""

from __future__ import annotations

from domain.alert import AlertState
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat, read
from ingest.sources.node import Node
from ingest.sources.notified import identity, severity_of_status, state_of, status_word, summary
from ingest.sources.post import Parsed, Post

TITLE = "Checkmk"

PREFIX = "NOTIFY_"
SERVICE = ("SERVICEDESC", "service")
SERVICE_STATE = ("SERVICESTATE", "SERVICESHORTSTATE", "state", "status", "severity", "SERVICESTATEID")
HOST_STATE = ("HOSTSTATE", "HOSTSHORTSTATE", "state", "status", "severity", "HOSTSTATEID")
NOW = ("MICROTIME", "micro_time", "SHORTDATETIME", "short_date_time", "LONGDATETIME", "long_date_time")


def parse(post: Post) -> Parsed:
    """Read one notification, in JSON or as a form.

    Raises:
        BadBody: if no host is named, or neither the kind of notification nor a state.
    """
    given = _unprefixed(read(post))
    host, service = given.required("HOSTNAME", "host"), given(*SERVICE)
    if given("WHAT").upper() == "HOST":
        service = ""
    status = status_word(given(*(SERVICE_STATE if service else HOST_STATE)), bool(service))
    kind = given("NOTIFICATIONTYPE", "notification_type", "type")
    state = state_of(kind, status)
    if state is None:
        return Parsed(nothing=kind.lower().partition(" ")[0])
    return Parsed([build(post, _finding(given, host, service, status, state))])


def _unprefixed(node: Node) -> Flat:
    if not isinstance(node.value, dict):
        raise node.fault("should be an object")
    return Flat.of_node(Node({key.removeprefix(PREFIX): value for key, value in node.value.items()}))


def _finding(given: Flat, host: str, service: str, status: str, state: AlertState) -> Finding:
    kind, over = "SERVICE" if service else "HOST", state is AlertState.RESOLVED
    output = given(f"{kind}OUTPUT", "output")
    since = given.moment(f"LAST{kind}STATECHANGE", "last_state_change", *NOW)
    return Finding(
        # Not the problem's number: that differs between a problem and what follows it on the same service.
        identity=identity(host, service),
        state=state,
        name=service or "Host check",
        severity=severity_of_status(status),
        summary=summary(host, service, status, output),
        # The long output has its line breaks written out.
        description=given(f"LONG{kind}OUTPUT", "long_output").replace("\\n", "\n") or output,
        service=service,
        resource=host,
        labels={"host": host} | _tool_labels(given) | _labels(given),
        annotations=given.named(author="NOTIFICATIONAUTHOR", comment="NOTIFICATIONCOMMENT")
        | given.named(perfdata=f"{kind}PERFDATA", contacts="CONTACTS"),
        starts_at=None if over else since,
        ends_at=since if over else None,
        url=_url(given, kind),
        links=given.named(runbook=f"{kind}NOTESURL"),
    )


def _labels(given: Flat) -> dict[str, str]:
    return (
        given.named(site="site", address="address", check_command="check_command")
        | given.named(site="OMD_SITE", address="HOSTADDRESS", host_alias="HOSTALIAS", host_tags="HOSTTAGS")
        | given.named(host_groups="HOSTGROUPNAMES", service_groups="SERVICEGROUPNAMES")
        | given.named(check_command="SERVICECHECKCOMMAND", problem_id="SERVICEPROBLEMID")
    )


def _tool_labels(given: Flat) -> dict[str, str]:
    """Those that Checkmk has since 2.0, on hosts and on services: ``HOSTLABEL_cmk/os_family``."""
    labels: dict[str, str] = {}
    for mark in ("HOSTLABEL_", "SERVICELABEL_"):
        labels |= {key[len(mark) :]: text for key, text in given.given.items() if key.startswith(mark)}
    labels.pop("", None)
    return labels


def _url(given: Flat, kind: str) -> str:
    """Complete the link, which is relative to the site, as Checkmk does not know how it is reached."""
    link = given(f"{kind}URL", "url")
    if not link.startswith("/"):
        return link
    prefix = given("url_prefix").rstrip("/").removesuffix("/check_mk")
    return f"{prefix}{link}" if prefix else ""
