"""What a correlation shard does when a timer is due."""

from __future__ import annotations

from msgspec.structs import replace

from correlation import inhibition
from correlation.decisions import expire
from correlation.extent import reaching
from correlation.filing import change_incident, review_incident
from correlation.grouping import group_key
from correlation.homes import at_home, living
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import (
    ALERTS,
    INCIDENTS,
    LISTENING,
    GroupRecord,
    Listening,
    group_record,
    incident_record,
    members_log,
    seen_record,
    timeline_log,
)
from correlation.upkeep import alert_due, arm_incident
from correlation.watches import looked_at
from domain.alert import AlertRecord, AlertState, Phase, Sightings
from domain.batch import Batch
from domain.incident import Incident, TimelineEntry
from domain.ports import Timer
from domain.times import Millis


def on_alert_timer(batch: Batch, timer: Timer, rules: CorrelationRules, router: Router) -> None:
    """Look at an alert again: silent, forgotten or old."""
    record = batch.get(timer.id, AlertRecord)
    if record is None:
        return
    due = alert_due(record, _heard_at(batch, record), rules)
    if due > timer.due:
        batch.arm(timer.id, due)
    elif record.phase is Phase.FIRING and record.alert.state is AlertState.HEARTBEAT:
        batch.arm(timer.id, alert_due(record, timer.due, rules))
    elif record.phase is Phase.FIRING:
        _expire(batch, timer, record, rules, router)
    elif record.phase is Phase.WAITING:
        _give_up(batch, timer, record, rules)
    elif record.phase is Phase.AHEAD and record.incident:
        _settle(batch, timer, record, rules)
    else:
        _forget(batch, timer, record)


def is_silent(batch: Batch, timer: Timer, rules: CorrelationRules) -> bool:
    """Tell whether a timer is that of a heartbeat which stayed out."""
    record = batch.get(timer.id, AlertRecord)
    if record is None or record.phase is not Phase.ALIVE:
        return False
    return alert_due(record, _heard_at(batch, record), rules) <= timer.due


def is_to_be_reconsidered(batch: Batch, timer: Timer, rules: CorrelationRules) -> bool:
    """Tell whether a timer is that of an alert that is held back, and still fires."""
    record = batch.get(timer.id, AlertRecord)
    if record is None or record.phase is not Phase.WAITING:
        return False
    is_missed = record.alert.state is AlertState.HEARTBEAT  # nothing can be heard of it
    return is_missed or timer.due < _heard_at(batch, record) + rules.stale_after


def has_calmed_down(batch: Batch, timer: Timer, rules: CorrelationRules) -> bool:
    """Tell whether a timer is that of an alert that flapped, and has been quiet since."""
    record = batch.get(timer.id, AlertRecord)
    if record is None or record.phase is not Phase.FLAPPING:
        return False
    return alert_due(record, record.changed_at, rules) <= timer.due


def on_incident_timer(batch: Batch, timer: Timer, rules: CorrelationRules, router: Router) -> None:
    """Look at an incident again: to purge it, to lower its priority, or only to tell of it."""
    incident = batch.get(timer.id, Incident)
    if incident is None:
        return
    if incident.resolved_at is not None and incident.resolved_at + rules.keep_resolved <= timer.due:
        if not incident.merged_into or living(batch, incident.id) is None:
            _purge(batch, timer, incident)
        else:  # its alerts find their way by it
            batch.arm(timer.id, timer.due + rules.keep_resolved)
        return
    told, entries = looked_at(replace(incident, tell_at=None), rules, timer.due)
    for entry in entries:
        batch.log(timeline_log(incident.id), entry)
    is_over = told.state is not incident.state
    if not is_over:
        batch.put(timer.id, told)
    batch.marked.add(timer.id)
    if incident.assessment and incident.assessment.lower_at and incident.assessment.lower_at <= timer.due:
        entry = TimelineEntry(timer.due, "reviewed", "a lower priority was due")
        change_incident(batch, told, entry, router, rules)
    elif is_over or (incident.follow_at is not None and incident.follow_at <= timer.due):
        review_incident(batch, told, timer.due, router, rules)
    else:
        arm_incident(batch, incident, told, rules)


def _heard_at(batch: Batch, record: AlertRecord) -> Millis:
    seen = batch.get(seen_record(record.key), Sightings)
    listening = batch.get(LISTENING, Listening)
    return max(seen.last_seen if seen else record.first_seen, listening.since if listening else 0)


def _expire(batch: Batch, timer: Timer, record: AlertRecord, rules: CorrelationRules, router: Router) -> None:
    record = at_home(batch, record)
    own = batch.get(incident_record(record.incident), Incident)
    ended, incident = expire(record, own, timer.due, rules)
    batch.put(timer.id, ended)
    inhibition.follow(batch, record, ended, timer.due, rules)
    batch.arm(timer.id, alert_due(ended, timer.due, rules))
    batch.count("expired")
    if incident is not None:
        if rules.extent is not None:
            incident = reaching(incident, record, ended, rules.extent, timer.due)
        entry = TimelineEntry(timer.due, "expired", "not heard of any more", record.key)
        change_incident(batch, incident, entry, router, rules)


def _give_up(batch: Batch, timer: Timer, record: AlertRecord, rules: CorrelationRules) -> None:
    """It was held back, and is not heard of any more."""
    ended, _ = expire(record, None, timer.due, rules)
    batch.put(timer.id, ended)
    inhibition.follow(batch, record, ended, timer.due, rules)
    batch.arm(timer.id, alert_due(ended, timer.due, rules))
    batch.count("expired")


def _settle(batch: Batch, timer: Timer, record: AlertRecord, rules: CorrelationRules) -> None:
    """The firing of the last resolve will not come any more."""
    settled = replace(record, phase=Phase.RESOLVED)
    batch.put(timer.id, settled)
    batch.arm(timer.id, alert_due(settled, timer.due, rules))


def _forget(batch: Batch, timer: Timer, record: AlertRecord) -> None:
    batch.put(timer.id, None)
    batch.put(seen_record(record.key), None)
    batch.file(ALERTS, record.key, None)


def _purge(batch: Batch, timer: Timer, incident: Incident) -> None:
    batch.put(timer.id, None)
    batch.put(seen_record(incident.id), None)
    batch.file(INCIDENTS, incident.id, None)
    batch.dropped_logs += [timeline_log(incident.id), members_log(incident.id)]
    group = group_record(group_key(incident.rule, incident.group))
    pointer = batch.get(group, GroupRecord)
    if pointer is not None and pointer.incident == incident.id:
        batch.put(group, None)
