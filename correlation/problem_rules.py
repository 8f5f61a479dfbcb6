"""When incidents make a problem: rules compiled to plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.matching import Fields, Matcher
from domain.rule_index import RuleIndex
from domain.times import Millis

DAY: Millis = 86_400_000


@dataclass(frozen=True, slots=True)
class ProblemRule:
    """Incidents with equal values of the ``signature`` labels that recur have a cause in common."""

    id: str
    signature: tuple[str, ...]
    """Labels or fields of the alert that opens an incident."""
    occurrences: int = 3
    within: Millis = 7 * DAY
    match: Matcher = field(default_factory=Matcher)
    destinations: tuple[str, ...] = ()
    """Empty: those of its incidents."""
    recurs_within: Millis = 14 * DAY
    """A resolved problem that does not recur for this long is closed."""
    after_major: bool = False
    """Whether one major incident is enough, once it is over."""


@dataclass(frozen=True, slots=True)
class ProblemRules:
    """The rules in their order; the first that applies to an incident counts it."""

    rules: tuple[ProblemRule, ...] = ()
    index: RuleIndex[ProblemRule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", RuleIndex([(rule.match, rule) for rule in self.rules]))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.rules)


def signature_of(rule: ProblemRule, fields: Fields) -> dict[str, str] | None:
    """Read what makes incidents the same; None where a label is missing, as that would join strangers."""
    found = {name: fields.get(name, "") for name in rule.signature}
    return found if all(found.values()) else None
