"""Explains whether an incident that an alert opens counts for a problem. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from app.explain.steps import Step
from correlation.problem_rules import signature_of
from correlation.problems import signature_text
from correlation.rules import CorrelationRules
from domain.alert import Alert
from domain.durations import lasting
from domain.fields import AlertFields


def problem_steps(alert: Alert, rules: CorrelationRules) -> Iterator[Step]:
    """Tell which rule would count it, and as what; nothing where there are no rules."""
    if not rules.problems:
        return
    fields = AlertFields(alert)
    missed: list[Step] = []
    for rule in rules.problems.rules:
        miss = rule.match.miss(fields)
        if miss is not None:
            missed.append(Step(f"rule {rule.id}", "does not apply", miss))
            continue
        labels = signature_of(rule, fields)
        if labels is None:
            lacks = " and no ".join(name for name in rule.signature if not fields.get(name, ""))
            yield Step(
                "problem",
                "not counted",
                f"rule {rule.id} applies, but the alert has no {lacks}",
                tuple(missed),
            )
        else:
            why = f"rule {rule.id}: {rule.occurrences} incidents like it within {lasting(rule.within)} make a problem"
            yield Step("problem", signature_text(labels) or "any", why, tuple(missed))
        return
    yield Step("problem", "not counted", "no rule applies", tuple(missed))
