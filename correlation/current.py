"""Where an alert may go: its group's current incidents, and those of what its service cannot work without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from correlation.candidates import (
    MOST,
    Candidate,
    has,
    places_of,
    with_key,
    with_places,
    with_values,
)
from correlation.causes import deepest
from correlation.decisions import Case
from correlation.grouping import Group
from correlation.homes import living
from correlation.items import AlertItem
from correlation.placing import Question, choose, returns_of
from correlation.rules import CorrelationRules
from correlation.state import GroupRecord, Outage, group_record, incident_record, outage_record, seen_record
from correlation.strategies import current_for, fields_of
from domain.alert import Alert
from domain.batch import Batch
from domain.incident import Incident

Known = Mapping[str, msgspec.Struct | None]


def wanted_by_group(name: str, known: Known) -> Iterator[str]:
    """Name the records of the incidents that a group's next alert may join."""
    yield name
    pointer = known.get(name)
    if isinstance(pointer, GroupRecord):
        for incident in {pointer.incident, *(each.incident for each in pointer.current)}:
            yield incident_record(incident)
            yield seen_record(incident)


def wanted_by_outages(alert: Alert, rules: CorrelationRules, known: Known) -> Iterator[str]:
    """Name the records that tell whether something fails that the alert's service cannot work without."""
    for service in rules.needs.get(alert.service, ()):
        name = outage_record(service)
        yield name
        pointer = known.get(name)
        if isinstance(pointer, Outage):
            yield incident_record(pointer.incident)
            yield seen_record(pointer.incident)


def placed(batch: Batch, case: Case, rules: CorrelationRules) -> Case:
    """Find out where the alert may go beside its own and its group's latest incident."""
    places = _places(case.alert, case.group, rules)
    case = replace(case, places=places, below=_outage_below(batch, case.alert, rules))
    rule = case.group.rule
    if not rule.strategies:
        return case
    pointer = batch.get(group_record(case.group.key), GroupRecord)
    question = Question(case.alert, case.key, rule, case.now, places, rules.topology)
    choice = choose(question, pointer.current if pointer else ())
    chosen = living(batch, choice.incident) if choice.incident else None
    return replace(case, choice=choice, latest=chosen, previous=pointer.incident if pointer else "")


def _places(alert: Alert, group: Group, rules: CorrelationRules) -> tuple[str, ...]:
    graph = group.rule.topology
    if graph is not None:
        return places_of(alert, graph, rules.topology)
    return (alert.service,) if alert.service in rules.needs or alert.service in rules.needed else ()


def _outage_below(batch: Batch, alert: Alert, rules: CorrelationRules) -> Incident | None:
    """Find the open incident of what the alert's service cannot work without: of the deepest that fails."""
    for service in rules.needs.get(alert.service, ()):
        pointer = batch.get(outage_record(service), Outage)
        incident = batch.get(incident_record(pointer.incident), Incident) if pointer else None
        if incident is not None and incident.is_open:
            return incident
    return None


def note_outage(batch: Batch, incident: Incident, rules: CorrelationRules) -> None:
    """Remember a new incident where alerts of the services above look for it."""
    for service in incident.services:
        if service in rules.needed:
            batch.put(outage_record(service), Outage(incident.id))


def note_joined(batch: Batch, item: AlertItem, incident: Incident, rules: CorrelationRules) -> None:
    """Remember what an alert tells of the incident that it went to."""
    group, now = item.group(rules), item.at
    name = group_record(group.key)
    record = batch.get(name, GroupRecord) or GroupRecord(incident.id)
    keep = current_for(group.rule.strategies, group.rule.window)
    timely = [each for each in record.current if now - each.last_at <= keep]
    known = next((each for each in timely if each.incident == incident.id), None)
    question = Question(
        item.alert, item.key, group.rule, now, _places(item.alert, group, rules), rules.topology
    )
    joined = _joined(known or Candidate(incident.id, incident.opened_at, now, 0), question)
    others = [each for each in timely if each is not known]
    if len(others) >= MOST:
        others.remove(min(others, key=lambda each: (each.last_at, each.incident)))
    current = sorted([*others, joined], key=lambda each: (each.opened_at, each.incident))
    batch.put(name, replace(record, current=tuple(current)))


def _joined(candidate: Candidate, question: Question) -> Candidate:
    rule, now = question.rule, question.now
    if rule.topology is not None:
        if has(candidate, question.key):
            returns = returns_of(candidate, now) + 1
            candidate = replace(candidate, returns=returns, returned_at=now)
        candidate = with_places(with_key(candidate, question.key), question.places, rule.topology, now)
        cause = deepest(candidate.cause, question.places, question.topology)
        candidate = replace(candidate, cause=cause)
    candidate = with_values(candidate, question.alert, fields_of(rule.strategies))
    last_at = max(candidate.last_at, now)
    return replace(candidate, alerts=candidate.alerts + 1, last_at=last_at)
