"""How things look in answers. Pure: values in, what JSON can say out."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.delivery.state import TicketRecord
from app.api.cause_shapes import ShownWorkaroundView, SuspectView
from app.api.command_shapes import MajorView
from app.api.shapes import (
    AlertView,
    ClockView,
    HeldView,
    IncidentView,
    ParkedView,
    QuarantineView,
    SilenceView,
    TicketView,
    TimelineView,
)
from app.reads import ShownAlert, ShownIncident
from domain.alert import AlertRecord, Phase
from domain.clock import Clock
from domain.events import Quarantined
from domain.incident import IncidentTicket, Major, ShownWorkaround, Suspect, TimelineEntry
from domain.suppression import Silence
from domain.times import Millis, to_text


def incident_view(shown: ShownIncident) -> IncidentView:
    """Show an incident."""
    incident, judged = shown.incident, shown.incident.assessment
    return {
        "id": incident.id,
        "state": incident.state,
        "stage": incident.stage,
        "assignee": incident.assignee,
        "title": shown.title,
        "service": incident.service,
        "services": incident.services,
        "cause": incident.cause,
        "priority": judged.priority if judged else None,
        "impact": judged.impact_name if judged else None,
        "urgency": judged.urgency_name if judged else None,
        "team": judged.team if judged else "",
        "severity": incident.severity,
        "alerts": incident.alerts,
        "flapping": incident.flapping,
        "events": shown.events,
        "labels": incident.labels,
        "rule": incident.rule,
        "group": incident.group,
        "opened_at": to_text(incident.opened_at),
        "changed_at": to_text(incident.changed_at),
        "resolved_at": _text(incident.resolved_at),
        "closed_at": _text(incident.closed_at),
        "revision": incident.revision,
        "related": [{"kind": each.kind, "incident": each.incident} for each in incident.related],
        "merged_into": incident.merged_into or None,
        "major": _major(incident.major) if incident.major and incident.is_major else None,
        "on_call": incident.on_call,
        "escalated": incident.escalated,
        "sla": [_clock(clock, clock.allowed) for clock in incident.clocks if clock.allowed is not None],
        "problem": incident.problem or None,
        "workaround": _workaround(incident.workaround),
        "suspects": list(map(_suspect, incident.suspects)),
        "tickets": ticket_views(incident.tickets, judged.destinations if judged else ()),
    }


def parked_view(destination: str, record: TicketRecord) -> ParkedView:
    """Show a parked ticket."""
    desired = record.desired
    return {
        "destination": destination,
        "key": desired.key,
        "incident": desired.key,
        "title": desired.title,
        "priority": desired.priority,
        "state": desired.state,
        "reason": record.parked,
        "ticket": record.observed.ref.id if record.observed else None,
    }


def alert_view(shown: ShownAlert) -> AlertView:
    """Show an alert."""
    record = shown.record
    alert = record.alert
    return {
        "key": record.key,
        "source": alert.source,
        "fingerprint": alert.fingerprint,
        "state": record.phase,
        "severity": alert.severity,
        "name": alert.name,
        "summary": alert.summary,
        "service": alert.service,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": to_text(alert.starts_at),
        "ends_at": _text(alert.ends_at),
        "first_seen": to_text(record.first_seen),
        "last_seen": to_text(shown.seen.last_seen),
        "count": shown.seen.count,
        "incident": record.incident or None,
        "url": alert.url,
        "suppressed_by": _held(record) if record.phase is Phase.WAITING else None,
    }


def timeline_view(entry: TimelineEntry) -> TimelineView:
    """Show a line of an incident's story."""
    return {
        "at": to_text(entry.at),
        "verdict": entry.verdict,
        "reason": entry.reason,
        "alert": entry.alert or None,
        "destination": entry.destination or None,
        "rules": entry.rules or None,
    }


def silence_view(silence: Silence, now: Millis) -> SilenceView:
    """Show a silence as it is *now*."""
    return {
        "id": silence.id,
        "state": silence.state_at(now),
        "matchers": silence.matchers,
        "starts_at": to_text(silence.starts_at),
        "ends_at": to_text(silence.ends_at),
        "author": silence.author,
        "comment": silence.comment,
    }


def quarantine_view(kept: Quarantined) -> QuarantineView:
    """Show a request in quarantine, without its body."""
    return {
        "id": kept.id,
        "source": kept.source,
        "received_at": to_text(kept.received_at),
        "reason": kept.reason,
        "path": kept.path,
        "accepted": kept.accepted,
        "method": kept.method,
        "subpath": kept.subpath,
        "content_type": kept.content_type,
        "headers": kept.headers,
        "query": kept.query,
    }


def _clock(clock: Clock, allowed: Millis) -> ClockView:
    return {
        "target": clock.target,
        "state": clock.state,
        "allowed_seconds": allowed / 1000,
        "spent_seconds": clock.spent / 1000,
        "counted_at": to_text(clock.counted_at),
        "calendar": clock.calendar,
        "breach_at": _text(clock.breach_at),
        "met_at": _text(clock.met_at),
    }


def _suspect(suspect: Suspect) -> SuspectView:
    return {
        "change": suspect.change,
        "title": suspect.title,
        "relation": suspect.relation,
        "state": suspect.state,
        "at": to_text(suspect.at),
        "actor": suspect.actor,
        "url": suspect.url,
    }


def _workaround(shown: ShownWorkaround | None) -> ShownWorkaroundView | None:
    if shown is None:
        return None
    return {
        "known_error": shown.known_error,
        "text": shown.text,
        "url": shown.url,
        "at": to_text(shown.at),
        "helped": shown.helped,
    }


def ticket_views(tickets: Sequence[IncidentTicket], wanted: Sequence[str]) -> list[TicketView]:
    """Show the tickets there are, and those there will be."""
    known = {ticket.destination: ticket for ticket in tickets}
    return [
        _ticket(known.get(destination) or IncidentTicket(destination, "pending"))
        for destination in sorted(known.keys() | set(wanted))
    ]


def _ticket(ticket: IncidentTicket) -> TicketView:
    return {
        "destination": ticket.destination,
        "id": ticket.ref.id if ticket.ref else None,
        "url": (ticket.ref.url or None) if ticket.ref else None,
        "state": ticket.state,
        "version": ticket.version,
    }


def _held(record: AlertRecord) -> HeldView | None:
    held = record.held
    return None if held is None else {"kind": held.kind, "by": held.by, "reason": held.reason}


def _text(moment: Millis | None) -> str | None:
    return None if moment is None else to_text(moment)


def _major(major: Major) -> MajorView:
    return {"at": to_text(major.at), "by": major.by, "reason": major.reason}
