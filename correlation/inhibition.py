"""Inhibition: what follows from something worse that fires is suppressed meanwhile. Pure.

In whatever order alerts come, the end is the same: a target counts if it fires and no source of it does. Every alert
that fires is a source, also one that is silenced or inhibited itself, as in Alertmanager; and one that fits both sides
of a rule is not inhibited by such a one, itself included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from correlation.decisions import Case, Stay, Verdict
from correlation.inhibition_rules import InhibitRule, Sources
from correlation.rules import CorrelationRules
from correlation.state import alert_record, sources_record
from correlation.waiting import enlist, ring, waiting_record
from domain.alert import Alert, AlertRecord, Phase
from domain.batch import Batch
from domain.fields import AlertFields
from domain.times import Millis

KEEP_LISTED: Millis = 86_400_000
"""How long a target is on a list before it has to put itself on again."""
_ACTIVE = (Phase.FIRING, Phase.FLAPPING, Phase.WAITING)


class Role(NamedTuple):
    """What an alert is to a rule."""

    rule: InhibitRule
    place: str
    twofold: bool
    """Whether it fits both sides."""


def inhibited(batch: Batch, case: Case, rules: CorrelationRules, look_again: Millis) -> Stay | None:
    """Hold back what follows from something that fires."""
    if not rules.inhibit:
        return None
    for role in targets_in(case.alert, rules):
        keys = _sources_of(batch, role)
        if keys:
            more = f" and {len(keys) - 1} more fire" if len(keys) > 1 else " fires"
            reason = f"inhibited by rule {role.rule.id}: {keys[0]}{more}"
            return Stay(Verdict.SUPPRESSED, reason, case.now + look_again, "inhibition", role.rule.id)
    return None


def wanted(alert: Alert, key: str, rules: CorrelationRules) -> Iterator[str]:
    """Name the records that inhibition reads for an alert."""
    if not rules.inhibit:
        return
    for role in sources_in(alert, rules):
        yield sources_record(role.place)
    for role in targets_in(alert, rules):
        yield sources_record(role.place)
        yield waiting_record(_list(role), key, parts=1)


def follow(
    batch: Batch, before: AlertRecord | None, after: AlertRecord, now: Millis, rules: CorrelationRules
) -> None:
    """Let what became of an alert have its effect on those that it inhibits, and on itself."""
    if not rules.inhibit:
        return
    was = _inhibiting(before, rules)
    now_is = _inhibiting(after, rules)
    for place in was.keys() - now_is.keys():
        _change(batch, place, after.key, None, now)
    for place, twofold in now_is.items():
        if was.get(place) is not twofold:
            _change(batch, place, after.key, twofold, now)
    if after.phase in _ACTIVE:
        _attend(batch, after, now, rules)


def _attend(batch: Batch, record: AlertRecord, now: Millis, rules: CorrelationRules) -> None:
    """Have a target hear of its sources; one that counts although it should not is looked at again."""
    for role in targets_in(record.alert, rules):
        enlist(batch, _list(role), record.key, now + KEEP_LISTED, parts=1)
        if record.phase is Phase.FIRING and _sources_of(batch, role):
            batch.arm(alert_record(record.key), now)


def _change(batch: Batch, place: str, key: str, twofold: bool | None, now: Millis) -> None:  # noqa: FBT001 - a tristate
    """Note that an alert inhibits at a place, or does not any more; who it concerns is looked at again."""
    before = batch.get(sources_record(place), Sources) or Sources()
    after = before.minus(key)
    if twofold is not None:
        after = after.plus(key, twofold=twofold)
    batch.put(sources_record(place), after if after.of(twofold=False) else None)
    if any(bool(before.of(twofold=side)) is not bool(after.of(twofold=side)) for side in (False, True)):
        ring(batch, f"inhibit:{place}", now, parts=1)


def _inhibiting(record: AlertRecord | None, rules: CorrelationRules) -> Mapping[str, bool]:
    """List where a record's alert inhibits now."""
    if record is None or record.phase not in _ACTIVE:
        return {}
    return {role.place: role.twofold for role in sources_in(record.alert, rules)}


def _sources_of(batch: Batch, role: Role) -> tuple[str, ...]:
    known = batch.get(sources_record(role.place), Sources)
    return known.of(twofold=role.twofold) if known else ()


def sources_in(alert: Alert, rules: CorrelationRules) -> Iterator[Role]:
    """List the rules by which an alert inhibits others while it fires."""
    fields = AlertFields(alert)
    for rule in rules.inhibit_sources.applying(fields):
        yield Role(rule, rule.place(fields), rule.target.matches(fields))


def targets_in(alert: Alert, rules: CorrelationRules) -> Iterator[Role]:
    """List the rules by which an alert may be inhibited."""
    fields = AlertFields(alert)
    for rule in rules.inhibit_targets.applying(fields):
        yield Role(rule, rule.place(fields), rule.source.matches(fields))


def _list(role: Role) -> str:
    return f"inhibit:{role.place}"
