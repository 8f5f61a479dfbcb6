"""The ``major`` part of the YAML: which incidents are major ones."""

from __future__ import annotations

from pydantic import Field

from correlation.major_rules import MajorRule
from domain.matching import Matcher
from notation import Label, MatchConfig, RuleConfig


class MajorConfig(RuleConfig):
    """A rule that raises an incident to a major one, once; only a person demotes it."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Labels or fields that the incident must have, each with its value or a list of values, "
        "or matchers like Alertmanager's; `priority: P1`, for example. Empty: any.",
    )
    alerts: int = Field(1, ge=1, description="Distinct alerts that it must have at least.")
    services: int = Field(0, ge=0, description="Services that it must hit at least.")
    destinations: list[Label] = Field(
        default_factory=list, description="Where it gets tickets, beside those that its route gives."
    )
    team: str = Field("", description="Team that takes it over. Empty: the one that has it.")
    assignee: str = Field("", description="Who leads it, while nobody else was named.")

    def compile(self) -> MajorRule:
        """Make the rule that the core works with."""
        return MajorRule(
            self.id,
            Matcher.of(self.match),
            self.alerts,
            self.services,
            tuple(self.destinations),
            self.team,
            self.assignee,
        )
