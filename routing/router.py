"""Incidents to tickets: judges an incident and says what its tickets show. Pure."""

from __future__ import annotations

from dataclasses import replace as dataclass_replace
from typing import Any

from msgspec.structs import replace

from domain.clock import Clock, Happening, first_look
from domain.fields import incident_fields
from domain.incident import Assessment, Incident, Stage, Suspect
from domain.priority import Level, Priority
from domain.problem import Problem
from domain.ticket import DesiredTicket, TicketState
from domain.times import Millis, to_text
from routing.adjustments import next_change
from routing.escalation import EscalationStep, next_step, raised, taken
from routing.priority import Judgement, facts_of, in_three, judge, levels_shown, main_service, named
from routing.problems import problem_ticket
from routing.routes import destinations_of, walk
from routing.rules import RoutingRules
from routing.sla import Situation, clocks_after
from routing.teams import team_of, with_on_call
from routing.templates import DESCRIPTION, render

_STATES = {
    Stage.NEW: TicketState.OPEN,
    Stage.ACKNOWLEDGED: TicketState.ACKNOWLEDGED,
    Stage.IN_PROGRESS: TicketState.IN_PROGRESS,
    Stage.ON_HOLD: TicketState.ON_HOLD,
}
UNJUDGED = Assessment(Level.LOW, Level.LOW, Priority.P5, "", ())


class IncidentRouter:
    """Applies the routing rules."""

    def __init__(self, rules: RoutingRules) -> None:
        self._rules = rules

    def assess(self, incident: Incident, now: Millis) -> tuple[Assessment, str]:
        """Judge the incident anew; say why. A priority rises at once, and falls only after a while."""
        steps = tuple(taken(incident, self._rules.escalation))
        judgement = _raised(judge(incident, self._rules, now), steps)
        known = incident.assessment
        if known is None or not known.priority.is_above(judgement.priority):
            return self._assessment(incident, judgement), judgement.reason
        if known.lower_at is None:
            return _held(known, now + self._rules.lower_after), f"stays {known.priority} for now"
        if now < known.lower_at:
            return known, f"stays {known.priority} for now"
        return self._assessment(incident, judgement), f"{judgement.reason}, for long enough"

    def follow(self, incident: Incident, now: Millis) -> tuple[Incident, list[Happening]]:
        """Bring what runs by time up to *now*: clocks, escalation, who is on call.

        Say what happened, and when to look again.
        """
        rules = self._rules
        if not rules.changes_with_time or incident.assessment is None:
            return _unfollowed(incident), []
        incident, happened = self._counted(_waiting_since(incident, rules, now), now)
        while (step := self._next_step(incident)) is not None and step[0] <= now:
            incident, told = self._escalated(incident, step[1], now)
            incident, told_late = self._counted(incident, now)
            happened += [told, *told_late]
        incident, until, told_who = with_on_call(incident, rules, now)
        looks = [step[0] if step else None, until, *(clock.look_at for clock in incident.clocks)]
        if incident.is_open and rules.watched_adjustments:
            looks.append(next_change(rules.watched_adjustments, facts_of(incident, rules, now)))
        return replace(incident, follow_at=first_look(looks)), [*happened, *told_who]

    def _next_step(self, incident: Incident) -> tuple[Millis, EscalationStep] | None:
        policies, judged = self._rules.escalation, incident.assessment
        if not policies or judged is None:
            return None
        fields = incident_fields(incident, judged.priority.value, judged.team)
        return next_step(incident, policies, fields, self._rules.calendars)

    def _escalated(self, incident: Incident, step: EscalationStep, now: Millis) -> tuple[Incident, Happening]:
        """Take a step; what it does is seen wherever the incident is judged from now on."""
        incident = replace(incident, escalated=(*incident.escalated, step.id))
        before = incident.assessment
        judged, _ = self.assess(incident, now)
        reason = f"{step.id}: {step.why}: {step.deeds}"
        if before is not None and before.priority is not judged.priority:
            reason += f"; priority {before.priority} is {judged.priority} now"
        told = Happening("escalated", reason, note=f"Escalated by {reason}")
        return replace(incident, assessment=judged), told

    def _counted(self, incident: Incident, now: Millis) -> tuple[Incident, list[Happening]]:
        if incident.assessment is None:
            return incident, []
        clocks, happened = self._clocks(incident, incident.assessment, now)
        return replace(incident, clocks=clocks), happened

    def _clocks(
        self, incident: Incident, judged: Assessment, now: Millis
    ) -> tuple[tuple[Clock, ...], list[Happening]]:
        sla = self._rules.sla
        if sla is None:
            return (), []
        pause = "it is on hold" if incident.stage is Stage.ON_HOLD else ""
        situation = Situation(main_service(incident, self._rules).name, judged.priority, now, pause)
        return clocks_after(incident, situation, sla)

    def would_route(self, incident: Incident) -> list[tuple[str, str]]:
        """Say what routes in shadow would do with the incident as it is judged."""
        judged = incident.assessment
        if judged is None or not self._rules.shadows:
            return []
        fields = incident_fields(incident, judged.priority.value, judged.team)
        are = ", ".join(judged.destinations) or "nowhere"
        return [
            (stop.route, f"would send it to {', '.join(stop.destinations) or 'nowhere'}, not to {are}")
            for stop in walk(self._rules.shadow_index, fields)
            if stop.shadow
        ]

    def render(self, incident: Incident) -> DesiredTicket:
        """Say what the incident's tickets should show."""
        judged = incident.assessment or UNJUDGED
        impact, urgency = levels_shown(judged.priority, judged.impact_name, judged.urgency_name, self._rules)
        url = f"{self._rules.public_url}/api/v1/incidents/{incident.id}"
        values = _template_values(incident, judged, url)
        summary = " ".join((incident.lead.summary or incident.lead.name).split()) or f"incident {incident.id}"
        title = render(self._rules.title, values, summary)
        return DesiredTicket(
            key=incident.id,
            version=incident.revision,
            title=" ".join(title.split()) or summary,
            description=render(self._rules.description or DESCRIPTION, values, summary),
            priority=judged.priority,
            impact=impact,
            urgency=urgency,
            state=_state(incident),
            team=judged.team,
            service=incident.service,
            labels=incident.labels,
            alerts=incident.alerts,
            url=url,
            opened_at=incident.opened_at,
            notes=incident.notes,
            links=incident.links,
        )

    def prioritise(self, impact: Level, urgency: Level) -> Priority:
        """Give the priority of what has this impact and this urgency."""
        rules = self._rules
        return rules.matrix[named(impact, rules.impact_levels), named(urgency, rules.urgency_levels)]

    def render_problem(self, problem: Problem) -> DesiredTicket:
        """Say what the problem's tickets should show."""
        return problem_ticket(problem, self._rules.public_url)

    def _assessment(self, incident: Incident, judgement: Judgement) -> Assessment:
        """Destinations are kept once they have a ticket: a ticket must not be left behind."""
        rules = self._rules
        steps = tuple(taken(incident, rules.escalation))
        team = team_of(incident, judgement.priority, steps, rules).team
        fields = incident_fields(incident, judgement.priority.value, team)
        routed = destinations_of(list(walk(rules.index, fields)))
        added = tuple(name for step in steps for name in step.destinations)
        kept = incident.assessment.destinations if incident.assessment else ()
        impact, urgency = in_three(judgement.impact, judgement.urgency, rules)
        return Assessment(
            impact=impact,
            urgency=urgency,
            priority=judgement.priority,
            team=team,
            destinations=tuple(dict.fromkeys(kept + routed + added)),
            names=None if rules.has_plain_levels else (judgement.impact, judgement.urgency),
        )


def _unfollowed(incident: Incident) -> Incident:
    """Nothing runs by time any more, if ever something did."""
    if not incident.clocks and incident.follow_at is None and not incident.on_call:
        return incident
    return replace(incident, clocks=(), follow_at=None, on_call="")


def _waiting_since(incident: Incident, rules: RoutingRules, now: Millis) -> Incident:
    """Note since when nobody has taken it on; opened again, that begins anew."""
    if not rules.escalation:
        return incident
    waits = incident.is_open and incident.stage is Stage.NEW
    if waits is (incident.new_since is not None):
        return incident
    return replace(incident, new_since=now if waits else None)


def _raised(judgement: Judgement, steps: tuple[EscalationStep, ...]) -> Judgement:
    priority = raised(judgement.priority, steps) if steps else judgement.priority
    if priority is judgement.priority:
        return judgement
    return dataclass_replace(
        judgement, priority=priority, reason=f"{priority} by escalation, else {judgement.reason}"
    )


def _state(incident: Incident) -> TicketState:
    if incident.is_open:
        return _STATES[incident.stage]
    return TicketState.CLOSED if incident.is_closed else TicketState.RESOLVED


def _held(known: Assessment, lower_at: Millis) -> Assessment:
    return replace(known, lower_at=lower_at)


def _template_values(incident: Incident, judged: Assessment, url: str) -> dict[str, Any]:
    return {
        "id": incident.id,
        "name": incident.lead.name,
        "summary": incident.lead.summary or incident.lead.name,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "service": incident.service,
        "services": incident.services,
        "cause": incident.cause,
        "labels": incident.labels,
        "alerts": incident.alerts,
        "firing": sum(incident.firing),
        "priority": judged.priority.value,
        "impact": judged.impact_name,
        "urgency": judged.urgency_name,
        "team": judged.team,
        "opened_at": to_text(incident.opened_at),
        "resolved_at": to_text(incident.resolved_at) if incident.resolved_at else "",
        "on_call": incident.on_call,
        "url": url,
        "suspects": [_suspect_values(each) for each in incident.suspects],
        "workaround": {"text": incident.workaround.text, "url": incident.workaround.url}
        if incident.workaround
        else {},
        "sla": [_clock_values(clock) for clock in incident.clocks if clock.allowed is not None],
        "related": [{"kind": each.kind.value, "incident": each.incident} for each in incident.related],
        "merged_into": incident.merged_into,
        "major": incident.major.reason or incident.major.by if incident.major and incident.is_major else "",
    }


def _suspect_values(suspect: Suspect) -> dict[str, str]:
    return {
        "title": suspect.title,
        "relation": suspect.relation,
        "state": suspect.state,
        "actor": suspect.actor,
        "url": suspect.url,
        "at": to_text(suspect.at),
    }


def _clock_values(clock: Clock) -> dict[str, str]:
    breach_at = to_text(clock.breach_at) if clock.breach_at is not None else ""
    return {"target": clock.target.value, "state": clock.state.value, "breach_at": breach_at}
