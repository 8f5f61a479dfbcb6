"""A thousand rules cost little more than ten: counted, so that no machine is too slow or too busy to tell."""

from __future__ import annotations

import pytest

from benchmarks.rules import Counting, cost, fields, groups, route_to, routes
from domain.rule_index import RuleIndex

DECISIONS = 50


def looked_at_by_groups(count: int) -> float:
    index: RuleIndex[object] = groups(count).group_index  # type: ignore[assignment]
    return _mean(count, index.first)


def looked_at_by_routes(count: int) -> float:
    return _mean(count, route_to(routes(count)))


def _mean(count: int, decide) -> float:
    asked = 0
    for number in range(DECISIONS):
        counting = Counting(fields(number, count))
        decide(counting)
        asked += counting.asked
    return asked / DECISIONS


@pytest.mark.parametrize("looked_at", [looked_at_by_groups, looked_at_by_routes])
def test_decision_looks_at_as_few_fields_however_many_rules_there_are(looked_at):
    ten = looked_at(10)

    assert looked_at(1) <= ten <= 6
    assert looked_at(100) <= ten + 2
    assert looked_at(1_000) <= ten + 2
    assert looked_at(10_000) <= ten + 2


def test_each_pattern_is_tried_and_nothing_else():
    found = Counting(fields(3, 1_000))
    list(groups(1_000, patterns=True).group_index.applying(found))

    assert found.asked <= 1_000 / 100 + 6


def test_cost_is_measured():
    found = cost(10, patterns=True)

    assert found.groups > 0
    assert found.routes > 0
