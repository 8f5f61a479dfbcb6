"""What can be expected of incidents and alerts, as it is found: in the words of the test files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.rehearsal.desk import Ticket
from app.rehearsal.world import World
from domain.fields import incident_fields
from domain.incident import Incident
from domain.problem import Problem
from routing.routes import walk


def fields_of(incident: Incident, world: World) -> Mapping[str, str]:
    """List what an incident can be chosen by."""
    judged = incident.assessment
    priority, team = (judged.priority.value, judged.team) if judged else ("", "")
    return {
        **incident_fields(incident, priority, team),
        "state": incident.state.value,
        "title": world.router.render(incident).title,
        "name": incident.lead.name,
    }


def facts_of(incident: Incident, world: World) -> dict[str, Any]:
    """List all that can be expected of an incident."""
    judged = incident.assessment
    return {
        "state": incident.state.value,
        "stage": incident.stage.value,
        "title": world.router.render(incident).title,
        "rule": incident.rule,
        "priority": judged and judged.priority.value,
        "impact": judged and judged.impact_name,
        "urgency": judged and judged.urgency_name,
        "severity": incident.severity.value,
        "team": judged and judged.team,
        "assignee": incident.assignee,
        "service": incident.service,
        "services": list(incident.services),
        "labels": incident.labels,
        "alerts": incident.alerts,
        "firing": sum(incident.firing),
        "routes": _routes(incident, world),
        "destinations": list(judged.destinations) if judged else [],
        "tickets": _tickets(incident.id, world),
        "notes": [note.text for note in incident.notes],
        "suspects": [suspect.title for suspect in incident.suspects],
        "workaround": incident.workaround.text if incident.workaround else "",
        "problem": next((each.title for each in world.problems() if each.id == incident.problem), ""),
        "clocks": {clock.target: clock.state for clock in incident.clocks if clock.allowed is not None},
        "timeline": [entry.verdict for entry in world.timeline(incident)],
    }


def problem_fields(problem: Problem) -> Mapping[str, str]:
    """List what a problem can be chosen by."""
    own = {"rule": problem.rule, "state": problem.state.value, "title": problem.title}
    return {**problem.labels, **own}


def problem_facts(problem: Problem, world: World) -> dict[str, Any]:
    """List all that can be expected of a problem."""
    return {
        "state": problem.state.value,
        "title": problem.title,
        "rule": problem.rule,
        "priority": problem.priority.value,
        "impact": problem.impact.value,
        "frequency": problem.frequency.value,
        "team": problem.team,
        "services": list(problem.services),
        "occurrences": problem.occurrences,
        "workaround": problem.workaround.text if problem.workaround else "",
        "destinations": list(problem.destinations),
        "tickets": _tickets(problem.id, world),
        "timeline": [entry.verdict for entry in world.timeline(problem)],
    }


def _routes(incident: Incident, world: World) -> list[str]:
    rules = world.settings.routing
    return [stop.route for stop in walk(rules.index, fields_of(incident, world))]


def _tickets(key: str, world: World) -> dict[str, Any]:
    found = {name: desk.ticket_of(key) for name, desk in world.desks.items()}
    return {name: _ticket(ticket) for name, ticket in found.items() if ticket}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    shows = ticket.shows
    return {
        "title": shows.title,
        "state": shows.state.value,
        "priority": shows.priority.value,
        "team": shows.team,
        "notes": [note.text for note in ticket.notes],
        "description": [shows.description],
        "links": sorted(ticket.links),
    }
