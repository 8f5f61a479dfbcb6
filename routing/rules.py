"""What routing is told by the configuration, compiled to plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.alert import Severity
from domain.matching import Matcher
from domain.priority import Level, Priority
from domain.rule_index import RuleIndex
from domain.times import Millis
from routing.sla import SlaRules

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW


class Criticality(StrEnum):
    """How much the business depends on a service."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Service:
    """An entry of the service catalogue."""

    name: str
    criticality: Criticality = Criticality.MEDIUM
    team: str = ""
    depends_on: tuple[str, ...] = ()


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
    index: RuleIndex[Route] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", index_of(self.routes))


def index_of(routes: tuple[Route, ...]) -> RuleIndex[Route]:
    """Have the routes of one level found without trying each."""
    return RuleIndex([(route.match, route) for route in routes])


IMPACT = {
    Criticality.CRITICAL: HIGH,
    Criticality.HIGH: HIGH,
    Criticality.MEDIUM: MEDIUM,
    Criticality.LOW: LOW,
}
URGENCY = {
    Severity.CRITICAL: HIGH,
    Severity.HIGH: HIGH,
    Severity.MEDIUM: MEDIUM,
    Severity.LOW: LOW,
    Severity.INFO: LOW,
}
MATRIX = {
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
    default_service: Service = Service("")
    """Stands in for a service that the catalogue does not know."""
    routes: tuple[Route, ...] = ()
    impact: Mapping[Criticality, Level] = field(default_factory=lambda: IMPACT)
    urgency: Mapping[Severity, Level] = field(default_factory=lambda: URGENCY)
    matrix: Mapping[tuple[Level, Level], Priority] = field(default_factory=lambda: MATRIX)
    widespread_at: int = 3
    """From this many services hit the impact is one level higher."""
    lower_after: Millis = 10 * 60_000
    """A lower priority is taken once it would have been right for this long."""
    title: str = "[{{ priority }}] {{ summary }}"
    """Jinja2 template; ``docs/templates.md`` lists what it may use."""
    description: str = ""
    """Jinja2 template; empty for the one that is built in."""
    public_url: str = "http://127.0.0.1:8080"
    """Where people reach Tocsin, for links in tickets."""
    sla: SlaRules | None = None
    """How long incidents may take; None where nothing is agreed."""
    index: RuleIndex[Route] = field(init=False, repr=False, compare=False)
    """Of the uppermost routes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", index_of(self.routes))
