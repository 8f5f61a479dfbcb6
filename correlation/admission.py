"""What keeps a firing alert from opening or joining an incident for now. Pure.

Each gate may hold it back until a moment, with its verdict and its reason. Then the alert is looked at again, and if
nothing holds it back any more and it still fires, it is placed like any other. So nothing that is held is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from correlation import inhibition, thresholds
from correlation.decisions import Case, Stay, Verdict
from correlation.grouping import Group
from correlation.rules import CorrelationRules
from correlation.schedules import window_at
from correlation.silences import SILENCES, Silences, silence_list, silenced_by
from correlation.state import occurrences_record
from correlation.waiting import enlist, waiting_record
from correlation.windows import WINDOWS, Windows, window_list
from domain.alert import Alert, AlertRecord, Phase
from domain.batch import Batch
from domain.durations import lasting
from domain.fields import AlertFields
from domain.suppression import PlannedWindow
from domain.times import Millis, to_text

Known = Mapping[str, msgspec.Struct | None]
HELD_BY = ("hold", "silence", "maintenance", "inhibition", "threshold")
"""The kinds of what may hold an alert back."""
LOOK_AGAIN: Millis = 600_000
"""How long one that is suppressed is at most not looked at: rules may have changed, or a list been full."""


class Newcomer(NamedTuple):
    """An alert that may begin to fire."""

    alert: Alert
    key: str
    group: Group


def _nothing(new: Newcomer, rules: CorrelationRules, known: Known) -> Iterable[str]:  # noqa: ARG001 - a gate's signature
    return ()


class Gate(NamedTuple):
    """One reason to hold alerts back."""

    stay: Callable[[Batch, Case, CorrelationRules], Stay | None]
    """Says what holds the alert back; None if this gate does not."""
    wanted: Callable[[Newcomer, CorrelationRules, Known], Iterable[str]] = _nothing
    """Names the records that it reads, of which some name others."""


def held_back(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:
    """Say what holds the alert back: the first gate that does."""
    if case.record is not None and case.record.fires and not _fires_anew(case, case.record):
        return None
    for gate in GATES:
        stay = gate.stay(batch, case, rules)
        if stay is not None:
            return stay
    return None


def wanted(new: Newcomer, rules: CorrelationRules, known: Known) -> set[str]:
    """Name the records that the gates read, as far as can be told from those that are known."""
    return {name for names in _NAMERS for name in names(new, rules, known)}


def keep(batch: Batch, stay: Stay, key: str) -> None:
    """Put an alert that is held back on the list of those that wait for the same."""
    if stay.list:
        enlist(batch, stay.list, key, stay.until, stay.parts)


def _fires_anew(case: Case, record: AlertRecord) -> bool:
    """Tell whether one that fires already would open its incident again, which somebody resolved."""
    is_over = case.own is not None and not case.own.is_open and record.phase is Phase.FIRING
    return is_over and case.alert.starts_at > record.alert.starts_at


def _too_young(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:  # noqa: ARG001 - a gate's signature
    """Hold back what may be over soon. An incident that is open already takes it at once."""
    hold = case.group.rule.hold
    if not hold or any(each is not None and each.is_open for each in (case.own, case.latest)):
        return None
    record = case.record
    since = record.changed_at if record is not None and record.phase is Phase.WAITING else case.now
    if case.now - since >= hold:
        return None
    return Stay(
        Verdict.HELD, f"has to fire for {lasting(hold)} first", since + hold, "hold", case.group.rule.id
    )


def _silenced(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:  # noqa: ARG001 - a gate's signature
    """Hold back what somebody wants to be quiet."""
    silences = batch.get(SILENCES, Silences)
    silence = silences.over(AlertFields(case.alert), case.now) if silences else None
    if silence is None:
        return None
    ends_at, name = silence.ends_at, silence.id
    look_at = min(ends_at, case.now + LOOK_AGAIN)
    return Stay(
        Verdict.SUPPRESSED, silenced_by(silence), look_at, "silence", name, silence_list(name), ends_at
    )


def _wanted_by_silences(new: Newcomer, rules: CorrelationRules, known: Known) -> Iterator[str]:  # noqa: ARG001 - a gate's signature
    silences = known.get(SILENCES)
    if isinstance(silences, Silences):
        for silence in silences.index.applying(AlertFields(new.alert)):
            yield waiting_record(silence_list(silence.id), new.key)


def _in_planned_window(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:
    """Hold back what a calendar or a change says is worked on."""
    windows = batch.get(WINDOWS, Windows)
    window = windows.over(AlertFields(case.alert), case.now) if windows else None
    if window is None or not _is_meant(window, rules):
        return None
    why = f": {window.reason}" if window.reason else ""
    reason = f"in maintenance until {to_text(window.ends_at)} by {window.origin}{why}"
    look_at = min(window.ends_at, case.now + LOOK_AGAIN)
    name = window_list(window.id)
    return Stay(Verdict.SUPPRESSED, reason, look_at, "maintenance", window.id, name, window.ends_at)


def _is_meant(window: PlannedWindow, rules: CorrelationRules) -> bool:
    """Tell whether the rule of its calendar is still there; who plans changes needs none."""
    kind, _, rule = window.origin.partition(":")
    return kind != "calendar" or rule in rules.calendars


def _wanted_by_windows(new: Newcomer, rules: CorrelationRules, known: Known) -> Iterator[str]:  # noqa: ARG001 - a gate's signature
    windows = known.get(WINDOWS)
    if isinstance(windows, Windows):
        for window in windows.index.applying(AlertFields(new.alert)):
            yield waiting_record(window_list(window.id), new.key)


def _in_maintenance(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:  # noqa: ARG001 - a gate's signature
    """Hold back what a rule says is worked on. The window's end is known, so no list is needed."""
    if not rules.maintenance:
        return None
    longest: Stay | None = None
    for rule in rules.maintenance_index.applying(AlertFields(case.alert)):
        window = window_at(rule.schedule, case.now)
        if window is not None and (longest is None or window[1] > longest.look_at):
            why = f": {rule.reason}" if rule.reason else ""
            reason = f"in maintenance {rule.id} until {to_text(window[1])}{why}"
            longest = Stay(Verdict.SUPPRESSED, reason, window[1], "maintenance", rule.id)
    return longest and replace(longest, look_at=min(longest.look_at, case.now + LOOK_AGAIN))


def _inhibited(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:
    return inhibition.inhibited(batch, case, rules, LOOK_AGAIN)


def _wanted_by_inhibition(new: Newcomer, rules: CorrelationRules, known: Known) -> Iterator[str]:  # noqa: ARG001 - a gate's signature
    return inhibition.wanted(new.alert, new.key, rules)


def _too_few(batch: Batch, case: Case, rules: CorrelationRules) -> Stay | None:  # noqa: ARG001 - a gate's signature
    return thresholds.too_few(batch, case, LOOK_AGAIN)


def _wanted_by_threshold(new: Newcomer, rules: CorrelationRules, known: Known) -> Iterator[str]:  # noqa: ARG001 - a gate's signature
    if new.group.rule.threshold is not None:
        yield occurrences_record(new.group.key)
        yield waiting_record(thresholds.threshold_list(new.group.key), new.key, parts=1)


GATES = (
    Gate(_silenced, _wanted_by_silences),
    Gate(_in_planned_window, _wanted_by_windows),
    Gate(_in_maintenance),
    Gate(_inhibited, _wanted_by_inhibition),
    Gate(_too_few, _wanted_by_threshold),
    Gate(_too_young),
)
_NAMERS = [gate.wanted for gate in GATES if gate.wanted is not _nothing]
