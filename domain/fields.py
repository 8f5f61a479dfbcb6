"""What rules can match on: labels, and the normalised fields where no label has their name."""

from __future__ import annotations

from collections.abc import Mapping

from domain.alert import Alert
from domain.incident import Incident


def alert_fields(alert: Alert) -> Mapping[str, str]:
    """List what a rule on alerts can match on.

    The source and the severity are always ours: tools spell severities in many ways, rules should not have to.
    """
    return {
        "service": alert.service,
        "name": alert.name,
        **alert.labels,
        "source": alert.source,
        "severity": alert.severity.value,
    }


def incident_fields(incident: Incident, priority: str, team: str) -> Mapping[str, str]:
    """List what a rule on incidents can match on."""
    return {
        **incident.labels,
        "service": incident.service,
        "severity": incident.severity.value,
        "rule": incident.rule,
        "priority": priority,
        "team": team,
    }
