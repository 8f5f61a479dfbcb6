"""Why not: the rules that were not taken, the nearest first to be told, and by which matcher each missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import Protocol

from app.explain.steps import Step
from domain.matching import Fields, Matcher

TOLD_AT_MOST = 5
"""Rules that are told of, however many there are: thousands of misses explain nothing."""


class Rule(Protocol):
    """Whatever has a name and a matcher."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def match(self) -> Matcher:
        """What it is for."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Miss:
    """A rule that was not taken; the smallest is the nearest."""

    missed: int
    """Conditions that did not hold."""
    held: int
    """Conditions that did, negative: of two that miss by as much, the one that asks for more is nearer."""
    place: int
    """Where it stands among the rules."""
    rule: str
    why: str

    @property
    def step(self) -> Step:
        """Tell of it."""
        if not self.missed:
            return Step(f"rule {self.rule}", "applies too", "one before it is taken")
        return Step(f"rule {self.rule}", "does not apply", self.why)


def nearest(
    rules: Iterable[Rule], taken: Rule | None, fields: Fields | Mapping[str, str], most: int = TOLD_AT_MOST
) -> tuple[Step, ...]:
    """Tell of the nearest rules beside the one that was *taken*, in their order, and how many more there are."""
    misses = list(_misses(rules, taken, fields))
    near = sorted(nsmallest(most, misses), key=lambda each: each.place)
    return (*(each.step for each in near), *more(len(misses) - len(near)))


def more(left: int) -> Iterator[Step]:
    """Tell how many rules there are that are not told of."""
    if left:
        yield Step("others", "1 rule more" if left == 1 else f"{left} rules more", "no nearer")


def _misses(rules: Iterable[Rule], taken: Rule | None, fields: Fields | Mapping[str, str]) -> Iterator[Miss]:
    for place, rule in enumerate(rules):
        if rule is taken:
            continue
        reasons = rule.match.misses(fields)
        held = len(rule.match.conditions) - len(reasons)
        yield Miss(len(reasons), -held, place, rule.id, "; ".join(reasons))
