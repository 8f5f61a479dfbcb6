"""Which incident a newly firing alert belongs to: one that is there, or a new one. Pure."""

from __future__ import annotations

from correlation.cases import Case, Verdict
from correlation.causes import is_symptom, with_cause
from correlation.incidents import led_by, open_incident, with_member
from correlation.rules import CorrelationRules
from domain.incident import Incident, Relation, RelationKind
from domain.times import Millis

Home = tuple[Verdict, str, Incident]
"""What becomes of the alert, why, and the incident with it."""


def belonging(case: Case, rules: CorrelationRules) -> Home:
    """Find the incident of a newly firing alert. A member is never too late, unless the graph has the say."""
    if case.group.rule.topology is not None:
        found = _chosen(case, rules) or _symptom(case, rules)
    else:
        found = _own(case, rules) or _grouped(case, rules)
    return found or (Verdict.OPENED, _why_new(case), _opened(case, rules))


def _own(case: Case, rules: CorrelationRules) -> Home | None:
    """Its own incident first; only when that is over, the one of what its service cannot work without."""
    own = case.own
    if own is not None and own.is_open:
        return Verdict.JOINED, "fires again while its incident is open", _as_member(own, case, rules)
    if not _is_awaited(case) and (symptom := _symptom(case, rules)) is not None:
        return symptom
    if own is not None and resolved_lately(own, case.now, rules):
        why = "fires again soon after its incident was resolved"
        return Verdict.REOPENED, why, _as_member(own, case, rules)
    return None


def _grouped(case: Case, rules: CorrelationRules) -> Home | None:
    """Find its group's incident: that which the strategies choose, or the most recent one."""
    if case.choice is not None:
        return _chosen(case, rules)
    latest, now = case.latest, case.now
    if latest is not None and case.adopted and latest.is_open:
        why = f"the last of {case.group.key} was merged into its incident"
        return Verdict.JOINED, why, _as_member(latest, case, rules)
    if latest is None or now - latest.opened_at > case.group.rule.max_age:
        return None
    if latest.is_open and now - latest.joined_at <= case.group.rule.window:
        return Verdict.JOINED, f"in the window of {case.group.key}", _as_member(latest, case, rules)
    if resolved_lately(latest, now, rules):
        why = f"soon after {case.group.key} was resolved"
        return Verdict.REOPENED, why, _as_member(latest, case, rules)
    return None


def _chosen(case: Case, rules: CorrelationRules) -> Home | None:
    """Go where the rule's strategies say."""
    found, choice = case.latest, case.choice
    if found is None or choice is None:
        return None
    if found.is_open:
        verdict = Verdict.SYMPTOM if is_symptom(found, case.places, rules.topology) else Verdict.JOINED
        return verdict, choice.why, _as_member(found, case, rules)
    if resolved_lately(found, case.now, rules):
        return Verdict.REOPENED, choice.why, _as_member(found, case, rules)
    return None


def _symptom(case: Case, rules: CorrelationRules) -> Home | None:
    """Go where something has failed that its service cannot work without."""
    below = case.below
    if below is None:
        return None
    cause = below.cause or below.service
    why = f"{case.alert.service} cannot work without {cause}, which has an open incident"
    return Verdict.SYMPTOM, why, _as_member(below, case, rules)


def _is_awaited(case: Case) -> bool:
    """Tell whether its group has an incident that takes it, so that it need not be another's symptom."""
    latest, rule = case.latest, case.group.rule
    if latest is None or not latest.is_open:
        return False
    in_time = case.now - latest.joined_at <= rule.window and case.now - latest.opened_at <= rule.max_age
    return case.choice is not None or in_time


def resolved_lately(incident: Incident, now: Millis, rules: CorrelationRules) -> bool:
    """Tell whether it is opened again rather than another opened."""
    if incident.resolved_at is None or incident.is_closed:
        return False
    return now - incident.resolved_at <= rules.reopen_within


def _as_member(incident: Incident, case: Case, rules: CorrelationRules) -> Incident:
    """Make the alert a member, unless it is one already."""
    if case.record is not None and case.record.incident == incident.id:
        return led_by(incident, case.alert, case.key)
    member = with_member(incident, case.alert, case.key, case.now)
    return with_cause(member, case.places, case.alert, case.key, rules.topology) if case.places else member


def _opened(case: Case, rules: CorrelationRules) -> Incident:
    previous = case.previous or (case.latest.id if case.latest else case.shard)
    before = case.own or case.latest
    related = (Relation(RelationKind.FOLLOWS, before.id),) if before and not before.is_open else ()
    opened = open_incident(case.group, case.alert, case.key, case.now, previous, related)
    return with_cause(opened, case.places, case.alert, case.key, rules.topology) if case.places else opened


def _why_new(case: Case) -> str:
    if case.group.missing:
        return f"has no {' and no '.join(case.group.missing)} to group by, so it stands alone"
    if case.choice is not None:
        return case.choice.why
    if case.latest is None:
        return f"first of {case.group.key}"
    return f"too long after the last of {case.group.key}"
