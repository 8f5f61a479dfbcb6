"""What could keep an alert back: rules about maintenance and inhibition, thresholds and hold times. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from app.explain.steps import Step
from correlation.grouping import Group
from correlation.inhibition import sources_in, targets_in
from correlation.rules import CorrelationRules
from correlation.schedules import window_at
from domain.alert import Alert
from domain.durations import lasting
from domain.fields import AlertFields
from domain.times import Millis, to_text


def gate_steps(alert: Alert, group: Group, rules: CorrelationRules, at: Millis) -> Iterator[Step]:
    """Tell of the gates that the configuration has for an alert; silences and calendars are not known here."""
    steps = (*_maintenance(alert, rules, at), *_inhibition(alert, rules), *_waits(group))
    if steps:
        yield Step("gates", f"{len(steps)} that may hold it back", steps=steps)


def _maintenance(alert: Alert, rules: CorrelationRules, at: Millis) -> Iterator[Step]:
    for rule in rules.maintenance_index.applying(AlertFields(alert)):
        window = window_at(rule.schedule, at)
        said = f"until {to_text(window[1])}" if window else "not now"
        yield Step(f"maintenance {rule.id}", said, rule.reason)


def _inhibition(alert: Alert, rules: CorrelationRules) -> Iterator[Step]:
    for role in sources_in(alert, rules):
        yield Step(f"inhibit {role.rule.id}", "source", f"inhibits what shares {role.place}")
    for role in targets_in(alert, rules):
        yield Step(
            f"inhibit {role.rule.id}", "target", f"waits while a source fires that shares {role.place}"
        )


def _waits(group: Group) -> Iterator[Step]:
    rule = group.rule
    if rule.threshold is not None:
        yield Step("threshold", rule.threshold.words, f"by rule {rule.id}, until its incident is open")
    if rule.hold:
        yield Step("hold", lasting(rule.hold), f"by rule {rule.id}, until its incident is open")
