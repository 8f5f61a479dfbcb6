"""What is kept of a replay: of each incident a few words, whatever becomes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from domain.incident import Incident
from domain.priority import Priority
from domain.times import Millis


@dataclass(slots=True)
class Summary:
    """An incident, told shortly."""

    id: str
    title: str
    rule: str
    group: str
    opened_at: Millis
    alerts: int = 0
    priority: Priority | None = None
    """The highest it ever had."""
    destinations: set[str] = field(default_factory=set)
    """Where it got a ticket."""

    def note(self, incident: Incident) -> None:
        """Take in how it stands."""
        self.title = incident.lead.summary or incident.lead.name
        self.alerts = max(self.alerts, incident.alerts)
        judged = incident.assessment
        if judged is not None and (self.priority is None or judged.priority.is_above(self.priority)):
            self.priority = judged.priority


@dataclass(slots=True)
class Tally:
    """All incidents of one replay."""

    incidents: dict[str, Summary] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def note(self, incident: Incident) -> None:
        """Take in how an incident stands."""
        known = self.incidents.get(incident.id)
        if known is None:
            known = Summary(incident.id, "", incident.rule, incident.group, incident.opened_at)
            self.incidents[incident.id] = known
        known.note(incident)
