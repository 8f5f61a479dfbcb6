"""Alerts as Alertmanager's webhook has them, and the configuration that the issue promises works as it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

ISSUE_EXAMPLE = """\
sources:
  prom: {type: alertmanager, auth: {bearer: "some-token"}}
correlation:
  groups:
    - {id: by-service, by: [service], window: 1h}
services:
  checkout: {criticality: high, team: payments}
  search: {criticality: low, team: search}
routes:
  - {destinations: [noc]}
destinations:
  noc: {type: webhook, url: "http://127.0.0.1:9009/tickets"}
"""


def example(sink: str, options: str = "") -> str:
    """Give the example with the address of *sink*, and perhaps more options of its destination."""
    found = '"http://127.0.0.1:9009/tickets"'
    assert found in ISSUE_EXAMPLE
    return ISSUE_EXAMPLE.replace(found, f'"{sink}"' + (f", {options}" if options else ""))


def minutes_ago(minutes: float) -> str:
    """Name a moment as Go does."""
    return moment(datetime.now(UTC) - timedelta(minutes=minutes))


def moment(at: datetime) -> str:
    """Name a moment as Go does."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def firing(
    service: str, instance: str = "one", *, severity: str = "critical", starts_at: str = ""
) -> dict[str, Any]:
    """Make an alert that fires; service and instance are its identity."""
    labels = {"alertname": "HighErrorRate", "service": service, "instance": instance, "severity": severity}
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{service} answers with errors"},
        "startsAt": starts_at or minutes_ago(5),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
    }


def resolved(alert: dict[str, Any]) -> dict[str, Any]:
    """Make the end of an alert that fired."""
    return {**alert, "status": "resolved", "endsAt": minutes_ago(0)}
