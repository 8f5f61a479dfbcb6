"""Alerts that are decided on again because it is time, not because a tool said anything. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from correlation import flapping, inhibition, timers
from correlation.admission import LOOK_AGAIN
from correlation.decisions import Case, Decision, reconsider, silence, withdrawn
from correlation.homes import at_home
from correlation.items import AlertItem
from correlation.rules import CorrelationRules
from domain.alert import AlertRecord, Phase
from domain.batch import Batch
from domain.ports import Timer


class SecondLook(NamedTuple):
    """What became of an alert: it was accounted for before, so no outcome is counted."""

    item: AlertItem
    record: AlertRecord
    decision: Decision


def second_look(
    batch: Batch, timer: Timer, case_of: Callable[[AlertItem, AlertRecord], Case], rules: CorrelationRules
) -> SecondLook | None:
    """Decide again on an alert whose timer is due; None if there is nothing to decide."""
    record = batch.get(timer.id, AlertRecord)
    if record is None:
        return None
    record = at_home(batch, record)
    item = AlertItem(timer.due, record.key, record.alert, record.alert)
    if timers.is_silent(batch, timer, rules):
        batch.count("heartbeats_missed")
        return SecondLook(item, record, silence(case_of(item, record), rules))
    if timers.is_to_be_reconsidered(batch, timer, rules):
        batch.count("reconsidered")
        return SecondLook(item, record, reconsider(case_of(item, record), rules))
    if timers.has_calmed_down(batch, timer, rules):
        return SecondLook(item, record, flapping.stabilised(case_of(item, record), rules))
    if rules.inhibit and record.phase is Phase.FIRING:
        case = case_of(item, record)
        stay = inhibition.inhibited(batch, case, rules, LOOK_AGAIN)
        return SecondLook(item, record, withdrawn(case, stay)) if stay is not None else None
    return None
