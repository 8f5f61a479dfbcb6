"""Which alerts belong together: the first rule that matches, and the values of the labels it groups by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from correlation.rules import CorrelationRules, GroupRule
from domain.alert import Alert
from domain.fields import alert_fields

UNGROUPED = GroupRule("ungrouped", ())
"""For alerts that no rule matches: each is an incident of its own."""


@dataclass(frozen=True, slots=True)
class Group:
    """Where an alert belongs."""

    rule: GroupRule
    values: str
    """``label=value`` of each label grouped by; or the alert's own key when it stands alone."""
    missing: tuple[str, ...] = ()
    """Labels that the rule wants and the alert has not: it stands alone rather than among strangers."""

    @property
    def key(self) -> str:
        """Name that is unique among all groups."""
        return f"{self.rule.id}|{self.values}"


def group_of(alert: Alert, key: str, rules: CorrelationRules) -> Group:
    """Find the group of the alert called *key*."""
    fields = alert_fields(alert)
    rule = next((rule for rule in rules.groups if rule.match.matches(fields)), UNGROUPED)
    missing = tuple(name for name in rule.by if not fields.get(name))
    if missing or rule is UNGROUPED:
        return Group(rule, f"alert={key}", missing)
    return Group(rule, _values(rule, fields))


def _values(rule: GroupRule, fields: Mapping[str, str]) -> str:
    return ",".join(f"{name}={_quoted(fields[name])}" for name in rule.by)


def _quoted(value: str) -> str:
    """Keep values apart: no two different groups may read the same."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
