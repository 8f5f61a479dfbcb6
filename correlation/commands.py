"""What operators ask for, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from correlation import merging, problem_commands, suppression
from correlation.filing import change_incident
from correlation.known_error_rules import KNOWN_ERRORS
from correlation.lifecycle import VERDICTS, after_request, why_not
from correlation.requests import is_known, refuse, remembering, who_and_why
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import incident_record
from domain.batch import Batch
from domain.commands import Action, Assign, LifeAction, Regrouping
from domain.events import OperatorAsked
from domain.incident import Incident, TimelineEntry
from domain.known_error import KnownErrorAction
from domain.problem_commands import ProblemAction
from domain.suppression import SuppressionAction


def wanted(action: Action) -> Iterator[str]:
    """Name the records that deciding on it reads."""
    if isinstance(action, SuppressionAction):
        yield suppression.wanted(action)
    elif isinstance(action, KnownErrorAction):
        yield KNOWN_ERRORS
    elif isinstance(action, ProblemAction):
        yield from problem_commands.wanted(action)
    elif isinstance(action, Regrouping):
        yield from merging.wanted(action)
    else:
        yield incident_record(action.incident)


def obey(batch: Batch, asked: OperatorAsked, router: Router, rules: CorrelationRules) -> None:
    """Do what is asked for. What is not there any more is left alone."""
    action = asked.action
    if isinstance(action, SuppressionAction):
        suppression.obey(batch, action, asked.at)
    elif isinstance(action, ProblemAction | KnownErrorAction):
        problem_commands.obey(batch, action, asked.at, who_and_why(asked), router, rules)
    elif isinstance(action, Regrouping):
        merging.obey(batch, asked, action, router, rules)
    else:
        _obey(batch, asked, action, router, rules)


def _obey(
    batch: Batch, asked: OperatorAsked, action: LifeAction, router: Router, rules: CorrelationRules
) -> None:
    """Do it once; what cannot be done is on record."""
    incident = batch.get(incident_record(action.incident), Incident)
    if incident is None or is_known(incident, asked):
        return
    refused = why_not(incident, action)
    if refused:
        refuse(batch, asked, incident, refused)
        return
    changed = after_request(incident, action, asked.at, who_and_why(asked))
    if changed is not incident:
        entry = TimelineEntry(asked.at, VERDICTS[type(action)], _told(asked))
        change_incident(batch, remembering(changed, asked), entry, router, rules)


def _told(asked: OperatorAsked) -> str:
    said = who_and_why(asked)
    return f"to {asked.action.assignee or 'nobody'} {said}" if isinstance(asked.action, Assign) else said
