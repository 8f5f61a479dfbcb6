"""What operators ask of problems, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from correlation import known_errors, problems
from correlation.problem_filing import ProblemFiling
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import problem_record
from domain.batch import Batch
from domain.incident import TimelineEntry
from domain.known_error import ForgetKnownError, KnownErrorAction, RecordKnownError
from domain.problem import Problem, Workaround
from domain.problem_commands import ProblemAction, ReopenProblem, ResolveProblem, WorkAround
from domain.times import Millis


def wanted(action: ProblemAction) -> Iterator[str]:
    """Name the records that deciding on it reads."""
    yield problem_record(action.problem)


def obey(
    batch: Batch,
    action: ProblemAction | KnownErrorAction,
    at: Millis,
    why: str,
    router: Router,
    rules: CorrelationRules,
) -> None:
    """Do what is asked for; *why* also says who asks. What is not there any more is left alone."""
    if isinstance(action, KnownErrorAction):
        known_errors.obey(batch, action)
    about = action.problem if isinstance(action, ProblemAction) else _about(action)
    problem = batch.get(problem_record(about), Problem) if about else None
    if problem is None:
        return
    filing = ProblemFiling(batch, router, rules)
    match action:
        case ResolveProblem():
            filing.turn(problem, problems.resolved(problem, at), TimelineEntry(at, "problem_resolved", why))
        case ReopenProblem():
            filing.turn(problem, problems.reopened(problem), TimelineEntry(at, "problem_reopened", why))
        case RecordKnownError(known_error=known):
            workaround = Workaround(known.text, known.url)
            filing.work_around(problem, workaround, TimelineEntry(at, "workaround_known", why))
        case WorkAround():
            workaround = Workaround(action.text, action.url)
            filing.work_around(problem, workaround, TimelineEntry(at, "workaround_known", why))


def _about(action: KnownErrorAction) -> str:
    """Name the problem that a known error is about."""
    return "" if isinstance(action, ForgetKnownError) else action.known_error.problem
