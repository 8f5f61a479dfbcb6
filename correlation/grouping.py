"""Which alerts belong together: the first rule that matches, and the values of the labels it groups by."""

from __future__ import annotations

import msgspec

from correlation.rules import CorrelationRules, GroupRule
from domain.alert import Alert
from domain.fields import AlertFields

UNGROUPED = GroupRule("ungrouped", ())
"""For alerts that no rule matches: each is an incident of its own."""


class Group(msgspec.Struct, frozen=True, gc=False):
    """Where an alert belongs."""

    rule: GroupRule
    values: str
    """``label=value`` of each label grouped by; or the alert's own key when it stands alone."""
    key: str
    """Name that is unique among all groups."""
    missing: tuple[str, ...] = ()
    """Labels that the rule wants and the alert has not: it stands alone rather than among strangers."""


def group_of(alert: Alert, key: str, rules: CorrelationRules) -> Group:
    """Find the group of the alert called *key*."""
    fields = AlertFields(alert)
    rule = rules.group_index.first(fields) or UNGROUPED
    found = [fields.get(name) for name in rule.by]
    if rule is UNGROUPED or "" in found:
        missing = tuple(name for name, value in zip(rule.by, found, strict=True) if not value)
        return Group(rule, f"alert={key}", group_key(rule.id, f"alert={key}"), missing)
    values = ",".join([f"{name}={_quoted(value)}" for name, value in zip(rule.by, found, strict=True)])
    return Group(rule, values, group_key(rule.id, values))


def group_key(rule: str, values: str) -> str:
    """Name a group.

    >>> group_key("by-service", "service=cart")
    'by-service|service=cart'
    """
    return f"{rule}|{values}"


def _quoted(value: str) -> str:
    """Keep values apart: no two different groups may read the same."""
    if "=" in value or "," in value or "\\" in value:
        return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
    return value
