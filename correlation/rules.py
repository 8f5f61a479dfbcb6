"""What correlation is told by the configuration, compiled to plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from correlation.change_rules import ChangeRules
from correlation.enrichment import EnrichRule
from correlation.extent import ExtentRules
from correlation.flap_rules import FlapRule
from correlation.inhibition_rules import InhibitRule
from correlation.known_error_rules import KnownErrorRules
from correlation.maintenance_rules import MaintenanceRule
from correlation.major_rules import MajorRule
from correlation.problem_rules import ProblemRules
from correlation.shadow_rules import ShadowRules
from correlation.strategies import ByTopology, Strategy, topological
from correlation.threshold_rules import Threshold
from domain.matching import Matcher
from domain.rule_index import RuleIndex
from domain.times import Millis
from domain.topology import Topology

HOUR: Millis = 3_600_000
DAY = 24 * HOUR


class ResolveWhen(StrEnum):
    """Which alerts must be over for an incident to be resolved."""

    ALL = "all"
    FIRST = "first"
    """The first that resolves takes the others for done."""
    ROOT_CAUSE = "root_cause"
    """The one it is named after; or all."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Alerts with equal values of the ``by`` labels belong together, for a while."""

    id: str
    by: tuple[str, ...]
    window: Millis = HOUR
    """An alert joins as long as the last one joined no longer ago than this; each one that joins moves it."""
    max_age: Millis = DAY
    """An incident older than this takes no new alerts, however busy it is."""
    match: Matcher = field(default_factory=Matcher)
    """Alerts it applies to; the first rule that matches is taken."""
    hold: Millis = 0
    """How long an alert must fire before it opens an incident."""
    resolve_when: ResolveWhen = ResolveWhen.ALL
    threshold: Threshold | None = None
    """What must happen before an incident opens."""
    flapping: FlapRule | None = None
    """When an alert is not believed any more; None for never."""
    strategies: tuple[Strategy, ...] = ()
    """How an alert finds its incident among those of equal ``by`` labels; none: it is the latest."""
    topology: ByTopology | None = field(init=False, repr=False, compare=False)
    """The one of them that looks at the graph."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "topology", topological(self.strategies))


@dataclass(frozen=True, slots=True)
class QuarantineRule:
    """How much is kept of what could not be understood; the oldest goes first."""

    max_count: int = 1_000
    max_size: int = 64 << 20
    """Bytes."""
    max_age: Millis = 14 * DAY


@dataclass(frozen=True, slots=True)
class Fallback:
    """Where a P1 goes, too, that a destination has not got in time."""

    destination: str
    after: Millis


@dataclass(frozen=True, slots=True)
class CorrelationRules:
    """Everything that ``correlation`` may know beside state and events."""

    groups: tuple[GroupRule, ...] = (GroupRule("by-service", ("service",)),)
    identity: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Source → labels that make an alert's identity, where the tool's own fingerprint is not wanted."""
    expect_every: Mapping[str, Millis] = field(default_factory=dict)
    """Source → the longest time between two of its heartbeats; ``stale_after`` for others."""
    reopen_within: Millis = HOUR // 2
    """An incident resolved no longer ago than this is opened again instead of opening another."""
    stale_after: Millis = DAY
    """A firing alert not heard of for this long is taken for resolved."""
    remember_resolves: Millis = HOUR
    """How long a resolve that came before its firing is remembered."""
    keep_resolved: Millis = 30 * DAY
    """How long resolved incidents, their alerts and timelines are kept."""
    close_after: Millis = 0
    """A resolved incident is closed after this; 0 for never."""

    quarantine: QuarantineRule = field(default_factory=QuarantineRule)
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    """By the destination that may fail."""
    enrich: tuple[EnrichRule, ...] = ()
    """What is added to alerts, in order."""
    changes: ChangeRules | None = None
    """What changes mean for incidents; None if nothing."""
    known_errors: KnownErrorRules = field(default_factory=KnownErrorRules)
    problems: ProblemRules = field(default_factory=ProblemRules)
    """When incidents make a problem."""
    extent: ExtentRules | None = None
    """What is kept of how far incidents reach; None if nobody asks."""
    topology: Topology = field(default_factory=Topology)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → those of the catalogue that it cannot work without, directly or not, the deepest first."""
    destinations: frozenset[str] | None = None
    """Those that there are; None when any will do. What is not among them any more is told nothing."""
    majors: tuple[MajorRule, ...] = ()
    """What makes a major incident, in order."""
    shadows: ShadowRules = field(default_factory=ShadowRules)
    version: str = ""
    """Names the configuration; every entry of a timeline names the one it was made under."""
    maintenance: tuple[MaintenanceRule, ...] = ()
    calendars: frozenset[str] = frozenset()
    """Rules about maintenance whose windows the shard is told of."""
    inhibit: tuple[InhibitRule, ...] = ()
    inhibit_sources: RuleIndex[InhibitRule] = field(init=False, repr=False, compare=False)
    inhibit_targets: RuleIndex[InhibitRule] = field(init=False, repr=False, compare=False)
    maintenance_index: RuleIndex[MaintenanceRule] = field(init=False, repr=False, compare=False)
    group_index: RuleIndex[GroupRule] = field(init=False, repr=False, compare=False)
    early_ends: Mapping[str, ResolveWhen] = field(init=False, repr=False, compare=False)
    """By group rule, where not all alerts must be over."""
    needed: frozenset[str] = field(init=False, repr=False, compare=False)
    """Services that others cannot work without."""

    def __post_init__(self) -> None:
        index = RuleIndex([(rule.match, rule) for rule in self.groups])
        object.__setattr__(self, "group_index", index)
        maintenance = RuleIndex([(rule.match, rule) for rule in self.maintenance])
        object.__setattr__(self, "maintenance_index", maintenance)
        early = {
            rule.id: rule.resolve_when for rule in self.groups if rule.resolve_when is not ResolveWhen.ALL
        }
        object.__setattr__(self, "early_ends", early)
        sources = RuleIndex([(rule.source, rule) for rule in self.inhibit])
        targets = RuleIndex([(rule.target, rule) for rule in self.inhibit])
        object.__setattr__(self, "inhibit_sources", sources)
        object.__setattr__(self, "inhibit_targets", targets)
        needed = frozenset(name for below in self.needs.values() for name in below)
        object.__setattr__(self, "needed", needed)

    def heartbeat_every(self, source: str) -> Millis:
        """Say how long a heartbeat of *source* may stay out."""
        return self.expect_every.get(source, self.stale_after)
