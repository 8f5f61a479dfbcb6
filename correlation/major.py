"""Major incidents: above the line that needs a procedure of its own. Pure.

A rule raises one once; only a person demotes it.
"""

from __future__ import annotations

from msgspec.structs import replace

from correlation.major_rules import MajorRule
from correlation.news import with_note
from correlation.state import timeline_log
from domain.batch import Batch
from domain.fields import incident_fields
from domain.incident import Assessment, Incident, Major, TimelineEntry
from domain.times import Millis


def with_major(batch: Batch, incident: Incident, now: Millis, rules: tuple[MajorRule, ...]) -> Incident:
    """Raise the incident where a rule says so, once; keep the team of one that was."""
    judged = incident.assessment
    if judged is None or not incident.is_open:
        return incident
    if incident.major is not None:
        return _with_team(incident, judged, incident.major)
    rule = _rule_of(incident, judged, rules)
    if rule is None:
        return incident
    reason = f"{judged.priority}, {incident.alerts} alerts, {len(incident.services)} services"
    batch.log(timeline_log(incident.id), TimelineEntry(now, "major", f"by rule {rule.id}: {reason}"))
    batch.count("majors_raised")
    return _raised(incident, judged, rule, Major(now, f"rule {rule.id}", reason, rule.team))


def promoted(incident: Incident, now: Millis, who_and_why: str) -> Incident:
    """Raise it, as a person says."""
    who, _, why = who_and_why.partition(": ")
    return incident if incident.is_major else replace(incident, major=Major(now, who, why))


def demoted(incident: Incident, now: Millis) -> Incident:
    """Make it an ordinary one; no rule raises it again."""
    major = incident.major
    return incident if major is None else replace(incident, major=replace(major, demoted_at=now))


def _rule_of(incident: Incident, judged: Assessment, rules: tuple[MajorRule, ...]) -> MajorRule | None:
    fields = incident_fields(incident, judged.priority.value, judged.team)
    for rule in rules:
        enough = incident.alerts >= rule.alerts and len(incident.services) >= rule.services
        if enough and rule.match.matches(fields):
            return rule
    return None


def _raised(incident: Incident, judged: Assessment, rule: MajorRule, major: Major) -> Incident:
    destinations = tuple(dict.fromkeys((*judged.destinations, *rule.destinations)))
    judged = replace(judged, destinations=destinations)
    raised = replace(incident, major=major, assessment=judged, assignee=incident.assignee or rule.assignee)
    told = with_note(raised, f"Major incident by {major.by}: {major.reason}")
    return _with_team(told, judged, major)


def _with_team(incident: Incident, judged: Assessment, major: Major) -> Incident:
    if not incident.is_major or not major.team or judged.team == major.team:
        return incident
    return replace(incident, assessment=replace(judged, team=major.team))
