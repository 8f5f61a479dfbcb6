"""An example of each shape. mypy holds them to the shapes, a test to the schemas."""

from __future__ import annotations

from adapters.delivery.state import BreakerState
from app.api.problem_shapes import ChangeView, KnownErrorView, ProblemRecordView
from app.api.shapes import (
    AlertView,
    IncidentView,
    ParkedView,
    ParkedWhole,
    QuarantineView,
    QuarantineWhole,
    Ready,
    SilencePosted,
    SilenceView,
    SilenceWhole,
    TakenView,
    TicketView,
    TimelineView,
)
from app.api.stats import Figures, QuarantineFigures
from app.reads import DestinationFigures
from domain.alert import Phase, Severity
from domain.change import ChangeState
from domain.clock import ClockState, Target
from domain.incident import IncidentState, RelationKind, Stage
from domain.priority import Level, Priority
from domain.problem import ProblemState
from domain.suppression import SilenceState
from domain.ticket import TicketState

CURSOR = "WzE3NzMyMzQwMDAwMDAuMCwiMGE0ZjFjMiIsMF0"
TICKET: TicketView = {
    "destination": "noc",
    "id": "4711",
    "url": "https://rt.example/Ticket/Display.html?id=4711",
    "state": "open",
    "version": 3,
}
INCIDENT: IncidentView = {
    "id": "9f0a4c51b7d2e386",
    "state": IncidentState.OPEN,
    "stage": Stage.ACKNOWLEDGED,
    "assignee": "dana",
    "title": "checkout: error rate above 5 %",
    "service": "checkout",
    "services": ["checkout"],
    "cause": "",
    "priority": Priority.P2,
    "impact": Level.HIGH,
    "urgency": Level.MEDIUM,
    "team": "payments",
    "severity": Severity.HIGH,
    "alerts": 2,
    "flapping": 0,
    "events": 17,
    "labels": {"service": "checkout", "environment": "production"},
    "rule": "by-service",
    "group": "checkout",
    "opened_at": "2026-03-11T13:00:00.000Z",
    "changed_at": "2026-03-11T13:04:10.000Z",
    "resolved_at": None,
    "closed_at": None,
    "revision": 3,
    "problem": "5c1fd0e2ab934476",
    "workaround": {
        "known_error": "leak",
        "text": "restart the pods",
        "url": "https://wiki.example/checkout",
        "at": "2026-03-11T13:00:00.000Z",
        "helped": False,
    },
    "related": [{"kind": RelationKind.FOLLOWS, "incident": "1b9d62f04e8a7c53"}],
    "merged_into": None,
    "major": None,
    "tickets": [TICKET],
    "on_call": "dana",
    "escalated": ["p2-waits#1"],
    "suspects": [
        {
            "change": "github/acme/checkout/42",
            "title": "Deployment of checkout v1.2.3 to production",
            "relation": "service",
            "state": "succeeded",
            "at": "2026-03-11T12:58:00.000Z",
            "actor": "dana",
            "url": "https://github.example/acme/checkout/actions/runs/42",
        }
    ],
    "sla": [
        {
            "target": Target.RESOLVE,
            "state": ClockState.RUNNING,
            "allowed_seconds": 28800.0,
            "spent_seconds": 0.0,
            "counted_at": "2026-03-11T13:00:00.000Z",
            "calendar": "office",
            "breach_at": "2026-03-12T13:00:00.000Z",
            "met_at": None,
        }
    ],
}
PROBLEM: ProblemRecordView = {
    "id": "5c1fd0e2ab934476",
    "state": ProblemState.KNOWN_ERROR,
    "stage": Stage.NEW,
    "assignee": "",
    "title": "checkout: error rate above 5 %",
    "rule": "recurring",
    "signature": "service=checkout,alertname=ErrorRate",
    "labels": {"service": "checkout", "alertname": "ErrorRate"},
    "services": ["checkout"],
    "priority": Priority.P3,
    "impact": Level.HIGH,
    "frequency": Level.MEDIUM,
    "team": "payments",
    "occurrences": 3,
    "incidents": ["1c0f4c51b7d2e380", "7b3f4c51b7d2e381", "9f0a4c51b7d2e386"],
    "workaround": {"text": "restart the pods", "url": "https://wiki.example/checkout"},
    "previous": None,
    "opened_at": "2026-03-11T13:00:00.000Z",
    "changed_at": "2026-03-11T14:00:00.000Z",
    "resolved_at": None,
    "closed_at": None,
    "revision": 2,
    "tickets": [TICKET],
}
CHANGE: ChangeView = {
    "id": "github/acme/checkout/42",
    "source": "github",
    "kind": "deployment",
    "state": ChangeState.SUCCEEDED,
    "title": "Deployment of checkout v1.2.3 to production",
    "services": ["checkout"],
    "resources": ["acme/checkout"],
    "environment": "production",
    "starts_at": "2026-03-11T12:55:00.000Z",
    "ends_at": "2026-03-11T12:58:00.000Z",
    "at": "2026-03-11T12:58:00.000Z",
    "actor": "dana",
    "url": "https://github.example/acme/checkout/actions/runs/42",
}
KNOWN_ERROR: KnownErrorView = {
    "id": "leak",
    "origin": "api",
    "match": ['service="checkout"', 'alertname="ErrorRate"'],
    "workaround": {"text": "restart the pods", "url": "https://wiki.example/checkout"},
    "problem": "5c1fd0e2ab934476",
    "author": "dana",
    "recorded_at": "2026-03-11T13:00:00.000Z",
    "matched": 4,
    "helped": 3,
}
ALERT: AlertView = {
    "key": "prom/8f1f8a5c1d0c2b3e",
    "source": "prom",
    "fingerprint": "8f1f8a5c1d0c2b3e",
    "state": Phase.FIRING,
    "severity": Severity.HIGH,
    "name": "ErrorRate",
    "summary": "error rate above 5 %",
    "service": "checkout",
    "labels": {"alertname": "ErrorRate", "service": "checkout"},
    "annotations": {"summary": "error rate above 5 %"},
    "starts_at": "2026-03-11T12:59:30.000Z",
    "ends_at": None,
    "first_seen": "2026-03-11T13:00:00.000Z",
    "last_seen": "2026-03-11T13:04:00.000Z",
    "count": 9,
    "incident": "9f0a4c51b7d2e386",
    "url": "https://prometheus.example/graph?g0.expr=errors",
    "suppressed_by": None,
}
SILENCE: SilenceView = {
    "id": "6f1a2c9e-88a1-4a53-9d7c-1f0c5a9be2d3",
    "state": SilenceState.ACTIVE,
    "matchers": ['service="cart"', 'alertname=~"Disk.*"'],
    "starts_at": "2026-03-11T13:00:00.000Z",
    "ends_at": "2026-03-11T15:00:00.000Z",
    "author": "dana",
    "comment": "new disks",
}
SILENCE_WHOLE: SilenceWhole = {**SILENCE, "alerts": 3}
SILENCE_POSTED: SilencePosted = {
    "matchers": ['service="cart"', 'alertname=~"Disk.*"'],
    "duration": "2h",
    "author": "dana",
    "comment": "new disks",
}
TIMELINE: TimelineView = {
    "at": "2026-03-11T13:00:00.000Z",
    "verdict": "opened",
    "reason": "no open incident of the group checkout",
    "alert": "prom/8f1f8a5c1d0c2b3e",
    "destination": None,
    "rules": "5a0c93fe",
}
QUARANTINED: QuarantineView = {
    "id": "beef-1",
    "source": "prom",
    "received_at": "2026-03-11T13:00:00.000Z",
    "reason": "expected a string, got a number",
    "path": "alerts[1].labels.a",
    "accepted": 1,
    "method": "POST",
    "subpath": "",
    "content_type": "application/json",
    "headers": {"authorization": "***", "user-agent": "Alertmanager/0.28.1"},
    "query": {},
}
QUARANTINED_WHOLE: QuarantineWhole = {**QUARANTINED, "body": '{"alerts": [{"labels": {"a": 1}}]}'}
PARKED: ParkedView = {
    "destination": "noc",
    "key": "9f0a4c51b7d2e386",
    "incident": "9f0a4c51b7d2e386",
    "title": "checkout: error rate above 5 %",
    "priority": Priority.P2,
    "state": TicketState.OPEN,
    "reason": "no such queue",
    "ticket": None,
}
PARKED_WHOLE: ParkedWhole = {**PARKED, "request": "POST https://rt.example/REST/2.0/ticket"}
READY: Ready = {"status": "ok", "dependencies": {"broker": {"status": "ok"}, "store": {"status": "ok"}}}
NOT_READY: Ready = {
    "status": "down",
    "dependencies": {"broker": {"status": "down", "error": "connection refused"}, "store": {"status": "ok"}},
}
FIGURES = Figures(
    accepted=1204,
    in_flight=2,
    outcomes={"opened": 14, "joined": 88, "duplicate": 1100},
    destinations={
        "noc": DestinationFigures(
            pending=1, parked=0, breaker=BreakerState.CLOSED, quarantined=0, timers_failed=0
        )
    },
    missing_group_label=0,
    expired=0,
    heartbeats_missed=0,
    sla={"sla_breach.resolve.P2": 1},
    timers_failed=0,
    quarantine=QuarantineFigures(kept=1, replayed=3, dropped=0, expired=0),
    suppressed={"silence": 12},
    silences={"active": 1},
    spooled=0,
    mailboxes={"alerts.0": 2, "tickets.noc": None},
)
TAKEN: TakenView = {"id": "beef-2", "accepted": 2}
PUSHED = [{"labels": {"alertname": "ErrorRate"}, "startsAt": "2026-03-11T12:59:30Z"}]
WEBHOOK = {
    "version": "4",
    "alerts": [{"status": "firing", "labels": {"alertname": "ErrorRate", "service": "checkout"}}],
}
PAGERDUTY = {
    "routing_key": "YOUR-TOKEN",
    "event_action": "trigger",
    "dedup_key": "disk/db-1",
    "payload": {"summary": "Disk full", "source": "db-1", "severity": "error"},
}
OPSGENIE = {"message": "Disk full", "alias": "disk/db-1", "entity": "db-1", "priority": "P2"}

AUDITED = {
    "at": "2026-01-05T09:20:11.000Z",
    "actor": "deploy-bot",
    "role": "operator",
    "method": "POST",
    "path": "/api/v1/parked/noc/9f0a4c51b7d2e386/retry",
    "status": 200,
    "peer": "192.0.2.7",
}
