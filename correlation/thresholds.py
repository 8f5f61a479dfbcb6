"""Thresholds: what has to happen several times, or in several places, before it is worth an incident. Pure."""

from __future__ import annotations

from correlation.decisions import Case, Decision, Stay, Verdict
from correlation.state import occurrences_record
from correlation.threshold_rules import Occurrences, Threshold
from correlation.waiting import ring
from domain.alert import AlertState
from domain.batch import Batch
from domain.fields import AlertFields
from domain.ports import Timer
from domain.times import Millis

THRESHOLD = "threshold"
WAIT_AT_MOST: Millis = 86_400_000
"""When a list of those that wait is rung at the latest."""


def threshold_list(group: str) -> str:
    """Name the list of a group's alerts that wait for more of the same."""
    return f"threshold:{group}"


def too_few(batch: Batch, case: Case, look_again: Millis) -> Stay | None:
    """Hold back what has not happened often enough. An incident that is open already takes it at once."""
    rule = case.group.rule
    if rule.threshold is None or case.alert.state is AlertState.HEARTBEAT:
        return None
    if any(each is not None and each.is_open for each in (case.own, case.latest)):
        return None
    if case.told and rule.threshold.is_reached(_counted(batch, case, rule.threshold)):
        return None
    name = threshold_list(case.group.key)
    until = case.now + WAIT_AT_MOST
    look_at = case.now + look_again
    return Stay(Verdict.HELD, rule.threshold.words, look_at, THRESHOLD, rule.id, name, until, parts=1)


def note(batch: Batch, case: Case, decision: Decision) -> None:
    """Count what was told; if that was enough, begin anew and have the others join what it opened."""
    threshold = case.group.rule.threshold
    if threshold is None:
        return
    name = occurrences_record(case.group.key)
    if decision.stay is not None and decision.stay.kind == THRESHOLD:
        counted = _counted(batch, case, threshold)
        batch.put(name, counted)
        batch.arm(name, counted.last + threshold.within)
    elif decision.verdict in (Verdict.OPENED, Verdict.REOPENED):
        batch.put(name, None)
        batch.arm(name, None)
        ring(batch, threshold_list(case.group.key), case.now, parts=1)


def on_timer(batch: Batch, timer: Timer) -> None:
    """Forget what was counted: it is too long ago."""
    batch.put(timer.id, None)


def _counted(batch: Batch, case: Case, threshold: Threshold) -> Occurrences:
    known = batch.get(occurrences_record(case.group.key), Occurrences) or Occurrences()
    place = AlertFields(case.alert).get(threshold.distinct) if threshold.distinct else ""
    return threshold.plus(known, case.now, place)
