"""When a change is suspected: rules compiled to plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.times import Millis

HOUR: Millis = 3_600_000
HOPS = 3
"""How far away in the catalogue a service may be that another depends on."""


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """What changes mean for incidents."""

    suspect_within: Millis = HOUR
    """An incident this soon after a change may come of it."""
    maintenance: bool = True
    """Whether a planned change keeps alerts of what it changes quiet until its end."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Service → those it depends on, also through others."""


def closure(depends_on: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """List for each service all that it depends on, up to ``HOPS`` away.

    >>> sorted(closure({"a": ["b"], "b": ["c"], "c": ["a"]})["a"])
    ['b', 'c']
    """
    found = {}
    for name in depends_on:
        reached, edge = {name}, {name}
        for _ in range(HOPS):
            edge = {each for one in edge for each in depends_on.get(one, ())} - reached
            reached |= edge
        found[name] = frozenset(reached - {name})
    return found
