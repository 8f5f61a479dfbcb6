"""The defaults with something left out or put in their place: what each part adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from correlation.rules import CorrelationRules, GroupRule
from correlation.strategies import MINUTE, ByLabels, ByText, ByTopology, Strategy
from domain.topology import Topology


def _by_service(rules: CorrelationRules) -> CorrelationRules:
    return replace(rules, groups=CorrelationRules().groups)


def _only(*strategies: Strategy) -> Callable[[CorrelationRules], CorrelationRules]:
    rule = GroupRule("only", (), 2 * MINUTE, strategies=strategies)
    return lambda rules: replace(rules, groups=(rule,))


def _graphless(rules: CorrelationRules) -> CorrelationRules:
    return replace(rules, topology=Topology())


VARIANTS: Mapping[str, Callable[[CorrelationRules], CorrelationRules]] = {
    "labels: by service": _by_service,
    "time: 2 min in one resource": _only(ByLabels(("resource",), 2 * MINUTE, "time")),
    "text: summary 85 % the same, 10 min": _only(ByText((("summary", 85.0),), 10 * MINUTE)),
    "topology, peers not looked at": _only(ByTopology(peers=())),
    "topology, 2 hops": _only(ByTopology(hops=2)),
    "topology, no graph": _graphless,
}
