"""Incidents to tickets: judges an incident and says what its tickets show. Pure."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from domain.clock import Clock, Happening, first_look
from domain.fields import incident_fields
from domain.incident import Assessment, Incident, Stage
from domain.priority import Level, Priority
from domain.problem import Problem
from domain.ticket import DesiredTicket, TicketState
from domain.times import Millis, to_text
from routing.adjustments import next_change
from routing.priority import Judgement, facts_of, in_three, judge, levels_shown, main_service, named
from routing.problems import problem_ticket
from routing.routes import destinations_of, walk
from routing.rules import RoutingRules
from routing.sla import Situation, clocks_after
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
        judgement = judge(incident, self._rules, now)
        known = incident.assessment
        if known is None or not known.priority.is_above(judgement.priority):
            return self._assessment(incident, judgement), judgement.reason
        if known.lower_at is None:
            return _held(known, now + self._rules.lower_after), f"stays {known.priority} for now"
        if now < known.lower_at:
            return known, f"stays {known.priority} for now"
        return self._assessment(incident, judgement), f"{judgement.reason}, for long enough"

    def follow(self, incident: Incident, now: Millis) -> tuple[Incident, list[Happening]]:
        """Bring what runs by time up to *now*: its clocks. Say what happened, and when to look again."""
        rules, judged = self._rules, incident.assessment
        if not rules.changes_with_time or judged is None:
            return _unfollowed(incident), []
        clocks, happened = self._clocks(incident, judged, now)
        looks = [clock.look_at for clock in clocks]
        if incident.is_open and rules.watched_adjustments:
            looks.append(next_change(rules.watched_adjustments, facts_of(incident, rules, now)))
        return replace(incident, clocks=clocks, follow_at=first_look(looks)), happened

    def _clocks(
        self, incident: Incident, judged: Assessment, now: Millis
    ) -> tuple[tuple[Clock, ...], list[Happening]]:
        sla = self._rules.sla
        if sla is None:
            return (), []
        pause = "it is on hold" if incident.stage is Stage.ON_HOLD else ""
        situation = Situation(main_service(incident, self._rules).name, judged.priority, now, pause)
        return clocks_after(incident, situation, sla)

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
        team = main_service(incident, self._rules).team or self._rules.default_service.team
        fields = incident_fields(incident, judgement.priority.value, team)
        routed = destinations_of(list(walk(self._rules.index, fields)))
        kept = incident.assessment.destinations if incident.assessment else ()
        impact, urgency = in_three(judgement.impact, judgement.urgency, self._rules)
        return Assessment(
            impact=impact,
            urgency=urgency,
            priority=judgement.priority,
            team=team,
            destinations=tuple(dict.fromkeys(kept + routed)),
            names=None if self._rules.has_plain_levels else (judgement.impact, judgement.urgency),
        )


def _unfollowed(incident: Incident) -> Incident:
    """Nothing runs by time any more, if ever something did."""
    if not incident.clocks and incident.follow_at is None:
        return incident
    return replace(incident, clocks=(), follow_at=None)


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
        "labels": incident.labels,
        "alerts": incident.alerts,
        "firing": sum(incident.firing),
        "priority": judged.priority.value,
        "impact": judged.impact_name,
        "urgency": judged.urgency_name,
        "team": judged.team,
        "opened_at": to_text(incident.opened_at),
        "resolved_at": to_text(incident.resolved_at) if incident.resolved_at else "",
        "url": url,
        "workaround": {"text": incident.workaround.text, "url": incident.workaround.url}
        if incident.workaround
        else {},
        "sla": [_clock_values(clock) for clock in incident.clocks if clock.allowed is not None],
        "related": [{"kind": each.kind.value, "incident": each.incident} for each in incident.related],
        "merged_into": incident.merged_into,
    }


def _clock_values(clock: Clock) -> dict[str, str]:
    breach_at = to_text(clock.breach_at) if clock.breach_at is not None else ""
    return {"target": clock.target.value, "state": clock.state.value, "breach_at": breach_at}
