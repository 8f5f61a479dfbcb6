"""Finds among many rules those that may apply, without trying each: by the values they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from typing import Generic, TypeVar

from domain.matching import Condition, Fields, Matcher

T = TypeVar("T")
SMALL = 8
"""Of so few rules each is tried: that is faster than to look any up."""


class RuleIndex(Generic[T]):
    """Rules in their order. One that asks for values of a field is only looked at where the field has one of them.

    A thousand rules that each ask for another service cost about as much as ten.
    """

    def __init__(self, rules: Sequence[tuple[Matcher, T]]) -> None:
        self._rules = tuple(rules)
        self._anywhere: list[int] = []
        self._by_value: dict[str, dict[str, list[int]]] = {}
        for place, (matcher, _) in enumerate(self._rules):
            self._file(place, matcher)

    def _file(self, place: int, matcher: Matcher) -> None:
        equals = [each for each in matcher.conditions if each.pattern is None and not each.negated]
        if not equals or len(self._rules) <= SMALL:
            self._anywhere.append(place)
            return
        narrowest: Condition = min(equals, key=lambda each: len(each.allowed))
        for value in narrowest.allowed:
            self._by_value.setdefault(narrowest.name, {}).setdefault(value, []).append(place)

    def applying(self, values: Fields | Mapping[str, str]) -> Iterator[T]:
        """Yield the rules that match, in their order."""
        rules = self._rules
        for place in self._candidates(values):
            matcher, rule = rules[place]
            if matcher.matches(values):
                yield rule

    def first(self, values: Fields | Mapping[str, str]) -> T | None:
        """Return the first rule that matches."""
        return next(self.applying(values), None)

    def _candidates(self, values: Fields | Mapping[str, str]) -> Iterator[int] | list[int]:
        if not self._by_value:
            return self._anywhere
        hits = [places.get(values.get(name, "")) for name, places in self._by_value.items()]
        return merge(self._anywhere, *(places for places in hits if places))
