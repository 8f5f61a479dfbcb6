"""What a correlation shard keeps: names of its records, timers, indexes and logs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from correlation.audit import Months
from correlation.candidates import Candidate
from correlation.changes import Recent
from correlation.inhibition_rules import Sources
from correlation.known_error_rules import KnownErrors
from correlation.problems import Recurrence
from correlation.quarantine import Shelf
from correlation.shadow_log import ShadowLog
from correlation.silences import Silences
from correlation.threshold_rules import Occurrences
from correlation.windows import Windows
from domain.alert import AlertRecord, Sightings
from domain.change import Change
from domain.events import Quarantined
from domain.incident import Incident
from domain.problem import Problem
from domain.times import Millis

INCIDENTS = "incidents"
"""Index of all incidents by the time they opened."""
OPEN_INCIDENTS = "incidents.open"
ALERTS = "alerts"
"""Index of all identities by the time they were first seen."""
LISTENING = "listening:"
OCCURRENCES = "threshold:"
PARTS = 64
"""Records of a list that may be long; each alert is always in the same."""
WAITING = "waiting:"
"""How names of records of lists begin, see ``correlation/waiting.py``."""
QUARANTINE = "quarantine"
"""Log of what could not be decided on."""


CHANGES = "changes"
"""Index of all changes by when they began."""
RECENT = "recent:"
"""Record of the latest changes and incidents."""
PROBLEMS = "problems"
"""Index of all problems by the time they opened."""


class GroupRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The most recent incident of a group."""

    incident: str
    current: tuple[Candidate, ...] = ()
    """Those that alerts may still join, for rules with strategies; the last to be opened last."""


class Outage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The most recent incident of a service that others cannot work without."""

    incident: str


class Listening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How long the shard has been hearing without a break: silence counts only while somebody listens."""

    since: Millis
    heard_at: Millis


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of a list of alerts that wait for the same: their keys, sorted."""

    keys: tuple[str, ...]


class Undecided(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What could not be decided on, and why."""

    at: Millis
    item: str
    error: str


RECORD_KINDS: Mapping[str, type[msgspec.Struct]] = {
    "alert": AlertRecord,
    "seen": Sightings,
    "incident": Incident,
    "group": GroupRecord,
    "outage": Outage,
    "listening": Listening,
    "quarantined": Quarantined,
    "shelf": Shelf,
    "shadows": ShadowLog,
    "silences": Silences,
    "waiting": Waiting,
    "problem": Problem,
    "change": Change,
    "recent": Recent,
    "known_errors": KnownErrors,
    "signature": Recurrence,
    "windows": Windows,
    "audit": Months,
    "threshold": Occurrences,
    "sources": Sources,
}


def alert_record(key: str) -> str:
    """Name the record of an identity; its timer is called the same."""
    return f"alert:{key}"


def seen_record(key: str) -> str:
    """Name the sightings of an identity or of an incident."""
    return f"seen:{key}"


def incident_record(incident: str) -> str:
    """Name the record of an incident; its timer is called the same."""
    return f"incident:{incident}"


def group_record(group: str) -> str:
    """Name the record that points to a group's most recent incident."""
    return f"group:{group}"


def change_record(change: str) -> str:
    """Name the record of a change; its timer is called the same."""
    return f"change:{change}"


def problem_record(problem: str) -> str:
    """Name the record of a problem; its timer is called the same."""
    return f"problem:{problem}"


def signature_record(rule: str, signature: str) -> str:
    """Name the record of the incidents that a rule takes for the same; its timer is called the same."""
    return f"signature:{rule}|{signature}"


def occurrences_record(group: str) -> str:
    """Name the record of what happened in a group before its incident; its timer is called the same."""
    return f"{OCCURRENCES}{group}"


def sources_record(place: str) -> str:
    """Name the record of the alerts that inhibit others at a place."""
    return f"sources:{place}"


def outage_record(service: str) -> str:
    """Name the record that points to a service's most recent incident."""
    return f"outage:{service}"


def timeline_log(incident: str) -> str:
    """Name the log of all that was decided and done about an incident, or a problem."""
    return f"timeline:{incident}"


def members_log(incident: str) -> str:
    """Name the log of the keys of all alerts that joined an incident."""
    return f"members:{incident}"
