"""What time does to alerts and incidents: silence, forgetting, lowering, purging. Pure."""

from __future__ import annotations

from correlation.rules import CorrelationRules
from correlation.state import LISTENING, Listening, incident_record
from correlation.watches import next_look
from domain.alert import AlertRecord, AlertState, Phase
from domain.batch import Batch
from domain.incident import Assessment, Incident
from domain.times import Millis, earliest

GAP: Millis = 60_000
"""A break in the shard's clock longer than this means that nobody listened."""
NOTE_EVERY: Millis = 10_000
"""How often the clock is written down; well below the gap."""


TELL_EVERY: Millis = 1_000
"""How often destinations are told of what can wait, like one more alert."""


def listen(batch: Batch) -> None:
    """Notice breaks in listening: an alert must not expire because we were away."""
    clock = batch.clock
    known = batch.get(LISTENING, Listening)
    if known is None or clock - known.heard_at > GAP:
        batch.put(LISTENING, Listening(clock, clock))
    elif clock - known.heard_at >= NOTE_EVERY:
        batch.put(LISTENING, Listening(known.since, clock))


def alert_due(record: AlertRecord, heard: Millis, rules: CorrelationRules) -> Millis:
    """Say when an alert has to be looked at again; *heard* is when it, or anything, was last heard of."""
    match record.phase:
        case Phase.ALIVE:
            return whole_second(heard + rules.heartbeat_every(record.alert.source))
        case Phase.FIRING:
            return whole_second(heard + rules.stale_after)
        case Phase.FLAPPING:
            return whole_second(heard if record.look_at is None else record.look_at)
        case Phase.WAITING:
            return whole_second(_looked_at(record, heard + rules.stale_after))
        case Phase.AHEAD:
            return whole_second(record.changed_at + rules.remember_resolves)
        case Phase.RESOLVED | Phase.EXPIRED:
            return whole_second(record.changed_at + rules.keep_resolved)


def _looked_at(record: AlertRecord, stale_at: Millis) -> Millis:
    """Say when one that waits is looked at; a heartbeat that is missed never gets stale."""
    if record.look_at is None:
        return stale_at
    return record.look_at if record.alert.state is AlertState.HEARTBEAT else min(record.look_at, stale_at)


def incident_due(incident: Incident, rules: CorrelationRules) -> Millis | None:
    """Say when an incident has to be looked at again."""
    purge_at = incident.resolved_at and whole_second(incident.resolved_at + rules.keep_resolved)
    look_at = next_look(incident, rules)
    follow_at = incident.follow_at and whole_second(incident.follow_at)
    return earliest(
        incident.tell_at, _lower_at(incident), purge_at, look_at and whole_second(look_at), follow_at
    )


def arm_incident(batch: Batch, before: Incident | None, after: Incident, rules: CorrelationRules) -> None:
    """Have an incident that changed looked at again when it must be."""
    name = incident_record(after.id)
    due = incident_due(after, rules)
    if name in batch.timers or due != (incident_due(before, rules) if before is not None else None):
        batch.arm(name, due)


def _lower_at(incident: Incident) -> Millis | None:
    return incident.assessment.lower_at if incident.assessment and incident.is_open else None


def is_urgent(before: Incident | None, after: Incident, judged: Assessment | None) -> bool:
    """Tell whether destinations must hear of a change at once; they can wait for more of the same."""
    if before is None or before.state is not after.state or before.stage is not after.stage:
        return True
    ours, theirs = before.assessment, judged
    if ours is None or theirs is None:
        return ours is not theirs
    return ours.priority is not theirs.priority or ours.destinations != theirs.destinations


def whole_second(moment: Millis) -> Millis:
    """Round up. Timers due at the same moment are acted on together, which is cheaper by far.

    >>> whole_second(1_001), whole_second(2_000)
    (2000, 2000)
    """
    return -(-moment // 1_000) * 1_000
