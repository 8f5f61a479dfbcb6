"""What PagerDuty's REST API answers, as far as we read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec


class Reference(msgspec.Struct):
    """Something else, by its id."""

    id: str
    summary: str | None = ""


class Assignment(msgspec.Struct):
    """Who works on it."""

    assignee: Reference


class ResolveReason(msgspec.Struct):
    """Why it is over, where it was not resolved by anybody."""

    type: str = ""
    incident: Reference | None = None


class Incident(msgspec.Struct):
    """An incident as PagerDuty shows it."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    status: str
    incident_key: str | None = None
    title: str = ""
    html_url: str | None = None
    urgency: str = ""
    priority: Reference | None = None
    assignments: list[Assignment] = []
    resolve_reason: ResolveReason | None = None
    updated_at: datetime | None = None
    last_status_change_at: datetime | None = None
    created_at: datetime | None = None


class One(msgspec.Struct):
    """One incident."""

    incident: Incident


class Many(msgspec.Struct):
    """A page of incidents."""

    incidents: list[Incident]


class LogEntry(msgspec.Struct):
    """Something that happened to an incident."""

    id: str
    created_at: datetime
    incident: Reference | None = None


class LogEntries(msgspec.Struct):
    """A page of them, the newest first."""

    log_entries: list[LogEntry]
    more: bool = False


class Priorities(msgspec.Struct):
    """The account's priorities."""

    priorities: list[Reference]
