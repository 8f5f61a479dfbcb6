"""Impact × urgency → priority, with the reasons in words."""

from __future__ import annotations

from dataclasses import dataclass

from domain.incident import Incident
from domain.priority import Level, Priority
from routing.rules import Criticality, RoutingRules, Service

_HIGHER = {Level.LOW: Level.MEDIUM, Level.MEDIUM: Level.HIGH, Level.HIGH: Level.HIGH}
_CRITICALITY_ORDER = tuple(Criticality)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the matrix says of an incident as it is now."""

    impact: Level
    urgency: Level
    priority: Priority
    reason: str


def judge(incident: Incident, rules: RoutingRules) -> Judgement:
    """Work out the priority."""
    impact, impact_reason = _impact(incident, rules)
    urgency = rules.urgency[incident.severity]
    priority = rules.matrix[impact, urgency]
    urgency_reason = f"{urgency} urgency (severity {incident.severity})"
    return Judgement(impact, urgency, priority, f"{priority}: {impact_reason} and {urgency_reason}")


def main_service(incident: Incident, rules: RoutingRules) -> Service:
    """Find the most critical service hit: it gives the impact and the team."""
    hit = [rules.services.get(name, rules.default_service) for name in incident.services]
    return min(hit, key=_criticality_rank, default=rules.default_service)


def _impact(incident: Incident, rules: RoutingRules) -> tuple[Level, str]:
    service = main_service(incident, rules)
    impact = rules.impact[service.criticality]
    reason = f"{impact} impact ({service.name or 'an unknown service'} has {service.criticality} criticality)"
    if len(incident.services) < rules.widespread_at or impact is Level.HIGH:
        return impact, reason
    raised = _HIGHER[impact]
    return raised, f"{raised} impact ({len(incident.services)} services hit, else {reason})"


def _criticality_rank(service: Service) -> int:
    return _CRITICALITY_ORDER.index(service.criticality)
