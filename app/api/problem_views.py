"""How problems look in answers. Pure: values in, what JSON can say out."""

from __future__ import annotations

from app.api.problem_shapes import ProblemRecordView
from app.api.views import ticket_views
from domain.problem import Problem
from domain.times import Millis, to_text


def problem_view(problem: Problem) -> ProblemRecordView:
    """Show a problem."""
    workaround = problem.workaround
    return {
        "id": problem.id,
        "state": problem.state,
        "stage": problem.stage,
        "assignee": problem.assignee,
        "title": problem.title,
        "rule": problem.rule,
        "signature": problem.signature,
        "labels": problem.labels,
        "services": problem.services,
        "priority": problem.priority,
        "impact": problem.impact,
        "frequency": problem.frequency,
        "team": problem.team,
        "occurrences": problem.occurrences,
        "incidents": problem.incidents,
        "workaround": {"text": workaround.text, "url": workaround.url} if workaround else None,
        "previous": problem.previous or None,
        "opened_at": to_text(problem.opened_at),
        "changed_at": to_text(problem.changed_at),
        "resolved_at": _text(problem.resolved_at),
        "closed_at": _text(problem.closed_at),
        "revision": problem.revision,
        "tickets": ticket_views(problem.tickets, problem.destinations),
    }


def _text(moment: Millis | None) -> str | None:
    return None if moment is None else to_text(moment)
