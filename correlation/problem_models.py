"""The ``problems`` and ``known_errors`` parts of the YAML."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from correlation.known_error_rules import KnownErrorRules
from correlation.problem_rules import ProblemRule, ProblemRules
from domain.known_error import KnownError
from domain.matching import Matcher
from notation import Duration, Label, MatchConfig, RuleConfig, lasting

MATCH = (
    "Labels or fields, each with its value or a list of values; or matchers like Alertmanager's: "
    'service=~"pay.*", or a list of them. Empty: '
)


class ProblemConfig(RuleConfig):
    """A rule that makes a problem of incidents that recur."""

    match: MatchConfig = Field(
        default_factory=dict,
        description=f"{MATCH}the rule counts every incident. What counts is the alert that opened it; "
        "the first rule that matches is taken.",
    )
    signature: list[Label] = Field(
        default_factory=lambda: ["service", "alertname"],
        description="Labels or fields whose values make incidents the same. One that lacks a label is not counted. "
        "An empty list takes all incidents of the rule for the same.",
    )
    occurrences: int = Field(
        3, ge=2, le=1_000, description="So many incidents of one signature make a problem."
    )
    within: Duration = lasting("7d", "In what time they have to come.", gt=0)
    recurs_within: Duration = lasting(
        "14d",
        "A problem that is resolved is closed once it has not recurred for this long. "
        "One that recurs before is open again.",
    )
    after_major: bool = Field(
        False, description="Whether a single major incident makes a problem, too, once it is over."
    )
    destinations: list[Label] = Field(
        default_factory=list,
        description="Where the problem gets tickets. Empty: where its incidents have them.",
    )

    def compile(self) -> ProblemRule:
        """Make the rule that the core works with."""
        return ProblemRule(
            id=self.id,
            signature=tuple(self.signature),
            occurrences=self.occurrences,
            within=self.within,
            match=Matcher.of(self.match),
            destinations=tuple(self.destinations),
            recurs_within=self.recurs_within,
            after_major=self.after_major,
        )


class KnownErrorConfig(RuleConfig):
    """A workaround, and the incidents it is for."""

    match: MatchConfig = Field(
        description="What an incident must be like: labels that all its alerts share, or its service, severity, "
        "priority or team, each with its value or a list of values; or matchers like Alertmanager's.",
    )
    workaround: Label = Field(description="What to do while the cause is still there.")
    url: str = Field("", description="Where more is written.")
    problem: str = Field("", description="Id of the problem that it is about, where there is one.")
    helps_within: Duration = lasting(
        "4h", "An incident that is over this soon after the workaround was shown was helped by it."
    )

    def compile(self) -> tuple[Matcher, KnownError]:
        """Make what the core works with."""
        known = KnownError(
            self.id, (), self.workaround, self.url, self.problem, self.helps_within, author=self.owner
        )
        return Matcher.of(self.match), known


def compile_known_errors(known_errors: Sequence[KnownErrorConfig]) -> KnownErrorRules:
    """Make what the core works with."""
    return KnownErrorRules(tuple(each.compile() for each in known_errors))


def compile_problems(problems: Sequence[ProblemConfig]) -> ProblemRules:
    """Make the rules that the core works with."""
    return ProblemRules(tuple(each.compile() for each in problems))
