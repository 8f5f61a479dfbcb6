"""What routing is told by the configuration, compiled to plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.alert import SEVERITIES, Severity
from domain.matching import Matcher
from domain.priority import Level, Priority
from domain.rule_index import RuleIndex
from domain.times import Millis
from routing.adjustments import Adjustment
from routing.assignment import AssignmentRule, Rotation
from routing.calendars import Calendar
from routing.catalogue import NO_SERVICE
from routing.catalogue import Criticality as Criticality
from routing.catalogue import Service as Service
from routing.escalation import EscalationPolicy
from routing.sla import SlaRules

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW


class Scheme(StrEnum):
    """What gives an incident its priority."""

    ITIL = "itil"
    """Impact and urgency, by the matrix."""
    SEVERITY = "severity"
    """The worst alert that fires."""
    RULES = "rules"
    """The first rule that matches."""


@dataclass(frozen=True, slots=True)
class PriorityOverride:
    """A rule that gives the incidents it matches their priority, whatever the scheme says."""

    id: str
    match: Matcher
    priority: Priority


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree. The deepest match decides; siblings are tried in order."""

    id: str
    destinations: tuple[str, ...] = ()
    """Empty: those of the parent."""
    match: Matcher = field(default_factory=Matcher)
    proceed: bool = False
    """Try the next sibling too (``continue`` in YAML)."""
    routes: tuple[Route, ...] = ()
    shadow: bool = False
    """Whether it, and all below it, is only tried."""
    index: RuleIndex[Route] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", index_of(self.routes))


def without_shadows(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """Leave out the routes that are only tried.

    >>> [route.id for route in without_shadows((Route("a", shadow=True), Route("b")))]
    ['b']
    """
    return tuple(replace(route, routes=without_shadows(route.routes)) for route in routes if not route.shadow)


def index_of(routes: tuple[Route, ...]) -> RuleIndex[Route]:
    """Have the routes of one level found without trying each."""
    return RuleIndex([(route.match, route) for route in routes])


LEVELS = tuple(level.value for level in Level)
WIDESPREAD = Adjustment("widespread", impact=1, services=3)
BY_SEVERITY = dict(zip(SEVERITIES, Priority, strict=True))
IMPACT: dict[Criticality, str] = {
    Criticality.CRITICAL: HIGH,
    Criticality.HIGH: HIGH,
    Criticality.MEDIUM: MEDIUM,
    Criticality.LOW: LOW,
}
URGENCY: dict[Severity, str] = {
    Severity.CRITICAL: HIGH,
    Severity.HIGH: HIGH,
    Severity.MEDIUM: MEDIUM,
    Severity.LOW: LOW,
    Severity.INFO: LOW,
}
MATRIX: dict[tuple[str, str], Priority] = {
    (HIGH, HIGH): Priority.P1,
    (HIGH, MEDIUM): Priority.P2,
    (HIGH, LOW): Priority.P3,
    (MEDIUM, HIGH): Priority.P2,
    (MEDIUM, MEDIUM): Priority.P3,
    (MEDIUM, LOW): Priority.P4,
    (LOW, HIGH): Priority.P3,
    (LOW, MEDIUM): Priority.P4,
    (LOW, LOW): Priority.P5,
}
"""(impact, urgency) → priority: the 3×3 matrix common in ITIL practice."""


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Everything that ``routing`` may know beside the incident."""

    services: Mapping[str, Service] = field(default_factory=dict)
    default_service: Service = NO_SERVICE
    """Stands in for a service that the catalogue does not know."""
    routes: tuple[Route, ...] = ()
    scheme: Scheme = Scheme.ITIL
    impact_levels: tuple[str, ...] = LEVELS
    """Highest first."""
    urgency_levels: tuple[str, ...] = LEVELS
    impact: Mapping[Criticality, str] = field(default_factory=lambda: IMPACT)
    urgency: Mapping[Severity, str] = field(default_factory=lambda: URGENCY)
    matrix: Mapping[tuple[str, str], Priority] = field(default_factory=lambda: MATRIX)
    adjustments: tuple[Adjustment, ...] = (WIDESPREAD,)
    """What moves impact and urgency by some levels."""
    overrides: tuple[PriorityOverride, ...] = ()
    by_severity: Mapping[Severity, Priority] = field(default_factory=lambda: BY_SEVERITY)
    """For the scheme of severities."""
    otherwise: Priority = Priority.P3
    """For the scheme of rules, where none matches."""
    lower_after: Millis = 10 * 60_000
    """A lower priority is taken once it would have been right for this long."""
    title: str = "[{{ priority }}] {{ summary }}"
    """Jinja2 template; ``docs/templates.md`` lists what it may use."""
    description: str = ""
    """Jinja2 template; empty for the one that is built in."""
    public_url: str = "http://127.0.0.1:8080"
    """Where people reach Tocsin, for links in tickets."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    assignment: tuple[AssignmentRule, ...] = ()
    on_call: Mapping[str, Rotation] = field(default_factory=dict)
    """By team."""
    escalation: tuple[EscalationPolicy, ...] = ()
    sla: SlaRules | None = None
    """How long incidents may take; None where nothing is agreed."""
    shadows: tuple[Route, ...] = ()
    """All routes, with those that are only tried in their places; empty where none is."""
    index: RuleIndex[Route] = field(init=False, repr=False, compare=False)
    """Of the uppermost routes."""
    shadow_index: RuleIndex[Route] = field(init=False, repr=False, compare=False)

    watched_adjustments: tuple[Adjustment, ...] = field(init=False, repr=False, compare=False)
    """Those that time alone may make apply, or not."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", index_of(self.routes))
        object.__setattr__(self, "shadow_index", index_of(self.shadows))
        watched = tuple(rule for rule in self.adjustments if rule.growth or rule.support_hours)
        object.__setattr__(self, "watched_adjustments", watched)

    @property
    def has_plain_levels(self) -> bool:
        """Whether impact and urgency have the three levels that all tools know."""
        return self.impact_levels == self.urgency_levels == LEVELS

    @property
    def changes_with_time(self) -> bool:
        """Whether an incident has to be looked at though nothing happens to it."""
        return bool(self.sla or self.watched_adjustments or self.escalation or self.on_call)
