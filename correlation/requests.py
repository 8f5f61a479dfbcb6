"""What operators ask for is done once; who and why, and what was refused, goes on record. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from correlation.state import timeline_log
from domain.batch import Batch
from domain.events import OperatorAsked
from domain.incident import Incident, TimelineEntry

REQUESTS_KNOWN = 20


def is_known(incident: Incident, asked: OperatorAsked) -> bool:
    """Tell whether it is a copy of a request that was met."""
    return bool(asked.id) and asked.id in incident.requests


def remembering(incident: Incident, asked: OperatorAsked) -> Incident:
    """Note that a request was met."""
    if not asked.id:
        return incident
    return replace(incident, requests=(*incident.requests, asked.id)[-REQUESTS_KNOWN:])


def refuse(batch: Batch, asked: OperatorAsked, incident: Incident, reason: str) -> None:
    """Put on record what was asked for, and why it was not done."""
    verb = str(type(asked.action).__struct_config__.tag)
    entry = TimelineEntry(asked.at, "operator_refused", f"{verb} {who_and_why(asked)}: {reason}")
    batch.log(timeline_log(incident.id), entry)


def who_and_why(asked: OperatorAsked) -> str:
    """Say who and why.

    >>> from domain.commands import Assign
    >>> who_and_why(OperatorAsked(0, "alice", "planned work", Assign("a1", "bob")))
    'by alice: planned work'
    """
    return f"by {asked.actor}: {asked.reason}" if asked.reason else f"by {asked.actor}"
