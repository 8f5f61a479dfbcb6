"""The ``priority`` part of the YAML: what gives an incident its priority."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.alert import Severity
from domain.matching import Matcher
from domain.priority import Priority
from notation import Duration, Labels, MatchConfig, RuleConfig, lasting
from notation import Label as Name
from routing.adjustments import Adjustment, Growth, SupportHours
from routing.catalogue import CI_FIELDS, Criticality
from routing.rules import LEVELS, MATRIX, WIDESPREAD, PriorityOverride, Scheme

Levels = Annotated[list[Name], Field(min_length=2)]
Count = Annotated[int, Field(ge=1)]


class DefaultServiceConfig(BaseModel):
    """What is taken for a service that the catalogue does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    criticality: Criticality = Field(Criticality.MEDIUM, description="How much the business depends on it.")
    team: str = Field("", description="Team that gets its incidents.")


class LevelsConfig(BaseModel):
    """Names of the levels, highest first. Tools that know three get the nearest of high, medium and low."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    impact: Levels = Field(list(LEVELS), description="Rows of the matrix.")
    urgency: Levels = Field(list(LEVELS), description="Columns of the matrix.")


class GrowthConfig(BaseModel):
    """How fast an incident has to grow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alerts: int = Field(ge=2, le=1000, description="So many alerts have to join.")
    within: Duration = Field(gt=0, description="Within so long.")


class AdjustmentConfig(RuleConfig):
    """A rule that moves impact or urgency by some levels. All that it asks for must hold."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Incidents that the rule is for, as in routes. Empty: every incident.",
    )
    impact: int = Field(0, ge=-9, le=9, description="Levels up; negative for down.")
    urgency: int = Field(0, ge=-9, le=9, description="Levels up; negative for down.")
    services: Count | None = Field(None, description="From this many services hit.")
    cis: Count | None = Field(None, description="From this many configuration items hit.")
    sites: Count | None = Field(None, description="From this many sites hit.")
    cis_down: Count | None = Field(
        None, description="From this many configuration items of the service on which alerts fire now."
    )
    cis_left: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="When some fire, and no more than this many configuration items of the service are left on which "
        "none does. For services whose cis are names, not patterns.",
    )
    growth: GrowthConfig | None = Field(None, description="While so many alerts join within so long.")
    support_hours: SupportHours | None = Field(
        None, description="Only within (open) or outside (closed) the support hours of the service."
    )

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        if not self.impact and not self.urgency:
            raise ValueError("moves nothing; give impact or urgency, like 1 or -1")
        return self

    def compile(self) -> Adjustment:
        """Make the rule that the core works with."""
        return Adjustment(
            id=self.id,
            match=Matcher.of(self.match),
            impact=self.impact,
            urgency=self.urgency,
            services=self.services or 0,
            cis=self.cis or 0,
            sites=self.sites or 0,
            cis_down=self.cis_down or 0,
            cis_left=self.cis_left,
            growth=Growth(self.growth.alerts, self.growth.within) if self.growth else None,
            support_hours=self.support_hours,
        )


class PriorityRuleConfig(RuleConfig):
    """A rule that gives incidents their priority."""

    match: MatchConfig = Field(
        description="Incidents that the rule is for, as in routes; the priority found so far can be matched, too."
    )
    priority: Priority = Field(description="The priority they get.")

    def compile(self) -> PriorityOverride:
        """Make the rule that the core works with."""
        return PriorityOverride(self.id, Matcher.of(self.match), self.priority)


class PriorityConfig(BaseModel):
    """What gives an incident its priority. What is not given keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: Scheme = Field(
        Scheme.ITIL,
        description="itil: impact and urgency, by the matrix. severity: the worst alert that fires, by by_severity. "
        "rules: the first of the rules that matches, else otherwise.",
    )
    levels: LevelsConfig = Field(
        default_factory=LevelsConfig,
        description="Levels of impact and urgency, for a matrix of another size.",
    )
    impact: dict[Criticality, Name] = Field(
        default_factory=dict,
        description="Impact of an incident by its service's criticality. "
        "Defaults: critical and high are high, medium is medium, low is low.",
    )
    urgency: dict[Severity, Name] = Field(
        default_factory=dict,
        description="Urgency of an incident by its worst alert's severity. "
        "Defaults: critical and high are high, medium is medium, low and info are low.",
    )
    matrix: dict[Name, dict[Name, Priority]] = Field(
        default_factory=dict,
        description="Priority by impact, then by urgency. Defaults: high impact P1 P2 P3 for high, medium "
        "and low urgency, medium impact P2 P3 P4, low impact P3 P4 P5.",
    )
    widespread_at: int = Field(
        WIDESPREAD.services, ge=2, description="From this many services hit, the impact is one level higher."
    )
    adjust: list[AdjustmentConfig] = Field(
        default_factory=list,
        description="Rules that move impact and urgency: how many configuration items and sites are hit, the "
        "environment, support hours, redundancy left, growth. All that apply add up.",
    )
    rules: list[PriorityRuleConfig] = Field(
        default_factory=list,
        description="Rules that give a priority whatever the scheme says; the first that matches is taken.",
    )
    by_severity: dict[Severity, Priority] = Field(
        default_factory=dict,
        description="For the scheme severity. Defaults: critical P1, high P2, medium P3, low P4, info P5.",
    )
    otherwise: Priority = Field(
        Priority.P3, description="For the scheme rules: the priority where none matches."
    )
    ci: Labels = Field(
        list(CI_FIELDS),
        description="Labels or fields that may name an alert's configuration item; the first there is.",
    )
    site: Labels = Field(["site"], description="Labels that may name an alert's site; the first there is.")
    lower_after: Duration = lasting(
        "10m", "A lower priority is taken once it would have been right for this long."
    )
    default: DefaultServiceConfig = Field(
        default_factory=DefaultServiceConfig,
        description="Stands in for services that the catalogue does not know.",
    )

    def cells(self) -> dict[tuple[str, str], Priority]:
        """List the whole matrix by (impact, urgency), defaults included."""
        given = {
            (impact, urgency): priority
            for impact, row in self.matrix.items()
            for urgency, priority in row.items()
        }
        levels = set(self.levels.impact), set(self.levels.urgency)
        known = {cell: made for cell, made in MATRIX.items() if cell[0] in levels[0] and cell[1] in levels[1]}
        return known | given

    def adjustments(self) -> tuple[Adjustment, ...]:
        """Make the rules that move impact and urgency."""
        widespread = Adjustment(WIDESPREAD.id, impact=WIDESPREAD.impact, services=self.widespread_at)
        return (widespread, *(rule.compile() for rule in self.adjust))

    def asked_of_extent(self) -> tuple[tuple[str, ...], tuple[str, ...], int]:
        """Name the fields for CIs and for sites, and how many joins, that the rules ask for."""
        asks_cis = any(rule.cis or rule.cis_down or rule.cis_left is not None for rule in self.adjust)
        asks_sites = any(rule.sites for rule in self.adjust)
        joins = max((rule.growth.alerts for rule in self.adjust if rule.growth), default=0)
        return tuple(self.ci) if asks_cis else (), tuple(self.site) if asks_sites else (), joins
