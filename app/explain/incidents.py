"""Explains what an incident is, how it is judged, and where its ticket goes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest

from app.explain.nearest import TOLD_AT_MOST, more
from app.explain.steps import Step
from domain.clock import Clock, ClockState
from domain.durations import lasting
from domain.fields import incident_fields
from domain.incident import Assessment, Incident
from domain.times import Millis, to_text
from routing.escalation import taken
from routing.priority import Judgement, judge
from routing.router import IncidentRouter
from routing.routes import Visit, visits
from routing.rules import RoutingRules
from routing.teams import team_of


def incident_steps(
    before: Incident | None, after: Incident | None, rules: RoutingRules, now: Millis
) -> Iterator[Step]:
    """Tell of the incident that an alert belongs to, as it is now."""
    if after is None:
        yield Step("incident", "none", "so there is nothing to judge, and no ticket")
        return
    yield _incident_step(before, after)
    if after.workaround is not None:
        shown = after.workaround
        yield Step(
            "workaround", f"{shown.text} {shown.url}".rstrip(), f"known error {shown.known_error} matches"
        )
    if after.assessment is not None:
        judgement = judge(after, rules, now)
        yield _priority_step(after, after.assessment, judgement)
        yield _team_step(after, after.assessment, rules)
        yield from map(_clock_step, (clock for clock in after.clocks if clock.allowed is not None))
        yield _routes_step(after, after.assessment, judgement, rules)
        yield _ticket_step(after, rules)


def _incident_step(before: Incident | None, after: Incident) -> Step:
    lead = after.lead
    firing = f"{sum(after.firing)} of {after.alerts} alert{'s' if after.alerts != 1 else ''} firing"
    change = "new" if before is None else "unchanged" if before == after else "changed"
    steps = (
        Step("lead", f"{lead.name} ({lead.key})", "the worst alert names it, of those the earliest"),
        *((Step("suspected cause", after.cause, "the deepest dependency hit"),) if after.cause else ()),
        Step("services", ", ".join(after.services) or "none known"),
        Step("opened", to_text(after.opened_at)),
        *((Step("resolved", to_text(after.resolved_at)),) if after.resolved_at is not None else ()),
    )
    return Step("incident", after.id, f"{change}; {after.state.value}, {firing}", steps)


def _priority_step(incident: Incident, judged: Assessment, judgement: Judgement) -> Step:
    steps = (Step("impact", judged.impact_name), Step("urgency", judged.urgency_name))
    return Step("priority", judged.priority.value, _why_priority(incident, judged, judgement), steps)


def _why_priority(incident: Incident, judged: Assessment, judgement: Judgement) -> str:
    reason = judgement.reason.removeprefix(f"{judged.priority.value}: ")
    if judged.priority is judgement.priority:
        return reason
    if not incident.is_open:
        return "as it was when it was resolved"
    return f"kept for now; right would be {reason}"


def _team_step(incident: Incident, judged: Assessment, rules: RoutingRules) -> Step:
    steps = tuple(taken(incident, rules.escalation))
    owner = team_of(incident, judged.priority, steps, rules)
    who = (Step("on call", incident.on_call),) if incident.on_call else ()
    return Step("team", judged.team or "unassigned", owner.why, who)


def _clock_step(clock: Clock) -> Step:
    limit = f"within {lasting(clock.allowed or 0)}{f' of {clock.calendar}' if clock.calendar else ''}"
    if clock.breach_at is None or clock.state is ClockState.MET:
        return Step(f"time to {clock.target}", clock.state.value, limit)
    return Step(f"time to {clock.target}", f"{clock.state}, until {to_text(clock.breach_at)}", limit)


def _routes_step(incident: Incident, judged: Assessment, judgement: Judgement, rules: RoutingRules) -> Step:
    fields = incident_fields(incident, judgement.priority.value, judged.team)
    walked = list(visits(rules.routes, fields))
    says = ", ".join(judged.destinations) or "no destinations"
    return Step("routes", says, _why_routes(judged, walked), tuple(_visit_steps(walked)))


def _why_routes(judged: Assessment, walked: list[Visit]) -> str:
    if not walked:
        return "there are no routes"
    routed = {name for visit in walked if visit.decides for name in visit.destinations}
    kept = [name for name in judged.destinations if name not in routed]
    return f"{', '.join(kept)} kept, as a ticket is there already" if kept else ""


def _visit_steps(walked: list[Visit]) -> Iterator[Step]:
    """Tell of all that apply, and of the nearest of those that do not."""
    missed = [visit for visit in walked if visit.missed]
    near = nsmallest(TOLD_AT_MOST, missed, key=lambda visit: (visit.missed, -visit.held))
    yield from (_visit_step(visit) for visit in walked if not visit.missed or visit in near)
    yield from more(len(missed) - len(near))


def _visit_step(visit: Visit) -> Step:
    name = f"route {visit.route}"
    if visit.miss is not None:
        return Step(name, "does not apply", visit.miss)
    if not visit.decides:
        return Step(name, "applies", "a route below it decides")
    return Step(name, f"applies: {', '.join(visit.destinations) or 'no destinations'}")


def _ticket_step(after: Incident, rules: RoutingRules) -> Step:
    ticket = IncidentRouter(rules).render(after)
    steps = (Step("state", ticket.state.value), Step("description", ticket.description.rstrip()))
    made = after.assessment is not None and after.assessment.destinations
    return Step("ticket", ticket.title, f"version {ticket.version}" if made else "goes nowhere", steps)
