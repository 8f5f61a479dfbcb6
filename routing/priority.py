"""Impact × urgency → priority, or by severity, or by rules; with the reasons in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.fields import incident_fields
from domain.incident import Incident
from domain.priority import Level, Priority
from domain.times import Millis
from routing.adjustments import Facts, reasons
from routing.catalogue import Criticality, Service
from routing.rules import PriorityOverride, RoutingRules, Scheme

_CRITICALITY_ORDER = tuple(Criticality)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of an incident as it is now."""

    impact: str
    urgency: str
    priority: Priority
    reason: str


def judge(incident: Incident, rules: RoutingRules, now: Millis) -> Judgement:
    """Work out the priority."""
    facts = facts_of(incident, rules, now)
    impact, impact_reason = _impact(facts, rules)
    urgency, urgency_reason = _urgency(facts, rules)
    priority, reason = _by_scheme(facts, rules, impact, urgency)
    reason = reason or f"{impact_reason} and {urgency_reason}"
    override = _override(facts, rules, priority)
    if override is not None:
        reason = f"rule {override.id} says so, else {priority}: {reason}"
        priority = override.priority
    return Judgement(impact, urgency, priority, f"{priority}: {reason}")


def facts_of(incident: Incident, rules: RoutingRules, now: Millis) -> Facts:
    """Look at an incident as rules on its priority do."""
    service = main_service(incident, rules)
    fields = incident_fields(incident, "", service.team or rules.default_service.team)
    return Facts(incident, service, fields, now)


def main_service(incident: Incident, rules: RoutingRules) -> Service:
    """Find the most critical service hit: it gives the impact and the team."""
    hit = [rules.services.get(name, rules.default_service) for name in incident.services]
    return min(hit, key=_criticality_rank, default=rules.default_service)


def levels_shown(priority: Priority, impact: str, urgency: str, rules: RoutingRules) -> tuple[Level, Level]:
    """Say impact and urgency as tools know them, in three levels.

    Many tools work the priority out themselves. So where a rule, an escalation or patience made it another than the
    matrix does, the nearest two that make it are shown, if there are any.
    """
    impacts, urgencies = rules.impact_levels, rules.urgency_levels
    here = _rank(impact, impacts), _rank(urgency, urgencies)
    fitting = [
        (impacts.index(row), urgencies.index(column))
        for (row, column), made in rules.matrix.items()
        if made is priority
    ]
    if here in fitting or not fitting:
        found = here
    else:
        found = min(fitting, key=lambda cell: (abs(cell[0] - here[0]) + abs(cell[1] - here[1]), cell))
    return _in_three(found[0], impacts), _in_three(found[1], urgencies)


def in_three(impact: str, urgency: str, rules: RoutingRules) -> tuple[Level, Level]:
    """Say impact and urgency in the three levels that all tools know."""
    ranks = _rank(impact, rules.impact_levels), _rank(urgency, rules.urgency_levels)
    return _in_three(ranks[0], rules.impact_levels), _in_three(ranks[1], rules.urgency_levels)


def named(level: Level, levels: Sequence[str]) -> str:
    """Name one of three levels as the configuration does.

    >>> named(Level.LOW, ["all", "many", "some", "one"]), named(Level.HIGH, ["high", "medium", "low"])
    ('one', 'high')
    """
    return levels[round(tuple(Level).index(level) * (len(levels) - 1) / 2)]


def _rank(level: str, levels: Sequence[str]) -> int:
    """Place a level; one that is not configured any more counts as the lowest."""
    return levels.index(level) if level in levels else len(levels) - 1


def _in_three(rank: int, levels: Sequence[str]) -> Level:
    return tuple(Level)[round(2 * rank / max(1, len(levels) - 1))]


def _by_scheme(facts: Facts, rules: RoutingRules, impact: str, urgency: str) -> tuple[Priority, str]:
    """Find the priority that the scheme gives; the reason is empty where it is that of impact and urgency."""
    match rules.scheme:
        case Scheme.SEVERITY:
            severity = facts.incident.severity
            return rules.by_severity[severity], f"severity {severity}"
        case Scheme.RULES:
            return rules.otherwise, "no rule applies"
        case Scheme.ITIL:
            return rules.matrix[impact, urgency], ""


def _override(facts: Facts, rules: RoutingRules, priority: Priority) -> PriorityOverride | None:
    if not rules.overrides:
        return None
    fields: Mapping[str, str] = {**facts.fields, "priority": priority.value}
    return next((rule for rule in rules.overrides if rule.match.matches(fields)), None)


def _impact(facts: Facts, rules: RoutingRules) -> tuple[str, str]:
    service = facts.service
    begin = rules.impact[service.criticality]
    said = f"{service.name or 'an unknown service'} has {service.criticality} criticality"
    moves = _moves(
        [(rule.id, rule.impact, reasons(rule, facts)) for rule in rules.adjustments if rule.impact]
    )
    impact = _moved(begin, moves, rules.impact_levels)
    return impact, f"{impact} impact ({'; '.join([said, *(text for _, text in moves)])})"


def _urgency(facts: Facts, rules: RoutingRules) -> tuple[str, str]:
    severity = facts.incident.severity
    begin = rules.urgency[severity]
    moves = _moves(
        [(rule.id, rule.urgency, reasons(rule, facts)) for rule in rules.adjustments if rule.urgency]
    )
    urgency = _moved(begin, moves, rules.urgency_levels)
    return urgency, f"{urgency} urgency ({'; '.join([f'severity {severity}', *(text for _, text in moves)])})"


def _moves(asked: Sequence[tuple[str, int, list[str] | None]]) -> list[tuple[int, str]]:
    """List the moves of the rules that apply, each with its words."""
    return [
        (by, f"{name} {by:+d}{': ' if why else ''}{', '.join(why)}")
        for name, by, why in asked
        if why is not None
    ]


def _moved(level: str, moves: Sequence[tuple[int, str]], levels: Sequence[str]) -> str:
    """Move a level up and down; there is none above the highest and none below the lowest."""
    rank = _rank(level, levels) - sum(by for by, _ in moves)
    return levels[max(0, min(rank, len(levels) - 1))]


def _criticality_rank(service: Service) -> int:
    return _CRITICALITY_ORDER.index(service.criticality)
