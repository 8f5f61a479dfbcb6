"""How problems and known errors look in answers. Pure: values in, what JSON can say out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from app.api.problem_figures import KnownErrorFigures
from app.api.problem_shapes import ChangeView, KnownErrorView, ProblemRecordView
from app.api.views import ticket_views
from domain.change import Change
from domain.known_error import KnownError
from domain.matching import Condition, Matcher
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


def known_error_view(
    known: KnownError,
    origin: Literal["configuration", "api"],
    matcher: Matcher | None,
    figures: Mapping[str, KnownErrorFigures],
) -> KnownErrorView:
    """Show a known error; *matcher* is what one of the configuration is compiled to."""
    seen = figures.get(known.id, KnownErrorFigures())
    return {
        "id": known.id,
        "origin": origin,
        "match": known.matchers if matcher is None else list(map(_in_words, matcher.conditions)),
        "workaround": {"text": known.text, "url": known.url},
        "problem": known.problem or None,
        "author": known.author,
        "recorded_at": _text(known.recorded_at or None),
        "matched": seen.matched,
        "helped": seen.helped,
    }


def change_view(change: Change) -> ChangeView:
    """Show a change."""
    return {
        "id": change.id,
        "source": change.source,
        "kind": change.kind,
        "state": change.state,
        "title": change.title,
        "services": change.services,
        "resources": change.resources,
        "environment": change.environment,
        "starts_at": to_text(change.starts_at),
        "ends_at": _text(change.ends_at),
        "at": to_text(change.at),
        "actor": change.actor,
        "url": change.url,
    }


def _in_words(condition: Condition) -> str:
    return f"{condition.name} is {'not ' if condition.negated else ''}{condition.words}"


def _text(moment: Millis | None) -> str | None:
    return None if moment is None else to_text(moment)
