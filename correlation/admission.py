"""What keeps a firing alert from opening or joining an incident for now. Pure.

Each gate may hold it back until a moment, with its verdict and its reason. Then the alert is looked at again, and if
nothing holds it back any more and it still fires, it is placed like any other. So nothing that is held is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from correlation.decisions import Case, Stay, Verdict
from correlation.grouping import Group
from correlation.rules import CorrelationRules
from domain.alert import Alert, Phase
from domain.batch import Batch
from domain.durations import lasting


def _nothing(alert: Alert, group: Group, rules: CorrelationRules) -> Iterable[str]:  # noqa: ARG001 - a gate's signature
    return ()


class Gate(NamedTuple):
    """One reason to hold alerts back."""

    stay: Callable[[Batch, Case, CorrelationRules], Stay | None]
    """Says what holds the alert back; None if this gate does not."""
    wanted: Callable[[Alert, Group, CorrelationRules], Iterable[str]] = _nothing
    """Names the records that it reads."""


def held_back(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:
    """Say what holds the alert back: the first gate that does."""
    if case.record is not None and case.record.phase is Phase.FIRING:
        return None
    for gate in GATES:
        stay = gate.stay(batch, case, rules)
        if stay is not None:
            return stay
    return None


def wanted(alert: Alert, group: Group, rules: CorrelationRules) -> Iterator[str]:
    """Name the records that the gates read."""
    for gate in GATES:
        yield from gate.wanted(alert, group, rules)


def _too_young(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:  # noqa: ARG001 - a gate's signature
    """Hold back what may be over soon. An incident that is open already takes it at once."""
    hold = case.group.rule.hold
    if not hold or any(each is not None and each.is_open for each in (case.own, case.latest)):
        return None
    record = case.record
    since = record.changed_at if record is not None and record.phase is Phase.WAITING else case.now
    if case.now - since >= hold:
        return None
    return Stay(Verdict.HELD, f"has to fire for {lasting(hold)} first", since + hold)


GATES = (Gate(_too_young),)
