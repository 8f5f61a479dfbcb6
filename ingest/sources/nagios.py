"""Nagios (Core 3 and 4, XI, Naemon): what our notification command posts, or any that posts the macros.

https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/macrolist.html
"""

from __future__ import annotations

from domain.alert import AlertState
from ingest.sources.build import Finding, build
from ingest.sources.flat import Flat
from ingest.sources.notified import identity, severity_of_status, state_of, status_word, summary
from ingest.sources.post import Parsed, Post

TITLE = "Nagios"

HOST = ("host", "HOSTNAME", "NAGIOS_HOSTNAME", "host_alias", "HOSTADDRESS")
SERVICE = ("service", "SERVICEDESC", "NAGIOS_SERVICEDESC", "service_description", "service_name")
KIND = ("type", "NOTIFICATIONTYPE", "NAGIOS_NOTIFICATIONTYPE", "event_type")
SERVICE_STATE = ("SERVICESTATE", "NAGIOS_SERVICESTATE", "state", "status", "current_state", "SERVICESTATEID")
HOST_STATE = ("HOSTSTATE", "NAGIOS_HOSTSTATE", "state", "status", "current_state", "HOSTSTATEID")
SERVICE_OUTPUT = ("SERVICEOUTPUT", "NAGIOS_SERVICEOUTPUT", "output", "plugin_output", "message")
HOST_OUTPUT = ("HOSTOUTPUT", "NAGIOS_HOSTOUTPUT", "output", "plugin_output", "message")
LONG_OUTPUT = ("long_output", "LONGSERVICEOUTPUT", "LONGHOSTOUTPUT", "long_plugin_output", "details")
SERVICE_SINCE = ("LASTSERVICESTATECHANGE", "NAGIOS_LASTSERVICESTATECHANGE", "last_state_change")
HOST_SINCE = ("LASTHOSTSTATECHANGE", "NAGIOS_LASTHOSTSTATECHANGE", "last_state_change")
NOW = ("time", "TIMET", "NAGIOS_TIMET", "timestamp", "LONGDATETIME", "date_time")


def parse(post: Post) -> Parsed:
    """Read one notification, in JSON or as a form.

    Raises:
        BadBody: if no host is named, or neither the kind of notification nor a state.
    """
    given = Flat.of(post)
    host, service = given.required(*HOST), given(*SERVICE)
    status = status_word(given(*(SERVICE_STATE if service else HOST_STATE)), bool(service))
    kind = given(*KIND)
    state = state_of(kind, status)
    if state is None:
        return Parsed(nothing=kind.lower().partition(" ")[0])
    return Parsed([build(post, _finding(given, host, service, status, state))])


def _finding(given: Flat, host: str, service: str, status: str, state: AlertState) -> Finding:
    output = given(*(SERVICE_OUTPUT if service else HOST_OUTPUT))
    since = given.moment(*(SERVICE_SINCE if service else HOST_SINCE), *NOW)
    over = state is AlertState.RESOLVED
    return Finding(
        identity=identity(host, service),
        state=state,
        name=service or "Host check",
        severity=severity_of_status(status),
        summary=summary(host, service, status, output),
        # Nagios writes line breaks out as a backslash and an n.
        description=given(*LONG_OUTPUT).replace("\\n", "\n") or output,
        service=service,
        resource=host,
        labels=_labels(given, host),
        annotations=given.named(
            author="NOTIFICATIONAUTHOR", comment="NOTIFICATIONCOMMENT", perfdata="SERVICEPERFDATA"
        )
        | given.named(author="author", comment="comment"),
        starts_at=None if over else since,
        ends_at=since if over else None,
        url=given("url", "SERVICEACTIONURL", "HOSTACTIONURL", "action_url"),
        links=given.named(runbook="SERVICENOTESURL") or given.named(runbook="notes_url"),
    )


def _labels(given: Flat, host: str) -> dict[str, str]:
    ids = given.named(
        address="HOSTADDRESS",
        host_groups="HOSTGROUPNAMES",
        service_groups="SERVICEGROUPNAMES",
        state_type="SERVICESTATETYPE",
        problem_id="SERVICEPROBLEMID",
        contact="CONTACTNAME",
    )
    return {"host": host} | ids | given.named(address="host_address", problem_id="problem_id")
