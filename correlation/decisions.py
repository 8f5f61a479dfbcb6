"""What one alert means, given what is known: the heart of Tocsin.

Deliveries come twice, late and in the wrong order. ``Alert.position`` puts what was said of one identity back in
order: a later episode beats an earlier one, and a resolve beats its own firing. So the same deliveries, however
mixed, leave the same alerts firing in the same incidents.
"""

from __future__ import annotations

from msgspec.structs import replace

from correlation.belonging import belonging, resolved_lately
from correlation.cases import Case as Case
from correlation.cases import Decision as Decision
from correlation.cases import Stay as Stay
from correlation.cases import Verdict as Verdict
from correlation.incidents import (
    acknowledged,
    led_by,
    opened_again,
    resolved,
    reweighed,
    with_firing,
    without_firing,
)
from correlation.rules import CorrelationRules, ResolveWhen
from domain.alert import NEVER, Alert, AlertHead, AlertRecord, AlertState, Held, Phase, Severity
from domain.incident import Incident
from domain.times import Millis


def is_repeat(alert: Alert | AlertHead, record: AlertRecord | None) -> bool:
    """Tell whether *alert* says what is known already: the common case, and the cheap one."""
    return (
        record is not None
        and record.phase is Phase.FIRING
        and alert.state is AlertState.FIRING
        and alert.starts_at == record.alert.starts_at
        and alert.severity is record.alert.severity
    )


def decide(case: Case, rules: CorrelationRules) -> Decision:
    """Decide on one alert."""
    match case.alert.state:
        case AlertState.RESOLVED if case.record is not None and case.record.phase is Phase.ALIVE:
            return silence(case, rules)
        case AlertState.RESOLVED:
            return _on_resolve(case, rules)
        case AlertState.HEARTBEAT:
            return _on_heartbeat(case, rules)
        case AlertState.TEST:
            return Decision(Verdict.TEST, "somebody tried the connection; a test opens nothing")
        case AlertState.ACKNOWLEDGED if case.record is not None and case.record.fires:
            return Decision(
                Verdict.ACKNOWLEDGED, "somebody took it on in the tool", incident=acknowledged(case.own)
            )
        case _:
            return _on_firing(case, rules)


def _on_heartbeat(case: Case, rules: CorrelationRules) -> Decision:
    """A sign of life ends the silence, if there was one."""
    record = case.record
    if record is not None and case.alert.starts_at == NEVER:
        return Decision(Verdict.OUTDATED, "expected already")
    if record is not None and record.phase is Phase.ALIVE:
        return Decision(Verdict.HEARTBEAT, "comes as expected")
    alive = _record(case, Phase.ALIVE, record.incident if record else "")
    if record is None or not record.fires or case.own is None:
        return Decision(Verdict.HEARTBEAT, "expected from now on", alive)
    ends = ends_incident(case.own, case.key, rules)
    incident = without_firing(case.own, record.alert.severity, case.now, ends=ends)
    return Decision(Verdict.RESOLVED, "the heartbeat is back", alive, incident)


def silence(case: Case, rules: CorrelationRules) -> Decision:
    """Decide on a heartbeat that did not come: its absence is the alert."""
    text = f"no heartbeat of {case.alert.name} any more"
    missing = replace(case.alert, severity=Severity.CRITICAL, summary=text, starts_at=case.now)
    return admit(replace(case, alert=missing), rules)


def _on_firing(case: Case, rules: CorrelationRules) -> Decision:
    record, alert = case.record, case.alert
    if record is None:
        return admit(case, rules)
    if record.phase is Phase.AHEAD and alert.position < record.alert.position:
        return _place_late(case, rules)
    if alert.position < record.alert.position:
        return _outdated(case)
    if record.phase is Phase.FIRING:
        fires_on = _goes_on if _begins_anew(case, record) else _fires_on
        return fires_on(case, record, rules)
    return admit(case, rules)


def _outdated(case: Case) -> Decision:
    """Nothing fires by it; but if it began before all others, it is what the incident is named after."""
    earlier = led_by(case.own, case.alert, case.key) if case.own is not None else None
    changed = None if earlier is case.own else earlier
    return Decision(Verdict.OUTDATED, "something newer is known of this alert", incident=changed)


def _begins_anew(case: Case, record: AlertRecord) -> bool:
    """Tell whether the graph has to say where an alert goes on whose end nobody reported."""
    is_asked = case.choice is not None and case.group.rule.topology is not None and case.stay is None
    return is_asked and case.alert.starts_at > record.alert.starts_at


def _goes_on(case: Case, record: AlertRecord, rules: CorrelationRules) -> Decision:
    """Its former episode is over; the next may be part of something else."""
    own, choice, before = case.own, case.choice, record.alert.severity
    if own is None or choice is None or choice.incident != own.id:
        return replace(_place(case, rules), left=own and without_firing(own, before, case.now))
    if not own.is_open:
        return _fires_on(case, record, rules)
    stays = reweighed(own, before, case.alert, case.key, case.now)
    return Decision(Verdict.JOINED, choice.why, replace(record, alert=case.alert), stays)


def _fires_on(case: Case, record: AlertRecord, rules: CorrelationRules) -> Decision:
    """The alert fires already: a repeat, or the same with another severity."""
    fresh = replace(record, alert=case.alert)
    before, after = record.alert.severity, case.alert.severity
    if case.own is not None and not case.own.is_open and case.alert.starts_at > record.alert.starts_at:
        if case.stay is not None:
            return _kept_waiting(case, case.stay, without_firing(case.own, before, case.now))
        if not resolved_lately(case.own, case.now, rules):
            return _goes_elsewhere(case, case.own, before, rules)
        reopened = opened_again(reweighed(case.own, before, case.alert, case.key, case.now))
        return Decision(Verdict.REOPENED, "fires anew after somebody resolved its incident", fresh, reopened)
    if before is after:
        return Decision(Verdict.DUPLICATE, "fires already", fresh)
    reason = f"severity changed from {before} to {after}"
    if case.own is None:
        return Decision(Verdict.UPDATED, reason, fresh)
    return Decision(
        Verdict.UPDATED, reason, fresh, reweighed(case.own, before, case.alert, case.key, case.now)
    )


def _goes_elsewhere(case: Case, own: Incident, before: Severity, rules: CorrelationRules) -> Decision:
    """The alert fires anew, but its incident is over for good or for long: that counts it no longer."""
    return replace(_place(case, rules), left=without_firing(own, before, case.now))


def admit(case: Case, rules: CorrelationRules) -> Decision:
    """Let a firing alert in, unless something holds it back."""
    if case.stay is None:
        return _place(case, rules)
    return _kept_waiting(case, case.stay)


def _kept_waiting(case: Case, stay: Stay, left: Incident | None = None) -> Decision:
    """Have it wait; *left* is the incident that it does not count for any more."""
    waits = _waiting(case, stay)
    return Decision(stay.verdict, stay.reason, None if waits == case.record else waits, left, stay)


def _waiting(case: Case, stay: Stay) -> AlertRecord:
    """Of one that waits for the same already, neither the wait nor the next look is put off."""
    before, held = case.record, Held(stay.kind, stay.by, stay.reason)
    waits = _record(case, Phase.WAITING, before.incident if before else "")
    waits = replace(waits, look_at=stay.look_at, held=held)
    if before is None or before.phase is not Phase.WAITING:
        return waits
    waits = replace(waits, changed_at=before.changed_at)
    if before.held == held and before.look_at is not None and before.look_at > case.now:
        return replace(waits, look_at=min(before.look_at, stay.look_at))
    return waits


def reconsider(case: Case, rules: CorrelationRules) -> Decision:
    """Decide again on an alert that was held back and still fires."""
    decision = admit(case, rules)
    held = case.record.held if case.record else None
    after = held.reason if held is not None and held.kind != "hold" else "it was held back"
    return replace(decision, reason=f"{decision.reason}, after {after}")


def withdrawn(case: Case, stay: Stay) -> Decision:
    """Have one that fires wait after all: it does not count any more."""
    known = _known(case)
    left = case.own and without_firing(case.own, known.alert.severity, case.now)
    return _kept_waiting(case, stay, left)


def _place(case: Case, rules: CorrelationRules) -> Decision:
    """Find the incident that a newly firing alert belongs to, or open one."""
    verdict, reason, incident = belonging(case, rules)
    firing = with_firing(incident, case.alert.severity, case.now)
    return Decision(verdict, reason, _record(case, Phase.FIRING, incident.id), firing)


def _place_late(case: Case, rules: CorrelationRules) -> Decision:
    """The firing comes after its resolve: the incident is told of it, but nothing fires."""
    if case.stay is not None:
        record = replace(_record(case, Phase.RESOLVED, ""), alert=_known(case).alert)
        return Decision(Verdict.LATE_FIRING, f"its resolve came first; {case.stay.reason}", record)
    verdict, _, incident = belonging(case, rules)
    over = resolved(incident, case.now) if verdict is Verdict.OPENED else incident
    record = replace(_record(case, Phase.RESOLVED, incident.id), alert=_known(case).alert)
    return Decision(Verdict.LATE_FIRING, "its resolve came first", record, over)


def _on_resolve(case: Case, rules: CorrelationRules) -> Decision:
    record, alert = case.record, case.alert
    if record is None:
        return Decision(
            Verdict.STRAY_RESOLVE, "nothing known of this alert fires", _record(case, Phase.AHEAD, "")
        )
    if alert.position < record.alert.position:
        return Decision(Verdict.OUTDATED, "something newer is known of this alert")
    if alert.position == record.alert.position:
        return Decision(Verdict.DUPLICATE, "resolved already")
    return _ends_episode(case, record, rules)


def _ends_episode(case: Case, record: AlertRecord, rules: CorrelationRules) -> Decision:
    """Decide on a resolve that is newer than all that is known."""
    ended = _record(case, Phase.RESOLVED, record.incident)
    match record.phase:
        case Phase.FIRING:
            return _ends(case, record, rules)
        case Phase.WAITING:
            return Decision(Verdict.RESOLVED, "ended while it was held back", ended)
        case Phase.EXPIRED:
            return Decision(Verdict.RESOLVED, "was taken for resolved before", ended)
        case _:
            ahead = replace(ended, phase=Phase.AHEAD)
            return Decision(Verdict.STRAY_RESOLVE, "resolves an episode not seen firing", ahead)


def _ends(case: Case, record: AlertRecord, rules: CorrelationRules) -> Decision:
    ended = _record(case, Phase.RESOLVED, record.incident)
    if case.own is None:
        return Decision(Verdict.RESOLVED, "its incident is gone", ended)
    ends = ends_incident(case.own, case.key, rules)
    incident = without_firing(case.own, record.alert.severity, case.now, ends=ends)
    left = sum(incident.firing)
    reason = f"{left} more of its incident fire" if left else "the last of its incident"
    if left and ends and case.own.is_open:
        reason = f"ends its incident, though {reason}"
    return Decision(Verdict.RESOLVED, reason, ended, incident)


def ends_incident(incident: Incident, key: str, rules: CorrelationRules) -> bool:
    """Tell whether the end of this alert is that of its incident, whatever else fires."""
    if not rules.early_ends:
        return False
    when = rules.early_ends.get(incident.rule)
    return when is ResolveWhen.FIRST or (when is ResolveWhen.ROOT_CAUSE and incident.lead.key == key)


def expire(
    record: AlertRecord, own: Incident | None, now: Millis, rules: CorrelationRules
) -> tuple[AlertRecord, Incident | None]:
    """Take an alert that was not heard of any more for resolved."""
    ended = replace(record, phase=Phase.EXPIRED, changed_at=now, look_at=None)
    if own is None or not record.fires:
        return ended, None
    ends = ends_incident(own, record.key, rules)
    return ended, without_firing(own, record.alert.severity, now, ends=ends)


def _record(case: Case, phase: Phase, incident: str) -> AlertRecord:
    first_seen = case.record.first_seen if case.record else case.now
    return AlertRecord(case.key, case.alert, phase, incident, first_seen, case.now)


def _known(case: Case) -> AlertRecord:
    if case.record is None:
        message = f"nothing is known of {case.key}"
        raise LookupError(message)
    return case.record
