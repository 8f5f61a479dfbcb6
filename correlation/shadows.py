"""Rules in shadow: tried beside those that decide, and nothing is changed. Pure.

Another kind of rule joins with a function here that says what it would do, and a line in ``try_all``.
"""

from __future__ import annotations

from collections.abc import Iterator

from correlation.enrichment import enrichments
from correlation.grouping import Group, group_of
from correlation.items import AlertItem
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.shadow_log import Would, note
from correlation.shadow_rules import ShadowRules
from correlation.state import incident_record
from domain.alert import Alert
from domain.batch import Batch
from domain.incident import Incident


def try_all(
    batch: Batch, item: AlertItem, incident: Incident, router: Router, rules: CorrelationRules
) -> None:
    """Write down what rules in shadow would have done with an alert that was placed in *incident*."""
    shadows = rules.shadows
    would = [
        *would_group(item.alert, item.key, item.group(rules), shadows),
        *would_enrich(item.alert, shadows),
    ]
    judged = batch.get(incident_record(incident.id), Incident)
    if shadows.routes and judged is not None and incident.revision == 0:
        would += would_route(judged, router)
    for each in would:
        note(batch, each, item.at, item.key, incident.id)


def would_group(alert: Alert, key: str, group: Group, rules: ShadowRules) -> Iterator[Would]:
    """Say how a rule in shadow would group the alert, which is in *group*."""
    if rules.grouping is not None:
        other = group_of(alert, key, rules.grouping)
        if other.rule.id in rules.groups:
            yield Would("groups", other.rule.id, f"would group it as {other.key}, not as {group.key}")


def would_enrich(alert: Alert, rules: ShadowRules) -> Iterator[Would]:
    """Say what rules in shadow would add to the alert, after those that are active."""
    for each in enrichments(alert, rules.enrich):
        if each.added:
            labels = ", ".join(f"{name}={value}" for name, value in sorted(each.added.items()))
            yield Would("enrich", each.rule, f"would add {labels}")


def would_route(incident: Incident, router: Router) -> Iterator[Would]:
    """Say where routes in shadow would send the incident."""
    for route, says in router.would_route(incident):
        yield Would("routes", route, says)
