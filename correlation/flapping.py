"""Flapping: an alert that begins and ends again and again holds its incident open until it is quiet. Pure.

A state machine with hysteresis around the decisions on alerts: it is entered by so many changes within a time, and
left when there was none for a while. In between, what the alert says is noted and counted, and changes nothing; so no
ticket is touched by it. People are told once when it begins, and once when it is over.
"""

from __future__ import annotations

from msgspec.structs import replace

from correlation import decisions
from correlation.decisions import Case, Decision, Verdict
from correlation.flap_rules import FlapRule
from correlation.incidents import reweighed, without_firing
from correlation.news import with_note
from correlation.rules import CorrelationRules
from domain.alert import AlertRecord, AlertState, Phase
from domain.durations import lasting
from domain.incident import Incident

_CHANGES = (AlertState.FIRING, AlertState.RESOLVED)


def decide(case: Case, rules: CorrelationRules) -> Decision:
    """Decide on one alert, with an eye on how often it changes."""
    rule, record = case.group.rule.flapping, case.record
    if record is not None and record.phase is Phase.FLAPPING and case.alert.state in _CHANGES:
        if case.alert.position >= record.alert.position:
            return _flaps_on(case, record, rule)
        return decisions.decide(case, rules)
    decision = decisions.decide(case, rules)
    if rule is None or decision.record is None or case.alert.state not in _CHANGES:
        return decision
    return _noted(case, decision, decision.record, rule)


def stabilised(case: Case, rules: CorrelationRules) -> Decision:
    """Believe an alert again that has been quiet: what it said last holds."""
    record = case.record
    assert record is not None
    fires = record.alert.state is AlertState.FIRING
    calm = replace(record, phase=Phase.FIRING if fires else Phase.RESOLVED, changed_at=case.now, look_at=None)
    calm = replace(calm, changes=())
    verdict = Verdict.UPDATED if fires else Verdict.RESOLVED
    said = f"{record.alert.name} does not flap any more: it {'fires' if fires else 'is over'}"
    own = case.own
    if own is None:
        return Decision(verdict, said, calm)
    told = with_note(replace(own, flapping=max(0, own.flapping - 1)), said)
    if not fires:
        ends = decisions.ends_incident(own, case.key, rules)
        told = without_firing(told, record.alert.severity, case.now, ends=ends)
    return Decision(verdict, said, calm, told)


def _noted(case: Case, decision: Decision, after: AlertRecord, rule: FlapRule) -> Decision:
    """Count a change between firing and not; from too many on it flaps."""
    before = case.record
    fired, fires = before is not None and before.fires, after.fires
    known = before.changes if before else ()
    if fired is fires or (before is not None and before.phase is Phase.WAITING):
        return decision if after.changes == known else replace(decision, record=replace(after, changes=known))
    changes = rule.plus(known, case.now)
    if not rule.flaps(changes):
        return replace(decision, record=replace(after, changes=changes))
    flaps = replace(after, phase=Phase.FLAPPING, changes=changes, look_at=changes[-1] + rule.quiet)
    return _begins(case, decision, flaps, rule)


def _begins(case: Case, decision: Decision, flaps: AlertRecord, rule: FlapRule) -> Decision:
    """Hold its incident open: the one it is placed in, or that its end would have taken it from."""
    why = f"{rule.words}, so it flaps and is not believed until it is quiet for {lasting(rule.quiet)}"
    if flaps.alert.state is AlertState.FIRING:
        held, reason, verdict = decision.incident, f"{decision.reason}; {why}", decision.verdict
    else:
        severity = case.record.alert.severity if case.record else flaps.alert.severity
        flaps = replace(flaps, alert=replace(flaps.alert, severity=severity))
        held, reason, verdict = case.own, why, Verdict.FLAPPING
    return replace(decision, verdict=verdict, reason=reason, record=flaps, incident=_marked(held, flaps, why))


def _marked(incident: Incident | None, record: AlertRecord, why: str) -> Incident | None:
    if incident is None:
        return None
    return with_note(replace(incident, flapping=incident.flapping + 1), f"{record.alert.name} {why}")


def _flaps_on(case: Case, record: AlertRecord, rule: FlapRule | None) -> Decision:
    """Note what it says now. Its incident is only told of another severity while it fires."""
    before, said = record.alert, case.alert
    if said.position == before.position and said.severity is before.severity:
        return Decision(Verdict.DUPLICATE, "said so already, and flaps")
    if said.state is AlertState.RESOLVED:
        said = replace(said, severity=before.severity)
    fresh = replace(record, alert=said)
    if said.state is not before.state or said.starts_at != before.starts_at:
        fresh = _changed(fresh, case, rule)
    own = case.own
    if own is not None and said.severity is not before.severity:
        own = reweighed(own, before.severity, said, case.key, case.now)
    changed = None if own is case.own else own
    return Decision(Verdict.FLAPPING, "flaps: what it says now changes nothing", fresh, changed)


def _changed(record: AlertRecord, case: Case, rule: FlapRule | None) -> AlertRecord:
    """Put off the moment at which it is believed again. Where flapping is turned off, that is now."""
    if rule is None:
        return replace(record, look_at=case.now)
    changes = rule.plus(record.changes, case.now)
    return replace(record, changes=changes, look_at=changes[-1] + rule.quiet)
