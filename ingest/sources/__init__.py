"""One pure parser a tool: what it posts in, alerts out. This is the list of them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from ingest.sources import (
    alertmanager,
    appdynamics,
    aws_cloudwatch_sns,
    aws_eventbridge,
    azure_monitor,
    better_stack,
    checkmk,
    cloudevents,
    datadog,
    dynatrace,
    elastic_kibana,
    extra_solarwinds_appoptics_librato,
    falco,
    gcp_monitoring,
    generic,
    github,
    gitlab,
    grafana,
    graylog,
    healthchecks,
    honeycomb,
    icinga2,
    icinga2_stream,
    kapacitor,
    librenms,
    nagios,
    netdata,
    newrelic,
    opennms,
    opsgenie_alert_api,
    opsgenie_webhook,
    pagerduty_events_v2,
    pagerduty_webhook,
    pingdom,
    prometheus_am_api,
    prtg,
    rollbar,
    sensu,
    sentry,
    site24x7,
    solarwinds,
    splunk,
    statuscake,
    uptime_kuma,
    uptimerobot,
    vmalert,
    zabbix,
)
from ingest.sources.body import BadBody as BadBody
from ingest.sources.body import NotJson as NotJson
from ingest.sources.post import Fault as Fault
from ingest.sources.post import Parsed as Parsed
from ingest.sources.post import Post as Post
from ingest.sources.tool import CURL, by_type, event_ids, message_id
from ingest.sources.tool import Kind as Kind
from ingest.sources.tool import Style as Style
from ingest.sources.tool import Tool as Tool

ONLY_JSON = frozenset({Kind.JSON})
FORMS = CURL | {Kind.MULTIPART}
ANYTHING = frozenset({Kind.ANY})
GET_TOO = ("POST", "GET")
PUT_TOO = ("POST", "PUT")
ALL_THREE = ("POST", "PUT", "GET")
REST = ("POST", "GET", "PUT", "PATCH", "DELETE")
SNS = ("x-amz-sns-message-id",)


def _tool(module: ModuleType, **rest: Any) -> Tool:
    """Say how a module's tool is to be treated, where it is not like most."""
    return Tool(type=module.__name__.rpartition(".")[2], title=module.TITLE, parse=module.parse, **rest)


_push = prometheus_am_api.parse

TOOLS: Mapping[str, Tool] = MappingProxyType(
    by_type(
        _tool(alertmanager, parse_push=_push, kinds=ONLY_JSON),
        _tool(appdynamics),
        _tool(aws_cloudwatch_sns, delivery_headers=SNS, delivery_id=message_id),
        _tool(aws_eventbridge, methods=PUT_TOO, delivery_headers=SNS),
        _tool(azure_monitor),
        _tool(better_stack),
        _tool(checkmk),
        _tool(cloudevents, kinds=ANYTHING, delivery_headers=("ce-source", "ce-id"), delivery_id=event_ids),
        _tool(datadog),
        _tool(dynatrace),
        _tool(elastic_kibana, methods=PUT_TOO),
        _tool(extra_solarwinds_appoptics_librato),
        _tool(falco),
        _tool(gcp_monitoring),
        _tool(generic, methods=ALL_THREE, kinds=ANYTHING),
        _tool(github, delivery_headers=("x-github-delivery",)),
        _tool(gitlab),
        _tool(grafana, methods=PUT_TOO),
        _tool(graylog),
        _tool(healthchecks, methods=ALL_THREE),
        _tool(honeycomb),
        _tool(icinga2),
        _tool(icinga2_stream),
        _tool(kapacitor),
        _tool(librenms, methods=ALL_THREE, kinds=FORMS),
        _tool(nagios, methods=GET_TOO, kinds=FORMS),
        _tool(netdata),
        _tool(newrelic),
        _tool(opennms),
        _tool(opsgenie_alert_api, methods=REST, style=Style.OPSGENIE),
        _tool(opsgenie_webhook),
        _tool(pagerduty_events_v2, style=Style.PAGERDUTY),
        _tool(pagerduty_webhook),
        _tool(pingdom),
        _tool(prometheus_am_api, parse_push=_push, kinds=ONLY_JSON),
        _tool(prtg, methods=GET_TOO, kinds=FORMS),
        _tool(rollbar),
        _tool(sensu),
        _tool(sentry),
        _tool(site24x7, methods=ALL_THREE, kinds=FORMS),
        _tool(solarwinds, kinds=FORMS),
        _tool(splunk),
        _tool(statuscake, methods=GET_TOO, kinds=FORMS),
        _tool(uptime_kuma, methods=ALL_THREE, kinds=FORMS),
        _tool(uptimerobot, methods=GET_TOO, kinds=FORMS),
        _tool(vmalert, parse_push=_push, kinds=ONLY_JSON),
        _tool(zabbix),
    )
)
"""Type of a source → all that is known of it. The type is the name of the module."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "appoptics": "extra_solarwinds_appoptics_librato",
        "librato": "extra_solarwinds_appoptics_librato",
        "extra_uptimerobot": "uptimerobot",
        "prometheus": "prometheus_am_api",
    }
)
"""Other names that a type may be given by."""


def tool_of(name: str) -> Tool | None:
    """Find a tool by its type or by another name of it."""
    return TOOLS.get(ALIASES.get(name, name))
