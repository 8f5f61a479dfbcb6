"""The correlation shard: feeds alerts, reports and timers to the decisions, and files what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from correlation import (
    admission,
    audit,
    change_filing,
    commands,
    current,
    flapping,
    problem_filing,
    quarantine,
    thresholds,
    timers,
    upkeep,
    waiting,
)
from correlation.change_filing import ChangeItem, suspected
from correlation.decisions import Case, Decision, Verdict, is_repeat
from correlation.extent import reaching
from correlation.filing import change_incident, file_alert, file_new_incident
from correlation.grouping import Group, group_key, group_of
from correlation.homes import at_home, latest_of
from correlation.items import AlertItem, items_of
from correlation.known_error_rules import KNOWN_ERRORS
from correlation.news import after_news, told
from correlation.problem_filing import ProblemFiling
from correlation.repeats import count_repeats, file_repeat
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.second_looks import second_look
from correlation.shadow_log import SHADOWS
from correlation.shadows import try_all
from correlation.silences import SILENCES
from correlation.state import (
    LISTENING,
    OCCURRENCES,
    QUARANTINE,
    RECENT,
    RECORD_KINDS,
    WAITING,
    Listening,
    Undecided,
    group_record,
    incident_record,
    problem_record,
    seen_record,
)
from correlation.telling import show_ticket, sign, tell
from correlation.windows import WINDOWS
from domain.alert import Alert, AlertRecord
from domain.batch import Batch
from domain.events import (
    AlertsReceived,
    AlertsSealed,
    Audited,
    ChangesReceived,
    Delivered,
    OperatorAsked,
    Quarantined,
    QuarantineSettled,
    TicketNews,
    TicketReported,
)
from domain.incident import Incident, TimelineEntry
from domain.ports import Message, Timer
from domain.problem import Problem
from domain.times import Millis

Known = Mapping[str, msgspec.Struct | None]
UNKNOWN = Listening(0, 0)
"""Stands for a record that was not asked for yet."""
OUTCOMES = {verdict: f"outcome.{verdict.value}" for verdict in Verdict}
"""Counters of what became of alerts."""
PLACED = frozenset(
    {Verdict.OPENED.value, Verdict.JOINED.value, Verdict.SYMPTOM.value, Verdict.REOPENED.value}
)
"""Verdicts by which an alert gets into an incident."""


Other = ChangeItem | TicketReported | TicketNews | OperatorAsked | Audited | quarantine.Item
Item = AlertItem | Other


class CorrelationHandler:
    """Decides what alerts mean for incidents. Reads and changes nothing but its batch."""

    record_kinds: Mapping[str, type[msgspec.Struct]] = RECORD_KINDS
    interrupted = ""

    def __init__(self, mailbox: str, rules: CorrelationRules, router: Router) -> None:
        self._mailbox = mailbox
        self._rules = rules
        self._always = {
            LISTENING,
            KNOWN_ERRORS,
            SILENCES,
            WINDOWS,
            RECENT,
            *([SHADOWS] if rules.shadows else ()),
        }
        """Records that every batch may look at."""
        self._router = router

    def read(self, events: Sequence[Delivered]) -> list[Item]:
        """Split deliveries into alerts; reports stay whole."""
        items: list[Item] = []
        for event in events:
            if isinstance(event, AlertsReceived | AlertsSealed):
                items.extend(items_of(event, self._rules))
            elif isinstance(
                event, TicketReported | TicketNews | OperatorAsked | Audited | Quarantined | QuarantineSettled
            ):
                items.append(event)
            elif isinstance(event, ChangesReceived):
                items += [ChangeItem(event.received_at, change) for change in event.changes]
        return items

    def wanted(self, batch: Batch, items: list[Item], due: list[Timer]) -> set[str]:
        """Name the records to load: an alert's first, then those that it points to."""
        keys = set(self._always)
        for item in items:
            if isinstance(item, AlertItem):
                if not item.ready:
                    self._want_alert(keys, item, batch.known)
            else:
                keys.update(self._wanted_by_other(item, batch.known))
        for timer in due:
            keys.update(self._wanted_by_timer(timer, batch.known))
        return keys

    def _wanted_by_other(self, item: Other, known: Known) -> Iterable[str]:
        match item:
            case TicketReported() | TicketNews():
                return problem_filing.wanted_by_ticket(item.incident, known)
            case OperatorAsked():
                return commands.wanted(item.action)
            case ChangeItem():
                return change_filing.wanted(item, self._rules, known)
            case Audited():
                return (audit.AUDIT,)
            case _:
                return (quarantine.SHELF,)

    def _want_alert(self, keys: set[str], item: AlertItem, known: Known) -> None:
        record = known.get(item.record, UNKNOWN)
        if record is UNKNOWN:
            keys.add(item.record)
            return
        if isinstance(record, AlertRecord):
            if item.seen not in keys:  # else another of the same identity has asked for all of it
                keys.update((item.seen, seen_record(record.incident), incident_record(record.incident)))
            if is_repeat(item.head, record):
                item.ready = True
                item.repeats = record
                return
        try:
            group = item.group(self._rules)
        except msgspec.DecodeError:  # deciding on it will fail the same way, and put it alone into quarantine
            item.ready = True
            return
        name = group_record(group.key)
        item.ready = name in known
        if name not in keys:
            keys.update(current.wanted_by_group(name, known))
        gates = set(self._wanted_to_place(item.alert, item.key, group, known))
        item.ready = item.ready and gates <= known.keys()
        keys |= gates
        if self._rules.problems:
            more = set(problem_filing.wanted_by_alert(item.alert, self._rules, known))
            item.ready = item.ready and more <= known.keys()
            keys |= more

    def _wanted_to_place(self, alert: Alert, key: str, group: Group, known: Known) -> Iterator[str]:
        yield from admission.wanted(admission.Newcomer(alert, key, group), self._rules, known)
        yield from current.wanted_by_outages(alert, self._rules, known)

    def _wanted_by_timer(self, timer: Timer, known: Known) -> Iterator[str]:
        yield timer.id
        record = known.get(timer.id)
        if isinstance(record, AlertRecord):
            yield seen_record(record.key)
            yield incident_record(record.incident)
            group = group_of(record.alert, record.key, self._rules)
            yield from current.wanted_by_group(group_record(group.key), known)
            yield from self._wanted_to_place(record.alert, record.key, group, known)
        elif isinstance(record, Incident):
            yield group_record(group_key(record.rule, record.group))
        elif isinstance(record, Problem):
            yield from problem_filing.wanted_by_problem(record)

    def resume(self, keys: list[str], at: Millis) -> list[Item]:  # noqa: ARG002 - the port's signature
        """Nothing is ever under way outside."""
        return []

    def advance(self, batch: Batch) -> None:
        """Take note that time went on."""
        upkeep.listen(batch)

    def handle(self, batch: Batch, item: Item) -> None:
        """Decide on one alert, or take in what became of a ticket or lies in quarantine."""
        if isinstance(item, AlertItem):
            self._on_alert(batch, item)
        elif isinstance(item, Quarantined | QuarantineSettled):
            quarantine.handle(batch, item, self._rules.quarantine)
        elif isinstance(item, TicketNews):
            self._on_news(batch, item)
        elif isinstance(item, ChangeItem):
            change_filing.on_change(batch, item, self._router, self._rules)
        elif isinstance(item, OperatorAsked):
            commands.obey(batch, item, self._router, self._rules)
        elif isinstance(item, Audited):
            audit.handle(batch, item)
        else:
            self._on_report(batch, item)

    def _on_news(self, batch: Batch, news: TicketNews) -> None:
        """A person did something to a ticket: a change of the incident, which other tickets show, too."""
        incident = batch.get(incident_record(news.incident), Incident)
        if incident is None:
            problem = batch.get(problem_record(news.incident), Problem)
            if problem is not None:
                self._problems(batch).on_news(problem, news)
        else:
            verdict = f"person_{news.kind.value}"
            entry = TimelineEntry(news.at, verdict, told(news), destination=news.destination)
            change_incident(batch, after_news(incident, news), entry, self._router, self._rules)

    def _on_report(self, batch: Batch, report: TicketReported) -> None:
        incident = batch.get(incident_record(report.incident), Incident)
        if incident is not None:
            show_ticket(batch, incident, report)
        elif (problem := batch.get(problem_record(report.incident), Problem)) is not None:
            self._problems(batch).on_report(problem, report)

    def _on_alert(self, batch: Batch, item: AlertItem) -> None:
        record = batch.get(item.record, AlertRecord)
        if record is not None:
            if record is item.repeats or is_repeat(item.head, record):
                file_repeat(batch, item.record, record, item.at)
                return
            batch.tally(item.seen, item.at)
            record = at_home(batch, record)
        case = self._case(batch, item, record)
        decision = flapping.decide(case, self._rules)
        thresholds.note(batch, case, decision)
        batch.count(OUTCOMES[decision.verdict])
        if decision.stay is not None:
            batch.count(f"held.{decision.stay.kind}")
        self._follow(batch, item, record, decision)
        _tally_incident(batch, item, decision.record or record)

    def _follow(self, batch: Batch, item: AlertItem, record: AlertRecord | None, decision: Decision) -> None:
        """Make it so."""
        file_alert(batch, record, decision, item.at, self._rules)
        if decision.stay is not None:
            admission.keep(batch, decision.stay, item.key)
        if decision.left is not None:
            entry = TimelineEntry(item.at, "left", "fires anew in another incident", item.key)
            change_incident(batch, decision.left, entry, self._router, self._rules)
        if decision.incident is not None:
            incident = decision.incident
            if self._rules.extent is not None:
                after = decision.record or record
                incident = reaching(incident, record, after, self._rules.extent, item.at)
            self._change(batch, item, incident, decision.verdict.value, decision.reason)
            if item.group(self._rules).rule.strategies and decision.verdict.value in PLACED:
                current.note_joined(batch, item, decision.incident, self._rules)

    def _change(self, batch: Batch, item: AlertItem, incident: Incident, verdict: str, reason: str) -> None:
        if incident.revision == 0:
            file_new_incident(batch, incident, item.at)
            current.note_outage(batch, incident, self._rules)
            if item.group(self._rules).missing:
                batch.count("missing_group_label")
            if self._rules.changes is not None:
                incident = suspected(batch, incident, self._rules.changes)
        entry = TimelineEntry(item.at, verdict, reason, item.key)
        change_incident(batch, incident, entry, self._router, self._rules)
        if self._rules.shadows and verdict in PLACED:
            try_all(batch, item, incident, self._router, self._rules)
        if self._rules.problems and incident.revision == 0:
            self._problems(batch).note_incident(item.alert, incident.id, item.at)
        elif incident.problem and verdict == Verdict.REOPENED:
            self._problems(batch).note_reopened(incident.id, item.at)

    def _problems(self, batch: Batch) -> ProblemFiling:
        return ProblemFiling(batch, self._router, self._rules)

    def _case(self, batch: Batch, item: AlertItem, record: AlertRecord | None, *, told: bool = True) -> Case:
        group = item.group(self._rules)
        own = batch.get(incident_record(record.incident), Incident) if record and record.incident else None
        latest, adopted = latest_of(batch, group.key)
        found = (group, record, own, latest, self._mailbox)
        case = Case(item.key, item.alert, item.at, *found, told=told, adopted=adopted)
        if group.rule.strategies or self._rules.needs:
            case = current.placed(batch, case, self._rules)
        stay = admission.held_back(batch, case, self._rules)
        return case if stay is None else replace(case, stay=stay)

    def due(self, batch: Batch, timer: Timer) -> None:
        """Act on a timer."""
        batch.arm(timer.id, None)
        if timer.id.startswith("alert:"):
            self._on_alert_timer(batch, timer)
        elif timer.id.startswith(WAITING):
            waiting.on_ring(batch, timer)
        elif timer.id.startswith(OCCURRENCES):
            thresholds.on_timer(batch, timer)
        elif timer.id == quarantine.SHELF:
            quarantine.on_timer(batch, timer, self._rules.quarantine)
        elif timer.id.startswith("change:"):
            change_filing.on_timer(batch, timer)
        elif timer.id.startswith(problem_filing.TIMERS):
            self._problems(batch).on_timer(timer)
        elif timer.id == audit.AUDIT:
            audit.on_timer(batch, timer)
        else:
            timers.on_incident_timer(batch, timer, self._rules, self._router)

    def _on_alert_timer(self, batch: Batch, timer: Timer) -> None:
        def case_of(item: AlertItem, record: AlertRecord) -> Case:
            return self._case(batch, item, record, told=False)

        looked = second_look(batch, timer, case_of, self._rules)
        if looked is not None:
            self._follow(batch, looked.item, looked.record, looked.decision)
        if batch.timers.get(timer.id) is None:  # it is as it was
            timers.on_alert_timer(batch, timer, self._rules, self._router)

    def reject(self, batch: Batch, item: Item | Message, error: str, now: Millis) -> None:
        """Put what could not be decided on, or not even read, into quarantine with the traceback."""
        batch.count(OUTCOMES[Verdict.QUARANTINED], _alerts_in(item))
        batch.log(QUARANTINE, Undecided(now, repr(item), error))

    def finish(self, batch: Batch) -> None:
        """Count the sightings, and tell destinations what tickets should show."""
        for record, count, last in batch.repeats.values():
            count_repeats(batch, record, count, last)
        batch.repeats.clear()
        batch.fold_tallies()
        if self._rules.problems:
            self._problems(batch).note_majors(sorted(batch.marked))
        for name in sorted(batch.marked):
            if name.startswith("problem:"):
                self._tell_of_problem(batch, name)
            elif (incident := batch.get(name, Incident)) is not None:
                tell(batch, incident, self._router, self._rules, self._mailbox)
        if self._rules.version:
            sign(batch, self._rules.version)

    def _tell_of_problem(self, batch: Batch, name: str) -> None:
        problem = batch.get(name, Problem)
        if problem is not None:
            problem_filing.tell(batch, problem, self._router, self._mailbox, self._rules.destinations)


def _alerts_in(item: Item | Message) -> int:
    if isinstance(item, Message):
        return item.alerts
    return int(isinstance(item, AlertItem))


def _tally_incident(batch: Batch, item: AlertItem, record: AlertRecord | None) -> None:
    if record is not None and record.incident:
        batch.tally(seen_record(record.incident), item.at)
