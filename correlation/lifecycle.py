"""How an incident goes through its life by what people say and time does. Pure.

The states are ITIL's (ITIL 4 practice guide: incident management): new, acknowledged, in progress, on hold, resolved,
closed. A resolved incident may come back. Closed is final, but for a person who reopens the ticket
where its tool lets people do that.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from correlation.incidents import acknowledged, closed, resolved, taken_up_again
from correlation.major import demoted, promoted
from correlation.news import with_note
from correlation.rules import CorrelationRules
from domain.commands import (
    Acknowledge,
    Assign,
    Close,
    Demote,
    Hold,
    LifeAction,
    Promote,
    Remark,
    Reopen,
    Resolve,
    Start,
)
from domain.incident import Incident, IncidentState, Stage, TimelineEntry
from domain.times import Millis

VERDICTS: dict[type[LifeAction], str] = {
    Acknowledge: "operator_acknowledged",
    Start: "operator_started",
    Hold: "operator_held",
    Resolve: "operator_resolved",
    Close: "operator_closed",
    Reopen: "operator_reopened",
    Remark: "operator_commented",
    Assign: "operator_assigned",
    Promote: "operator_promoted",
    Demote: "operator_demoted",
}
_WORDS: dict[type[LifeAction], str] = {
    Acknowledge: "Acknowledged",
    Start: "Work begun",
    Hold: "Put on hold",
    Resolve: "Resolved",
    Close: "Closed",
    Reopen: "Reopened",
    Remark: "Comment",
    Promote: "Major incident",
    Demote: "No major incident any more",
}
_STAGES: dict[type[LifeAction], Stage] = {Start: Stage.IN_PROGRESS, Hold: Stage.ON_HOLD}


def why_not(incident: Incident, action: LifeAction) -> str:
    """Say why it cannot be done; empty if it can, or is so already."""
    if incident.merged_into:
        return f"it was merged into {incident.merged_into}"
    if incident.is_closed and not isinstance(action, Close | Remark):
        return "it is closed, which is final; what comes later opens another"
    if not incident.is_open and isinstance(action, Acknowledge | Start | Hold):
        return "it is resolved; reopen it first"
    if isinstance(action, Demote) and not incident.is_major:
        return "it is no major incident"
    return ""


def after_request(incident: Incident, action: LifeAction, now: Millis, who_and_why: str) -> Incident:
    """Do what can be done; the same incident if it is so already."""
    if isinstance(action, Promote):
        changed = promoted(incident, now, who_and_why.removeprefix("by "))
    elif isinstance(action, Demote):
        changed = demoted(incident, now)
    else:
        changed = _changed(incident, action, now)
    if changed is incident and not isinstance(action, Remark):
        return incident
    return with_note(changed, f"{_words(action)} {who_and_why}")


def close_at(incident: Incident, rules: CorrelationRules) -> Millis | None:
    """Say when a resolved incident is closed; None for never."""
    if not rules.close_after or incident.state is not IncidentState.RESOLVED or incident.resolved_at is None:
        return None
    return incident.resolved_at + rules.close_after


def closed_in_time(
    incident: Incident, rules: CorrelationRules, now: Millis
) -> tuple[Incident, Sequence[TimelineEntry]]:
    """Close an incident that has been resolved for long enough."""
    due = close_at(incident, rules)
    if due is None or due > now:
        return incident, ()
    return closed(incident, now), (TimelineEntry(now, "closed", "was resolved for long enough"),)


def _changed(incident: Incident, action: LifeAction, now: Millis) -> Incident:
    match action:
        case Acknowledge() | Start() | Hold():
            return _at_stage(incident, action)
        case Resolve() if incident.is_open:
            return resolved(incident, now)
        case Close():
            return closed(incident, now)
        case Reopen():
            return taken_up_again(incident)
        case Assign() if incident.assignee != action.assignee:
            return replace(incident, assignee=action.assignee)
    return incident


def _at_stage(incident: Incident, action: LifeAction) -> Incident:
    stage = _STAGES.get(type(action))
    if stage is None:
        return acknowledged(incident) or incident
    return incident if incident.stage is stage else replace(incident, stage=stage)


def _words(action: LifeAction) -> str:
    if isinstance(action, Assign):
        return f"Assigned to {action.assignee}" if action.assignee else "Assigned to nobody"
    return _WORDS[type(action)]
