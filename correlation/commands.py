"""What operators ask for, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from correlation import problem_commands, suppression
from correlation.filing import change_incident
from correlation.incidents import acknowledged, resolved
from correlation.known_error_rules import KNOWN_ERRORS
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import incident_record
from domain.batch import Batch
from domain.commands import Acknowledge, Action, Resolve
from domain.events import OperatorAsked
from domain.incident import Incident, TimelineEntry
from domain.known_error import KnownErrorAction
from domain.problem_commands import ProblemAction
from domain.suppression import SuppressionAction
from domain.times import Millis


def wanted(action: Action) -> Iterator[str]:
    """Name the records that deciding on it reads."""
    if isinstance(action, SuppressionAction):
        yield suppression.wanted(action)
    elif isinstance(action, KnownErrorAction):
        yield KNOWN_ERRORS
    elif isinstance(action, ProblemAction):
        yield from problem_commands.wanted(action)
    else:
        yield incident_record(action.incident)


def obey(batch: Batch, asked: OperatorAsked, router: Router, rules: CorrelationRules) -> None:
    """Do what is asked for. What is not there any more is left alone."""
    if isinstance(asked.action, SuppressionAction):
        suppression.obey(batch, asked.action, asked.at)
        return
    if isinstance(asked.action, ProblemAction | KnownErrorAction):
        problem_commands.obey(batch, asked.action, asked.at, _why(asked), router, rules)
        return
    incident = batch.get(incident_record(asked.action.incident), Incident)
    if incident is None:
        return
    changed, verdict = _after(incident, asked.action, asked.at)
    if changed is not None and changed is not incident:
        change_incident(batch, changed, TimelineEntry(asked.at, verdict, _why(asked)), router, rules)


def _after(incident: Incident, action: Acknowledge | Resolve, now: Millis) -> tuple[Incident | None, str]:
    match action:
        case Acknowledge():
            return acknowledged(incident), "operator_acknowledged"
        case Resolve():
            return resolved(incident, now) if incident.is_open else incident, "operator_resolved"


def _why(asked: OperatorAsked) -> str:
    """Say who and why.

    >>> _why(OperatorAsked(0, "alice", "planned work", Resolve("a1")))
    'by alice: planned work'
    """
    return f"by {asked.actor}: {asked.reason}" if asked.reason else f"by {asked.actor}"
