"""The incident that docs/templates.md and docs/webhook.md tell of: two alerts of one service."""

from __future__ import annotations

from typing import Any

from domain.alert import Alert, AlertState, Severity
from domain.incident import Incident
from domain.ticket import DesiredTicket
from routing.router import UNJUDGED, IncidentRouter, _template_values
from routing.rules import RoutingRules
from tests.builders import NOON, SECOND, correlation_core, received, routing_rules


def alert(instance: str) -> Alert:
    labels = {
        "alertname": "HighErrorRate",
        "service": "checkout",
        "environment": "prod",
        "severity": "critical",
    }
    return Alert(
        "prom",
        instance,
        AlertState.FIRING,
        Severity.CRITICAL,
        "HighErrorRate",
        "5 % of payments fail",
        {**labels, "instance": instance},
        {},
        NOON,
        None,
        "checkout",
    )


def incident() -> Incident:
    core = correlation_core()
    core.tell(received(alert("web-1"), at=NOON))
    core.tell(received(alert("web-2"), at=NOON + 30 * SECOND))
    [found] = core.all(Incident)
    assert isinstance(found, Incident)
    return found


def ticket(rules: RoutingRules | None = None) -> DesiredTicket:
    return IncidentRouter(rules or routing_rules()).render(incident())


def values() -> dict[str, Any]:
    """What a template is given."""
    found = incident()
    return _template_values(found, found.assessment or UNJUDGED, ticket().url)
