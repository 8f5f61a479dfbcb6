"""Writes what was decided into the batch: records, indexes, timers, logs and counts."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from correlation import inhibition, upkeep
from correlation.decisions import Decision
from correlation.grouping import group_key
from correlation.known_errors import with_help_counted, with_known_error
from correlation.major import with_major
from correlation.news import with_alerts_told, with_note, with_priority_told
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import (
    ALERTS,
    INCIDENTS,
    OPEN_INCIDENTS,
    GroupRecord,
    alert_record,
    group_record,
    incident_record,
    members_log,
    seen_record,
    timeline_log,
)
from domain.alert import AlertRecord, Sightings
from domain.batch import Batch
from domain.incident import Assessment, Incident, TimelineEntry
from domain.times import Millis


class Member(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of an incident's list of alerts."""

    alert: str


def file_alert(
    batch: Batch, before: AlertRecord | None, decision: Decision, now: Millis, rules: CorrelationRules
) -> None:
    """Remember the alert as it is now."""
    after = decision.record
    if after is None:
        return
    name = alert_record(after.key)
    batch.put(name, after)
    inhibition.follow(batch, before, after, now, rules)
    if before is None:
        batch.file(ALERTS, after.key, after.first_seen)
    if before is None or before.phase is not after.phase or before.look_at != after.look_at:
        batch.arm(name, upkeep.alert_due(after, now, rules))
    if after.incident and (before is None or before.incident != after.incident):
        batch.log(members_log(after.incident), Member(after.key))


def file_new_incident(batch: Batch, incident: Incident, now: Millis) -> None:
    """Make room for an incident that was not there before."""
    batch.put(incident_record(incident.id), None)
    batch.put(seen_record(incident.id), Sightings(0, now))
    name = group_record(group_key(incident.rule, incident.group))
    pointer = batch.get(name, GroupRecord)
    batch.put(name, replace(pointer, incident=incident.id) if pointer else GroupRecord(incident.id))
    batch.file(INCIDENTS, incident.id, incident.opened_at)


def change_incident(
    batch: Batch, incident: Incident, entry: TimelineEntry, router: Router, rules: CorrelationRules
) -> None:
    """Remember the incident as it is now, judged anew, and tell its timeline why."""
    batch.log(timeline_log(incident.id), entry)
    review_incident(batch, incident, entry.at, router, rules)


def review_incident(
    batch: Batch, incident: Incident, now: Millis, router: Router, rules: CorrelationRules
) -> None:
    """Remember the incident as it is by *now*, judged anew, with what time has done to it."""
    before = batch.get(incident_record(incident.id), Incident)
    assessment, incident = _assessed(batch, before, incident, now, router)
    if assessment is not incident.assessment:
        incident = replace(incident, assessment=assessment)
    incident = with_known_error(batch, incident, now, rules.known_errors)
    incident = with_help_counted(batch, before, incident, now)
    if rules.majors:
        incident = with_major(batch, incident, now, rules.majors)
        assessment = incident.assessment
    incident = _followed(batch, incident, now, router)
    incident = with_alerts_told(incident)
    tell_at = incident.tell_at
    if upkeep.is_urgent(before, incident, incident.assessment):
        batch.marked.add(incident_record(incident.id))
    elif tell_at is None:
        tell_at = upkeep.whole_second(now + upkeep.TELL_EVERY)
    after = replace(incident, revision=incident.revision + 1, tell_at=tell_at)
    batch.put(incident_record(after.id), after)
    if before is None or before.is_open is not after.is_open:
        batch.file(OPEN_INCIDENTS, after.id, after.opened_at if after.is_open else None)
    upkeep.arm_incident(batch, before, after, rules)


def _assessed(
    batch: Batch, before: Incident | None, incident: Incident, now: Millis, router: Router
) -> tuple[Assessment | None, Incident]:
    if before is not None and not _must_be_judged(before, incident, now):
        return incident.assessment, incident
    assessment, reason = router.assess(incident, now)
    known = incident.assessment
    if known is None or known.priority is not assessment.priority:
        batch.log(timeline_log(incident.id), TimelineEntry(now, "prioritised", reason))
    return assessment, with_priority_told(incident, known, assessment, reason)


def _followed(batch: Batch, incident: Incident, now: Millis, router: Router) -> Incident:
    """Let time do what it does to the incident, and tell its people."""
    incident, happened = router.follow(incident, now)
    for each in happened:
        batch.log(timeline_log(incident.id), TimelineEntry(now, each.verdict, each.reason))
        if each.counter:
            batch.count(each.counter)
        if each.note:
            incident = with_note(incident, each.note)
    return incident


def _must_be_judged(before: Incident, after: Incident, now: Millis) -> bool:
    """Only what the judgement looks at can change it."""
    if not after.is_open:
        return False
    pending = after.assessment is None or after.assessment.lower_at is not None
    return (
        pending
        or (after.follow_at is not None and after.follow_at <= now)
        or before.extent is not after.extent
        or before.severity is not after.severity
        or before.services != after.services
        or before.cause != after.cause
        or (before.labels is not after.labels and before.labels != after.labels)
    )
