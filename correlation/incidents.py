"""What alerts do to an incident. Values in, values out."""

from __future__ import annotations

from hashlib import blake2b

from msgspec.structs import replace

from correlation.grouping import Group
from domain.alert import SEVERITIES, Alert, Severity
from domain.incident import Incident, IncidentState, Lead, Relation, Stage
from domain.times import Millis

NOBODY = (0,) * len(SEVERITIES)
SERVICES_KEPT = 200
"""What an incident of more is, is clear by then; and its record stays small."""


def open_incident(
    group: Group,
    alert: Alert,
    key: str,
    now: Millis,
    previous: str,
    related: tuple[Relation, ...] = (),
) -> Incident:
    """Begin an incident with its first alert, not firing yet.

    *previous* is what the group's incident before it, or its shard if it is the first, was called.
    """
    return Incident(
        id=_incident_id(group, now, previous),
        rule=group.rule.id,
        group=group.values,
        state=IncidentState.OPEN,
        opened_at=now,
        changed_at=now,
        joined_at=now,
        lead=lead_of(alert, key),
        labels=alert.labels,
        services=(alert.service,) if alert.service else (),
        firing=NOBODY,
        alerts=1,
        revision=0,
        related=related,
    )


def with_member(incident: Incident, alert: Alert, key: str, now: Millis) -> Incident:
    """Take in an alert that was not a member before."""
    return replace(
        incident,
        lead=_lead(incident, alert, key),
        labels=shared(incident.labels, alert.labels),
        services=with_services(incident.services, (alert.service,)),
        alerts=incident.alerts + 1,
        joined_at=max(incident.joined_at, now),
        changed_at=max(incident.changed_at, now),
    )


def with_firing(incident: Incident, severity: Severity, now: Millis) -> Incident:
    """Count one more firing alert; the incident is open, whatever it was."""
    firing = _shifted(incident.firing, severity, 1)
    return opened_again(replace(incident, firing=firing, changed_at=max(incident.changed_at, now)))


def opened_again(incident: Incident) -> Incident:
    """Have it worked on; from the beginning, if it was over."""
    if incident.is_open:
        return incident
    return replace(incident, state=IncidentState.OPEN, resolved_at=None, stage=Stage.NEW)


def without_firing(incident: Incident, severity: Severity, now: Millis, *, ends: bool = False) -> Incident:
    """Count one less; the incident is resolved when none is left, or if this one *ends* it."""
    firing = _shifted(incident.firing, severity, -1)
    changed_at = max(incident.changed_at, now)
    if (any(firing) and not ends) or not incident.is_open:
        return replace(incident, firing=firing, changed_at=changed_at)
    return resolved(replace(incident, firing=firing, changed_at=changed_at), now)


def reweighed(incident: Incident, before: Severity, alert: Alert, key: str, now: Millis) -> Incident:
    """Count a firing alert under its new severity."""
    firing = _shifted(_shifted(incident.firing, before, -1), alert.severity, 1)
    lead = _lead(incident, alert, key)
    return replace(incident, firing=firing, lead=lead, changed_at=max(incident.changed_at, now))


def resolved(incident: Incident, now: Millis) -> Incident:
    """End the incident."""
    ended = max(incident.opened_at, now)
    return replace(
        incident, state=IncidentState.RESOLVED, resolved_at=ended, changed_at=max(incident.changed_at, now)
    )


def closed(incident: Incident, now: Millis) -> Incident:
    """End it for good."""
    if incident.is_closed:
        return incident
    over = resolved(incident, now) if incident.is_open else incident
    return replace(over, state=IncidentState.CLOSED, closed_at=now, changed_at=max(over.changed_at, now))


def taken_up_again(incident: Incident) -> Incident:
    """Have it worked on after all, as a person wants it."""
    if incident.is_open or incident.merged_into:
        return incident
    return replace(
        incident, state=IncidentState.OPEN, resolved_at=None, closed_at=None, stage=Stage.IN_PROGRESS
    )


def acknowledged(incident: Incident | None) -> Incident | None:
    """Note that somebody took it on, where nobody had."""
    if incident is None or not incident.is_open or incident.stage is not Stage.NEW:
        return incident
    return replace(incident, stage=Stage.ACKNOWLEDGED)


def led_by(incident: Incident, alert: Alert, key: str) -> Incident:
    """Name the incident after a member, if that is worse or earlier than the one it is named after."""
    lead = _lead(incident, alert, key)
    return replace(incident, lead=lead) if lead < incident.lead else incident


def _lead(incident: Incident, alert: Alert, key: str) -> Lead:
    """Find the alert that names it. Where the cause is known, symptoms are not asked."""
    if incident.cause and incident.cause not in (alert.resource, alert.service):
        return incident.lead
    return min(incident.lead, lead_of(alert, key))


def lead_of(alert: Alert, key: str) -> Lead:
    """Judge an alert as the one that names its incident."""
    return Lead(alert.severity.rank, alert.starts_at, key, alert.name, alert.summary)


def _incident_id(group: Group, now: Millis, previous: str) -> str:
    story = f"{group.key}|{now}|{previous}".encode("utf-8", "surrogatepass")
    return blake2b(story, digest_size=8).hexdigest()


def shared(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    """Keep the labels that both have."""
    for name, value in ours.items():
        if theirs.get(name) != value:
            break
    else:
        return ours
    return {name: value for name, value in ours.items() if theirs.get(name) == value}


def with_services(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Add services hit; of very many the first are kept."""
    fresh = [service for service in theirs if service and service not in ours]
    if not fresh or len(ours) >= SERVICES_KEPT:
        return ours
    return tuple(sorted((*ours, *fresh)[:SERVICES_KEPT]))


def _shifted(firing: tuple[int, ...], severity: Severity, by: int) -> tuple[int, ...]:
    counts = list(firing)
    counts[severity.rank] += by
    return tuple(counts)
