"""Rules that are only tried, compiled to plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from correlation.enrichment import EnrichRule

if TYPE_CHECKING:
    from correlation.rules import CorrelationRules


@dataclass(frozen=True, slots=True)
class ShadowRules:
    """What is evaluated beside the rules that decide."""

    grouping: CorrelationRules | None = None
    """How alerts would be grouped if those in shadow were active in their places; None if none of groups is."""
    groups: frozenset[str] = frozenset()
    """Ids of those in shadow."""
    enrich: tuple[EnrichRule, ...] = ()
    routes: bool = False
    """Whether there are any among the routes; the router knows them."""

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.groups or self.enrich or self.routes)
