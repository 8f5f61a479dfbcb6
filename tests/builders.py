"""Values for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from correlation.handler import CorrelationHandler
from correlation.rules import CorrelationRules
from domain.alert import Alert, AlertState, Severity
from domain.events import AlertsReceived
from domain.times import Millis
from routing.router import IncidentRouter
from routing.rules import Criticality, Route, RoutingRules, Service
from tests.core import Core

SECOND: Millis = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON: Millis = 1_704_110_400_000
"""2024-01-01T12:00:00Z"""

SERVICES = {
    "checkout": Service("checkout", Criticality.HIGH, "payments"),
    "cart": Service("cart", Criticality.MEDIUM, "shop"),
    "search": Service("search", Criticality.LOW, "search"),
}


def firing(
    name: str = "CPU",
    *,
    service: str = "checkout",
    severity: Severity = Severity.CRITICAL,
    starts_at: Millis = NOON,
    labels: dict[str, str] | None = None,
) -> Alert:
    """An alert that fires; its name is its identity."""
    all_labels = {"alertname": name, **({"service": service} if service else {}), **(labels or {})}
    return Alert(
        "prom",
        name,
        AlertState.FIRING,
        severity,
        name,
        f"{name} is bad",
        all_labels,
        {},
        starts_at,
        None,
        service,
    )


def resolved(
    name: str = "CPU", *, starts_at: Millis = NOON, ends_at: Millis | None = None, service: str = "checkout"
) -> Alert:
    """The end of what ``firing`` began."""
    labels = {"alertname": name, "service": service}
    ends = starts_at + MINUTE if ends_at is None else ends_at
    return Alert(
        "prom",
        name,
        AlertState.RESOLVED,
        Severity.CRITICAL,
        name,
        f"{name} is bad",
        labels,
        {},
        starts_at,
        ends,
        service,
    )


def received(*alerts: Alert, at: Millis = NOON) -> AlertsReceived:
    """A delivery of *alerts*."""
    return AlertsReceived("r", at, list(alerts))


def routing_rules() -> RoutingRules:
    """Three services, one destination."""
    return RoutingRules(services=SERVICES, routes=(Route("all", ("noc",)),))


def correlation_core(rules: CorrelationRules | None = None, routing: RoutingRules | None = None) -> Core:
    """A correlation shard without I/O."""
    router = IncidentRouter(routing or routing_rules())
    return Core(CorrelationHandler("alerts.0", rules or CorrelationRules(), router))
