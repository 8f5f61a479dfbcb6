"""What operators ask of problems, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from correlation import problems
from correlation.problem_filing import ProblemFiling
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import problem_record
from domain.batch import Batch
from domain.incident import TimelineEntry
from domain.problem import Problem, Workaround
from domain.problem_commands import ProblemAction, ReopenProblem, ResolveProblem, WorkAround
from domain.times import Millis


def wanted(action: ProblemAction) -> Iterator[str]:
    """Name the records that deciding on it reads."""
    yield problem_record(action.problem)


def obey(
    batch: Batch, action: ProblemAction, at: Millis, why: str, router: Router, rules: CorrelationRules
) -> None:
    """Do what is asked for; *why* also says who asks. What is not there any more is left alone."""
    problem = batch.get(problem_record(action.problem), Problem)
    if problem is None:
        return
    filing = ProblemFiling(batch, router, rules)
    match action:
        case ResolveProblem():
            filing.turn(problem, problems.resolved(problem, at), TimelineEntry(at, "problem_resolved", why))
        case ReopenProblem():
            filing.turn(problem, problems.reopened(problem), TimelineEntry(at, "problem_reopened", why))
        case WorkAround():
            workaround = Workaround(action.text, action.url)
            filing.work_around(problem, workaround, TimelineEntry(at, "workaround_known", why))
