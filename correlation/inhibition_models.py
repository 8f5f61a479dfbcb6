"""The ``inhibit`` part of the YAML: what is not told while something worse fires."""

from __future__ import annotations

from pydantic import Field

from correlation.inhibition_rules import InhibitRule
from domain.matching import Matcher
from notation import Label, MatchConfig, RuleConfig


class InhibitConfig(RuleConfig):
    """While an alert fires that fits `source`, alerts that fit `target` and have equal labels are suppressed."""

    source: MatchConfig = Field(
        description="Labels or fields of the alerts that inhibit, as in `correlation.groups`."
    )
    target: MatchConfig = Field(description="Labels or fields of the alerts that are suppressed meanwhile.")
    equal: list[Label] = Field(
        default_factory=list,
        description="Labels or fields that must have the same value on both sides. Missing on both is the same, too.",
    )

    def compile(self) -> InhibitRule:
        """Make the rule that the core works with."""
        return InhibitRule(self.id, Matcher.of(self.source), Matcher.of(self.target), tuple(self.equal))
