"""Icinga 2, told by a notification script: what ours posts, and what others post of the same runtime macros.

https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#notifications
"""

from __future__ import annotations

from domain.alert import AlertState
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat
from ingest.sources.icinga2_stream import KINDS, read_event
from ingest.sources.node import Node
from ingest.sources.notified import identity, severity_of_status, state_of, status_word, summary
from ingest.sources.post import Parsed, Post

TITLE = "Icinga 2"

HOST = ("host.name", "HOSTNAME", "host", "host_name", "host.display_name", "HOSTDISPLAYNAME", "host_alias")
SERVICE = (
    "service.name",
    "SERVICENAME",
    "service",
    "SERVICEDESC",
    "service_description",
    "service.display_name",
    "SERVICEDISPLAYNAME",
)
KIND = ("notification.type", "NOTIFICATIONTYPE", "notification_type", "type")
SERVICE_STATE = ("service.state", "SERVICESTATE", "state", "status", "check_result.state")
HOST_STATE = ("host.state", "HOSTSTATE", "state", "status", "check_result.state")
OUTPUT = (
    "SERVICEOUTPUT",
    "service.output",
    "HOSTOUTPUT",
    "host.output",
    "output",
    "check_result.output",
    "message",
)
SINCE = ("last_state_change", "service.last_state_change", "host.last_state_change")
NOW = ("time", "timestamp", "icinga.timet", "LONGDATETIME", "check_result.execution_end")


def parse(post: Post) -> Parsed:
    """Read one notification. An object of the event stream will do too.

    Raises:
        BadBody: if no host is named, or neither the kind of notification nor a state.
    """
    given = Flat.of(post)
    if given("type") in KINDS:
        alert = read_event(post, Node.json(post.body))
        return Parsed([alert] if alert else [], nothing="" if alert else "not_an_alert")
    host, service = _of_both(given)
    status = status_word(given(*(SERVICE_STATE if service else HOST_STATE)), bool(service))
    kind = given(*KIND)
    state = state_of(kind, status)
    if state is None:
        return Parsed(nothing=kind.lower().partition(" ")[0])
    return Parsed([build(post, _finding(given, host, service, status, state))])


def _of_both(given: Flat) -> tuple[str, str]:
    """Take them apart where only the full name of a service is given: ``host!service``."""
    host, service = given(*HOST), given(*SERVICE)
    before, mark, after = service.partition("!")
    if mark:
        host, service = host or before, after
    if not host:
        raise BadBody("is missing", "host")
    return host, service


def _finding(given: Flat, host: str, service: str, status: str, state: AlertState) -> Finding:
    output, over = given(*OUTPUT), state is AlertState.RESOLVED
    since = given.moment(*SINCE, *NOW)
    return Finding(
        identity=identity(host, service),
        state=state,
        name=given("SERVICEDISPLAYNAME", "service.display_name") or service or "Host check",
        severity=severity_of_status(status),
        summary=summary(host, service, status, output),
        description=output,
        service=service,
        resource=host,
        labels={"host": host}
        | given.named(address="host_address")
        | given.named(address="HOSTADDRESS", check_command="check_command", zone="zone")
        | given.named(host_groups="host_groups", service_groups="service_groups"),
        annotations=given.named(author="NOTIFICATIONAUTHORNAME", comment="NOTIFICATIONCOMMENT")
        | given.named(author="author", comment="comment"),
        starts_at=None if over else since,
        ends_at=since if over else None,
        url=given("url", "icingaweb2_url", "action_url"),
        links=given.named(runbook="notes_url"),
    )
