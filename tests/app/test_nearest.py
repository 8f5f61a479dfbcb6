"""Why not: explain tells of the nearest rules only, by every matcher that missed."""

from __future__ import annotations

from app.explain.nearest import nearest
from correlation.rules import GroupRule
from domain.matching import Match, Matcher

FIELDS = {"service": "cart", "site": "fra", "severity": "high"}


def rule(name: str, match: Match) -> GroupRule:
    return GroupRule(name, (), match=Matcher.of(match))


def told(rules: list[GroupRule], taken: GroupRule | None = None) -> list[str]:
    return [f"{step.name}: {step.says} -- {step.why}" for step in nearest(rules, taken, FIELDS)]


def test_every_matcher_that_missed_is_told():
    (said,) = told([rule("a", {"service": "shop", "site": "fra", "severity": ["low", "info"]})])

    assert (
        said
        == "rule a: does not apply -- service is 'cart', not 'shop'; severity is 'high', not 'info' or 'low'"
    )


def test_taken_rule_is_left_out_and_one_after_it_may_apply_too():
    taken, later = rule("taken", {"service": "cart"}), rule("later", {})

    assert told([taken, later], taken) == ["rule later: applies too -- one before it is taken"]


def test_nearest_are_told_in_their_order_and_the_others_counted():
    far = [rule(f"far-{n}", {"service": "x", "site": "y"}) for n in range(1_000)]
    near = [rule("near", {"service": "cart", "site": "fra", "severity": "low"}), rule("one", {"site": "ams"})]

    said = [line.split(" -- ")[0] for line in told([*far[:500], *near, *far[500:]])]

    assert said == [
        "rule far-0: does not apply",
        "rule far-1: does not apply",
        "rule far-2: does not apply",
        "rule near: does not apply",
        "rule one: does not apply",
        "others: 997 rules more",
    ]
