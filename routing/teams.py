"""Which team an incident belongs to, and why; and who of it is on call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from domain.clock import Happening
from domain.fields import incident_fields
from domain.incident import Incident, Stage
from domain.priority import Priority
from domain.times import Millis
from routing.assignment import on_call
from routing.escalation import EscalationStep
from routing.priority import main_service
from routing.rules import RoutingRules, Service


class Owner(NamedTuple):
    """A team, and why it is that."""

    team: str
    why: str


def team_of(
    incident: Incident, priority: Priority, steps: Sequence[EscalationStep], rules: RoutingRules
) -> Owner:
    """Find the team: by escalation, by rule, of the service, else that of services nobody knows."""
    for step in reversed(steps):
        if step.team:
            return Owner(step.team, f"escalated by {step.id}")
    service = owning_service(incident, rules)
    owner = service.team or rules.default_service.team
    if rules.assignment:
        fields = incident_fields(incident, priority.value, owner)
        for rule in rules.assignment:
            if rule.match.matches(fields):
                return Owner(rule.team, f"rule {rule.id} says so")
    return Owner(owner, _of_service(incident, rules))


def owning_service(incident: Incident, rules: RoutingRules) -> Service:
    """Find the service whose team gets it: that of the suspected cause, else the most critical one hit."""
    cause = rules.services.get(incident.cause_service) if incident.cause_service else None
    return cause if cause is not None and cause.team else main_service(incident, rules)


def _of_service(incident: Incident, rules: RoutingRules) -> str:
    service = owning_service(incident, rules)
    if not (service.team or rules.default_service.team):
        return "neither the service nor priority.default names one"
    if not service.team:
        return "from priority.default, as the service names none"
    if not service.name:
        return "from priority.default, as the service is not in the catalogue"
    if incident.cause_service and service.name == incident.cause_service:
        return f"owns {service.name}, the suspected cause"
    hit = len(incident.services)
    return f"owns {service.name}{f', the most critical of {hit} services hit' if hit > 1 else ''}"


def with_on_call(
    incident: Incident, rules: RoutingRules, now: Millis
) -> tuple[Incident, Millis | None, list[Happening]]:
    """Name who is on call while nobody has taken the incident on; say until when, and who takes over."""
    judged = incident.assessment
    rotation = rules.on_call.get(judged.team) if judged else None
    if rotation is None or judged is None:
        return (replace(incident, on_call="") if incident.on_call else incident), None, []
    if not incident.is_open or incident.stage is not Stage.NEW or incident.assignee:
        return incident, None, []
    who, until = on_call(rotation, now)
    if who == incident.on_call:
        return incident, until, []
    said = f"{who} is on call for {judged.team}"
    note = f"On call now: {who}" if incident.on_call else ""
    return replace(incident, on_call=who), until, [Happening("on_call", said, note=note)]
