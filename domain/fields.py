"""What rules can match on: labels, and the normalised fields where no label has their name."""

from __future__ import annotations

from collections.abc import Mapping

from domain.alert import Alert
from domain.incident import Incident

_NORMALISED = frozenset({"service", "name", "resource"})


RESOURCES = ("resource", "instance", "host", "node")
"""Labels that name a configuration item."""


def resources_in(labels: Mapping[str, str]) -> tuple[str, ...]:
    """List the configuration items that labels name.

    >>> resources_in({"host": "db-1", "instance": "db-1:9100"})
    ('db-1:9100', 'db-1')
    """
    return tuple(labels[name] for name in RESOURCES if labels.get(name))


class AlertFields:
    """What a rule on alerts can match on, looked up one by one: most rules ask for one or two.

    The source and the severity are always ours: tools spell severities in many ways, rules should not have to.
    """

    __slots__ = ("_alert",)

    def __init__(self, alert: Alert) -> None:
        self._alert = alert

    def get(self, name: str, default: str = "") -> str:
        """Return a field, or *default* where the alert has none of that name."""
        alert = self._alert
        if name == "severity":
            return alert.severity.value
        if name == "source":
            return alert.source
        found = alert.labels.get(name)
        if found is None and name in _NORMALISED:
            found = getattr(alert, name)
        return found or default


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
