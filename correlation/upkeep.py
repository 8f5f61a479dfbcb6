"""What time does to alerts and incidents: silence, forgetting, lowering, purging. Pure."""

from __future__ import annotations

from correlation.rules import CorrelationRules
from correlation.state import LISTENING, Listening
from domain.alert import AlertRecord, Phase
from domain.batch import Batch
from domain.incident import Incident
from domain.times import Millis

GAP: Millis = 60_000
"""A break in the shard's clock longer than this means that nobody listened."""
NOTE_EVERY: Millis = 10_000
"""How often the clock is written down; well below the gap."""


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
        case Phase.FIRING:
            return heard + rules.stale_after
        case Phase.AHEAD:
            return record.changed_at + rules.remember_resolves
        case Phase.RESOLVED | Phase.EXPIRED:
            return record.changed_at + rules.keep_resolved


def incident_due(incident: Incident, rules: CorrelationRules) -> Millis | None:
    """Say when an incident has to be looked at again."""
    if incident.resolved_at is not None:
        return incident.resolved_at + rules.keep_resolved
    return incident.assessment.lower_at if incident.assessment else None
