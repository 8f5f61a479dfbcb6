"""Problems to wanted tickets: what the ticket of a problem shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from domain.incident import Stage
from domain.problem import Problem, ProblemState
from domain.ticket import DesiredTicket, TicketKind, TicketState
from domain.times import to_text

LISTED = 20
"""Incidents that the ticket names; the last ones."""
_STAGES = {
    Stage.NEW: TicketState.OPEN,
    Stage.ACKNOWLEDGED: TicketState.ACKNOWLEDGED,
    Stage.IN_PROGRESS: TicketState.IN_PROGRESS,
    Stage.ON_HOLD: TicketState.ON_HOLD,
}
_OVER = {ProblemState.RESOLVED: TicketState.RESOLVED, ProblemState.CLOSED: TicketState.CLOSED}


def problem_ticket(problem: Problem, public_url: str) -> DesiredTicket:
    """Say what the problem's tickets should show."""
    url = f"{public_url}/api/v1/problems/{problem.id}"
    title = f"[{problem.priority}] Problem: {' '.join(problem.title.split()) or problem.signature}"
    return DesiredTicket(
        key=problem.id,
        version=problem.revision,
        title=title,
        description="\n".join(_lines(problem, public_url, url)),
        priority=problem.priority,
        impact=problem.impact,
        urgency=problem.frequency,
        state=_OVER.get(problem.state, _STAGES[problem.stage]),
        team=problem.team,
        service=problem.services[0] if len(problem.services) == 1 else problem.labels.get("service", ""),
        labels=problem.labels,
        alerts=problem.occurrences,
        url=url,
        opened_at=problem.opened_at,
        kind=TicketKind.PROBLEM,
        notes=problem.notes,
    )


def _lines(problem: Problem, public_url: str, url: str) -> Iterator[str]:
    yield f"{problem.occurrences} incidents have the same signature: {problem.signature or 'any'}"
    yield ""
    yield f"Services: {', '.join(problem.services) or 'unknown'}"
    yield f"Priority: {problem.priority} ({problem.impact} impact, {problem.frequency} frequency)"
    yield f"Team: {problem.team or 'unassigned'}"
    yield f"Opened: {to_text(problem.opened_at)}, by rule {problem.rule}"
    if problem.workaround is not None:
        yield f"Workaround: {problem.workaround.text} {problem.workaround.url}".rstrip()
    if problem.previous:
        yield f"Before it, closed: {public_url}/api/v1/problems/{problem.previous}"
    yield ""
    yield "Incidents, the last first:"
    for incident in reversed(problem.incidents[-LISTED:]):
        yield f"- {public_url}/api/v1/incidents/{incident}"
    yield ""
    yield url
