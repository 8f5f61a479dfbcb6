"""What one alert means, given what is known: the heart of Tocsin.

Deliveries come twice, late and in the wrong order. ``Alert.position`` puts what was said of one identity back in
order: a later episode beats an earlier one, and a resolve beats its own firing. So the same deliveries, however
mixed, leave the same alerts firing in the same incidents.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from correlation.grouping import Group
from correlation.incidents import (
    acknowledged,
    led_by,
    open_incident,
    opened_again,
    resolved,
    reweighed,
    with_firing,
    with_member,
    without_firing,
)
from correlation.rules import CorrelationRules, ResolveWhen
from correlation.state import PARTS
from domain.alert import NEVER, Alert, AlertHead, AlertRecord, AlertState, Held, Phase, Severity
from domain.incident import Incident, Relation, RelationKind
from domain.times import Millis


class Verdict(StrEnum):
    """What became of an alert. Logged, counted, shown; each accepted alert gets exactly one."""

    OPENED = "opened"
    JOINED = "joined"
    REOPENED = "reopened"
    DUPLICATE = "duplicate"
    UPDATED = "updated"
    RESOLVED = "resolved"
    STRAY_RESOLVE = "stray_resolve"
    LATE_FIRING = "late_firing"
    OUTDATED = "outdated"
    ACKNOWLEDGED = "acknowledged"
    HEARTBEAT = "heartbeat"
    TEST = "test"
    HELD = "held"
    SUPPRESSED = "suppressed"
    FLAPPING = "flapping"
    QUARANTINED = "quarantined"


class Stay(msgspec.Struct, frozen=True, gc=False):
    """What holds a firing alert back for now: it opens nothing and joins nothing."""

    verdict: Verdict
    reason: str
    look_at: Millis
    """When to look again."""
    kind: str
    """hold, silence, maintenance, threshold or inhibition."""
    by: str
    """Id of the silence, window or rule."""
    list: str = ""
    """List on which it waits to be looked at sooner; empty for none."""
    until: Millis = 0
    """When those on the list are looked at, if not before."""
    parts: int = PARTS
    """Records that the list is spread over."""


class Case(msgspec.Struct, frozen=True, gc=False):
    """One alert and all that the decision on it may look at."""

    key: str
    alert: Alert
    now: Millis
    group: Group
    record: AlertRecord | None
    own: Incident | None
    """The incident that the alert last belonged to."""
    latest: Incident | None
    """The group's most recent incident."""
    shard: str
    """Where this is decided: groups of two shards may be called the same, their incidents must not."""
    stay: Stay | None = None
    """What holds it back, if it fires."""
    told: bool = True
    """Whether a tool just said so; else it is looked at again."""
    adopted: bool = False
    """Whether the group's most recent incident is that of another, into which its own was merged."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The verdict, why, and what is to be remembered from now on."""

    verdict: Verdict
    reason: str
    record: AlertRecord | None = None
    """None leaves the record as it is."""
    incident: Incident | None = None
    """None leaves every incident as it is."""
    stay: Stay | None = None
    """What holds the alert back; None if nothing does."""
    left: Incident | None = None
    """The incident that the alert belonged to until now, where it goes on in another."""


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
        return _fires_on(case, record, rules)
    return admit(case, rules)


def _outdated(case: Case) -> Decision:
    """Nothing fires by it; but if it began before all others, it is what the incident is named after."""
    earlier = led_by(case.own, case.alert, case.key) if case.own is not None else None
    changed = None if earlier is case.own else earlier
    return Decision(Verdict.OUTDATED, "something newer is known of this alert", incident=changed)


def _fires_on(case: Case, record: AlertRecord, rules: CorrelationRules) -> Decision:
    """The alert fires already: a repeat, or the same with another severity."""
    fresh = replace(record, alert=case.alert)
    before, after = record.alert.severity, case.alert.severity
    if case.own is not None and not case.own.is_open and case.alert.starts_at > record.alert.starts_at:
        if case.stay is not None:
            return _kept_waiting(case, case.stay, without_firing(case.own, before, case.now))
        if not _resolved_lately(case.own, case.now, rules):
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
    verdict, reason, incident = _home(case, rules)
    firing = with_firing(incident, case.alert.severity, case.now)
    return Decision(verdict, reason, _record(case, Phase.FIRING, incident.id), firing)


def _home(case: Case, rules: CorrelationRules) -> tuple[Verdict, str, Incident]:
    """Its own incident first, then the group's most recent, else a new one. A member is never too late."""
    own, latest, now = case.own, case.latest, case.now
    if own is not None and own.is_open:
        return Verdict.JOINED, "fires again while its incident is open", _as_member(own, case)
    if own is not None and _resolved_lately(own, now, rules):
        return Verdict.REOPENED, "fires again soon after its incident was resolved", _as_member(own, case)
    if latest is not None and case.adopted and latest.is_open:
        reason = f"the last of {case.group.key} was merged into its incident"
        return Verdict.JOINED, reason, _as_member(latest, case)
    if latest is not None and now - latest.opened_at <= case.group.rule.max_age:
        if latest.is_open and now - latest.joined_at <= case.group.rule.window:
            return Verdict.JOINED, f"in the window of {case.group.key}", _as_member(latest, case)
        if _resolved_lately(latest, now, rules):
            return Verdict.REOPENED, f"soon after {case.group.key} was resolved", _as_member(latest, case)
    return Verdict.OPENED, _why_new(case), _opened(case)


def _resolved_lately(incident: Incident, now: Millis, rules: CorrelationRules) -> bool:
    if incident.resolved_at is None or incident.is_closed:
        return False
    return now - incident.resolved_at <= rules.reopen_within


def _place_late(case: Case, rules: CorrelationRules) -> Decision:
    """The firing comes after its resolve: the incident is told of it, but nothing fires."""
    if case.stay is not None:
        record = replace(_record(case, Phase.RESOLVED, ""), alert=_known(case).alert)
        return Decision(Verdict.LATE_FIRING, f"its resolve came first; {case.stay.reason}", record)
    verdict, _, incident = _home(case, rules)
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


def _as_member(incident: Incident, case: Case) -> Incident:
    """Make the alert a member, unless it is one already."""
    if case.record is not None and case.record.incident == incident.id:
        return led_by(incident, case.alert, case.key)
    return with_member(incident, case.alert, case.key, case.now)


def _opened(case: Case) -> Incident:
    previous = case.latest.id if case.latest else case.shard
    before = case.own or case.latest
    related = (Relation(RelationKind.FOLLOWS, before.id),) if before and not before.is_open else ()
    return open_incident(case.group, case.alert, case.key, case.now, previous, related)


def _why_new(case: Case) -> str:
    if case.group.missing:
        return f"has no {' and no '.join(case.group.missing)} to group by, so it stands alone"
    if case.latest is None:
        return f"first of {case.group.key}"
    return f"too long after the last of {case.group.key}"
