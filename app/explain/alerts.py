"""Takes alerts through the core and tells each decision. Pure.

The decisions are made by the real handler over records in memory; what is told beside them is asked of the
same functions that it asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from app.explain.gates import gate_steps
from app.explain.incidents import incident_steps
from app.explain.nearest import nearest
from app.explain.problems import problem_steps
from app.explain.steps import Step, moment
from app.partitions import partitioner
from app.shard.deciding import Decider, Letter
from config.settings import Settings
from correlation import admission, current, flapping
from correlation.decisions import Case, Verdict
from correlation.enrichment import enriched, enrichments
from correlation.grouping import UNGROUPED, Group, group_of
from correlation.handler import CorrelationHandler, Item
from correlation.identity import explain_identity, identify
from correlation.rules import CorrelationRules
from correlation.shadows import would_enrich, would_group, would_route
from correlation.state import (
    QUARANTINE,
    GroupRecord,
    Undecided,
    alert_record,
    group_record,
    incident_record,
)
from correlation.upkeep import alert_due
from domain.alert import Alert, AlertRecord, Phase
from domain.batch import Batch
from domain.durations import lasting
from domain.events import AlertsReceived
from domain.fields import AlertFields
from domain.incident import Incident
from domain.ports import alerts_mailbox
from domain.times import Millis, to_text
from routing.router import IncidentRouter


@dataclass(slots=True)
class Explainer:
    """Follows alerts through the core, each after those before it."""

    settings: Settings
    _shards: dict[int, _Shard] = field(default_factory=dict)

    def explain(self, alerts: Sequence[Alert], at: Millis) -> list[Step]:
        """Tell of each alert, received at *at*, what is decided and why."""
        return [self._one(alert, at) for alert in alerts]

    def _one(self, alert: Alert, at: Millis) -> Step:
        rules = self.settings.correlation
        key = identify(alert, rules)
        sent, alert = alert, enriched(alert, rules.enrich)
        group = group_of(alert, key, rules)
        partition = self._partition(sent)
        outcome = self._shard(partition).decide(sent, key, group, at)
        steps = (
            _alert_step(sent, self.settings),
            Step("identity", key, explain_identity(sent, rules)),
            *self._partition_steps(sent, partition),
            *_enrich_steps(sent, alert, self.settings),
            _group_step(alert, group, rules),
            *gate_steps(alert, group, rules, at),
            Step("verdict", outcome.verdict, outcome.reason),
            *problem_steps(alert, rules),
            *_shadow_steps(alert, key, group, outcome.incident, self.settings),
            *incident_steps(outcome.before, outcome.incident, self.settings.routing, at),
            _time_step(outcome, group, rules, at),
        )
        return Step("alert", alert.name, alert.summary if alert.summary != alert.name else "", steps)

    def _shard(self, partition: int) -> _Shard:
        if partition not in self._shards:
            name, rules = alerts_mailbox(partition), self.settings.correlation
            handler = CorrelationHandler(name, rules, IncidentRouter(self.settings.routing))
            self._shards[partition] = _Shard(name, handler, rules)
        return self._shards[partition]

    def _partition(self, alert: Alert) -> int:
        settings = self.settings
        if settings.partitions == 1:
            return 0
        return partitioner(settings.partition_by, settings.partitions)(alert)

    def _partition_steps(self, alert: Alert, partition: int) -> Iterator[Step]:
        if self.settings.partitions > 1:
            fields = AlertFields(alert)
            values = ", ".join(f"{name}={fields.get(name, '')}" for name in self.settings.partition_by)
            yield Step("partition", alerts_mailbox(partition), f"by {values}")


@dataclass(frozen=True, slots=True)
class _Outcome:
    verdict: str
    reason: str
    record: AlertRecord | None
    """What is remembered of the alert now."""
    before: Incident | None
    """The incident as it was before; None where there was none."""
    incident: Incident | None
    """The incident that the alert belongs to now."""


@dataclass(slots=True)
class _Shard:
    """A correlation shard without I/O."""

    name: str
    handler: CorrelationHandler
    rules: CorrelationRules
    records: dict[str, msgspec.Struct | None] = field(default_factory=dict)

    def decide(self, alert: Alert, key: str, group: Group, at: Millis) -> _Outcome:
        items = self._loaded(AlertsReceived("explain", at, [alert]))
        verdict, reason = self._ask(alert, key, group, at)
        batch = self._run(items, at)
        for log, line in batch.lines:
            if log == QUARANTINE and isinstance(line, Undecided):
                verdict, reason = Verdict.QUARANTINED, line.error.strip().splitlines()[-1]
        record = batch.get(alert_record(key), AlertRecord)
        name = incident_record(record.incident) if record and record.incident else None
        before, after = (self.records.get(name), batch.get(name, Incident)) if name else (None, None)
        self.records.update(batch.records)
        return _Outcome(verdict, reason, record, before if isinstance(before, Incident) else None, after)

    def _ask(self, alert: Alert, key: str, group: Group, at: Millis) -> tuple[str, str]:
        """Ask for the verdict and its reason; of one that changes no incident the handler keeps no reason."""
        known = Batch({**dict.fromkeys([alert_record(key), group_record(group.key)]), **self.records})
        record = known.get(alert_record(key), AlertRecord)
        pointer = known.get(group_record(group.key), GroupRecord)
        own = known.get(incident_record(record.incident), Incident) if record and record.incident else None
        latest = known.get(incident_record(pointer.incident), Incident) if pointer else None
        alert = enriched(alert, self.rules.enrich)
        case = Case(key, alert, at, group, record, own, latest, self.name)
        if group.rule.strategies or self.rules.needs:
            case = current.placed(known, case, self.rules)
        stay = admission.held_back(known, case, self.rules)
        decision = flapping.decide(replace(case, stay=stay), self.rules)
        return decision.verdict.value, decision.reason

    def _loaded(self, event: AlertsReceived) -> list[Item]:
        items = self.handler.read([event])
        while missing := self.handler.wanted(Batch(self.records), items, []) - self.records.keys():
            self.records.update(dict.fromkeys(missing))
        return items

    def _run(self, items: list[Item], at: Millis) -> Batch:
        decider = Decider(self.handler, Batch(dict(self.records), at), careful=True)
        decider.take_letter(Letter(None, items, at), at)
        self.handler.finish(decider.batch)
        return decider.batch


def _alert_step(alert: Alert, settings: Settings) -> Step:
    word = alert.labels.get("severity")
    steps = (
        Step("severity", alert.severity.value, f"severity={word}" if word else "no label severity"),
        _service_step(alert, settings),
        Step("started", to_text(alert.starts_at)),
        *((Step("ended", to_text(alert.ends_at)),) if alert.ends_at is not None else ()),
        Step("labels", _labels(alert.labels)),
    )
    return Step("parsed", f"{alert.state.value}, {alert.severity.value}", f"by source {alert.source}", steps)


def _service_step(alert: Alert, settings: Settings) -> Step:
    routing = settings.routing
    known = routing.services.get(alert.service)
    taken = known or routing.default_service
    stands_for = f"{taken.criticality} criticality, team {taken.team or 'unassigned'}"
    if known:
        return Step("service", alert.service, f"in the catalogue: {stands_for}")
    why = "not in the catalogue" if alert.service else "no label service"
    return Step("service", alert.service or "unknown", f"{why}; taken for it: {stands_for}")


def _enrich_steps(sent: Alert, alert: Alert, settings: Settings) -> Iterator[Step]:
    if not settings.correlation.enrich:
        return
    done = list(enrichments(sent, settings.correlation.enrich))
    steps = [Step(f"rule {each.rule}", _labels(each.added) or "adds nothing", each.why_not) for each in done]
    if alert.service != sent.service:
        steps.append(_service_step(alert, settings))
    count = sum(bool(each.added) for each in done)
    yield Step("enriched", f"by {count} of {len(done)} rules", steps=tuple(steps))


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _shadow_steps(
    alert: Alert, key: str, group: Group, incident: Incident | None, settings: Settings
) -> Iterator[Step]:
    """Tell what rules in shadow would do."""
    rules = settings.correlation.shadows
    if not rules:
        return
    would = [*would_group(alert, key, group, rules), *would_enrich(alert, rules)]
    if incident is not None:
        would += would_route(incident, IncidentRouter(settings.routing))
    steps = tuple(Step(f"rule {each.rule}", each.says, f"of {each.kind}, in shadow") for each in would)
    yield Step("shadow", "these would act" if would else "none would act", steps=steps)


def _group_step(alert: Alert, group: Group, rules: CorrelationRules) -> Step:
    beside = nearest(rules.groups, group.rule, AlertFields(alert))
    return Step("group", group.key, _why_group(group), beside)


def _why_group(group: Group) -> str:
    rule = group.rule
    if rule is UNGROUPED:
        return "no rule applies, so it stands alone"
    taken = f"rule {rule.id} is the first that applies"
    if group.missing:
        return f"{taken}, but the alert has no {' and no '.join(group.missing)}, so it stands alone"
    by = f"{taken}; it groups by {', '.join(rule.by)}" if rule.by else f"{taken}; it names no labels"
    ways = ", then ".join(strategy.type for strategy in rule.strategies)
    return f"{by}; which incident is told by {ways}" if ways else by


def _time_step(outcome: _Outcome, group: Group, rules: CorrelationRules, at: Millis) -> Step:
    steps = (
        *(_alert_times(outcome.record, rules, at) if outcome.record else ()),
        *(_incident_times(outcome.incident, group, rules, at) if outcome.incident else ()),
    )
    return Step("from here on", f"received at {to_text(at)}", steps=steps)


def _alert_times(record: AlertRecord, rules: CorrelationRules, at: Millis) -> Iterator[Step]:
    due = alert_due(record, at, rules)
    match record.phase:
        case Phase.FIRING:
            why = f"if not heard of for {lasting(rules.stale_after)}, it is taken for resolved"
            yield Step("stale", moment(due, at), why)
        case Phase.FLAPPING:
            yield Step("believed again", moment(due, at), "if it has not changed until then")
        case Phase.AHEAD:
            why = "until then a firing that began before its end is known to be over"
            yield Step("resolve remembered until", moment(due, at), why)
        case Phase.WAITING:
            yield Step("looked at again", moment(due, at), "if it still fires then")
        case Phase.RESOLVED | Phase.EXPIRED:
            yield Step("alert forgotten", moment(due, at), "unless it is heard of again")


def _others_join(incident: Incident, group: Group) -> bool:
    stands_alone = group.missing or not group.rule.by
    return not stands_alone and (group.rule.id, group.values) == (incident.rule, incident.group)


def _incident_times(incident: Incident, group: Group, rules: CorrelationRules, at: Millis) -> Iterator[Step]:
    rule = group.rule
    if incident.resolved_at is not None:
        due = incident.resolved_at + rules.reopen_within
        yield Step(
            "reopens until", moment(due, at), f"if it comes back within {lasting(rules.reopen_within)}"
        )
    elif _others_join(incident, group):
        due = min(incident.joined_at + rule.window, incident.opened_at + rule.max_age)
        why = f"window {lasting(rule.window)} after each that joins, at most {lasting(rule.max_age)} in all"
        yield Step("others join until", moment(due, at), why)
    judged = incident.assessment
    if judged and judged.lower_at is not None:
        yield Step("priority falls", moment(judged.lower_at, at), "if a lower one is still right")
