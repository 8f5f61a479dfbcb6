"""Explains whether an incident that an alert opens counts for a problem. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from app.explain.nearest import nearest
from app.explain.steps import Step
from correlation.problem_rules import ProblemRule, signature_of
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
    rule = rules.problems.index.first(fields)
    says, why = ("not counted", "no rule applies") if rule is None else _counted(rule, fields)
    yield Step("problem", says, why, nearest(rules.problems.rules, rule, fields))


def _counted(rule: ProblemRule, fields: AlertFields) -> tuple[str, str]:
    labels = signature_of(rule, fields)
    if labels is None:
        lacks = " and no ".join(name for name in rule.signature if not fields.get(name, ""))
        return "not counted", f"rule {rule.id} applies, but the alert has no {lacks}"
    why = f"rule {rule.id}: {rule.occurrences} incidents like it within {lasting(rule.within)} make a problem"
    return signature_text(labels) or "any", why
