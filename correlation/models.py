"""The ``correlation`` part of the YAML: how alerts become incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from correlation.flap_models import FlapConfig
from correlation.rules import CorrelationRules, Fallback, GroupRule, QuarantineRule, ResolveWhen
from correlation.strategy_models import StrategyConfig
from correlation.threshold_models import ThresholdConfig
from domain.matching import Matcher
from domain.times import Millis
from notation import Duration, Label, MatchConfig, RuleConfig, lasting


class GroupConfig(RuleConfig):
    """A rule that says which alerts belong to one incident."""

    by: list[Label] = Field(
        description="Labels or fields whose values must be equal for alerts to share an incident, "
        "for example [service, environment]. An empty list takes all alerts of the rule together."
    )
    window: Duration = lasting(
        "1h", "An alert joins the incident if the one before joined no longer ago than this."
    )
    max_age: Duration = lasting(
        "24h", "An incident older than this takes no new alerts, however busy it is; another is opened."
    )
    match: MatchConfig = Field(
        default_factory=dict,
        description="Labels or fields that an alert must have for the rule to apply, each with its value "
        'or a list of values; or matchers like Alertmanager\'s: service=~"pay.*", '
        "or a list of them. The first rule that matches is taken. Empty: it applies to every alert.",
    )
    hold: Duration = lasting(
        "0s", "How long an alert must fire before it opens an incident; one that is over sooner opens none."
    )

    resolve_when: ResolveWhen = Field(
        ResolveWhen.ALL,
        description="Which alerts must be over for the incident to be resolved: all of them, the first that "
        "is over, or root_cause: the one that the incident is named after.",
    )
    strategies: list[StrategyConfig] = Field(
        default_factory=list,
        description="How an alert finds its incident among those with equal `by` labels, tried in order; the first "
        "that finds one is taken. Empty: it is the latest one, within `window`.",
    )

    threshold: ThresholdConfig | None = Field(
        None, description="How much must happen before an incident opens. Without it, one alert is enough."
    )

    flapping: FlapConfig | None = Field(
        None,
        description="When an alert begins and ends too often to be believed; {} takes the usual values. Without it, "
        "every alert is believed.",
    )

    @model_validator(mode="after")
    def _waits_in_one_way(self) -> Self:
        if self.hold and self.threshold:
            raise ValueError("hold and threshold do not go together; give one of them")
        return self

    def compile(self) -> GroupRule:
        """Make the rule that the core works with."""
        return GroupRule(
            self.id,
            tuple(self.by),
            self.window,
            self.max_age,
            Matcher.of(self.match),
            self.hold,
            self.resolve_when,
            self.threshold.compile() if self.threshold else None,
            self.flapping.compile() if self.flapping else None,
            tuple(strategy.compile() for strategy in self.strategies),
        )


BY_TOPOLOGY = GroupConfig.model_validate(
    {"id": "by-topology", "by": [], "window": "2m", "strategies": [{"type": "topology"}]}
)
"""What goes before ``by-service`` where there is a topology and nobody wrote rules."""


class CorrelationConfig(BaseModel):
    """How alerts become incidents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: list[GroupConfig] = Field(
        default_factory=lambda: [GroupConfig(id="by-service", by=["service"])],
        description="Rules that group alerts into incidents. The first that applies is taken. If they are left out and "
        "there is a `topology`, one goes before the default that groups by it: "
        "{id: by-topology, by: [], window: 2m, strategies: [{type: topology}]}.",
    )
    reopen_within: Duration = lasting(
        "30m", "An incident resolved no longer ago than this is opened again instead of opening another."
    )
    stale_after: Duration = lasting(
        "1d", "A firing alert not heard of for this long is taken for resolved. "
        "Keep it well above the interval at which the tools repeat what still fires."
    )  # fmt: skip
    remember_resolves: Duration = lasting(
        "1h", "How long a resolve that arrived before its firing is remembered."
    )
    keep_resolved: Duration = lasting(
        "30d", "How long resolved incidents, their alerts and their timelines are kept."
    )
    close_after: Duration = lasting(
        "0s", "A resolved incident is closed after this, which is final: what comes later opens another, "
        "linked to it. 0 closes none; operators and people at tickets may.",
    )  # fmt: skip
    partitions: int = Field(
        1,
        ge=1,
        le=1024,
        description="Number of mailboxes that alerts are spread over. Alerts of different partitions never "
        "share an incident; more partitions let more processes work.",
    )
    partition_by: list[Label] = Field(
        default_factory=list,
        description="Labels or fields that choose an alert's partition, for example [tenant]. "
        "Needed with more than one partition.",
    )

    @model_validator(mode="after")
    def _spread_by_something(self) -> Self:
        if self.partitions > 1 and not self.partition_by:
            raise ValueError(
                f"partitions is {self.partitions}, but partition_by names no label to spread the alerts by"
            )
        return self

    def compile(
        self,
        identity: Mapping[str, tuple[str, ...]],
        expect_every: Mapping[str, Millis] | None = None,
        quarantine: QuarantineRule | None = None,
        fallbacks: Mapping[str, Fallback] | None = None,
        destinations: Iterable[str] | None = None,
        *,
        has_topology: bool = False,
    ) -> CorrelationRules:
        """Make the rules that the core works with; the arguments come from the settings of sources and destinations."""
        is_default = "groups" not in self.model_fields_set
        groups = [BY_TOPOLOGY, *self.groups] if has_topology and is_default else self.groups
        return CorrelationRules(
            groups=tuple(group.compile() for group in groups),
            identity=dict(identity),
            expect_every=dict(expect_every or {}),
            quarantine=quarantine or QuarantineRule(),
            fallbacks=dict(fallbacks or {}),
            destinations=None if destinations is None else frozenset(destinations),
            reopen_within=self.reopen_within,
            stale_after=self.stale_after,
            remember_resolves=self.remember_resolves,
            keep_resolved=self.keep_resolved,
            close_after=self.close_after,
        )
