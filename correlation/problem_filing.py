"""Writes problems into the batch: counts incidents, links them, and does what time and people do to problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from correlation import problems
from correlation.filing import change_incident
from correlation.known_errors import with_workaround
from correlation.news import told, with_note
from correlation.problem_rules import ProblemRule, signature_of
from correlation.problems import Occurrence, Recurrence
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import (
    PROBLEMS,
    incident_record,
    problem_record,
    signature_record,
    timeline_log,
)
from domain.alert import Alert
from domain.batch import Batch
from domain.events import TicketNews, TicketReported, TicketsDesired
from domain.fields import AlertFields
from domain.incident import (
    Incident,
    IncidentTicket,
    LinkKind,
    ShownWorkaround,
    Stage,
    TicketLink,
    TimelineEntry,
)
from domain.matching import Fields
from domain.ports import Timer, tickets_mailbox
from domain.priority import Level
from domain.problem import Problem, ProblemState, Workaround
from domain.ticket import NewsKind
from domain.times import Millis

TIMERS = ("problem:", "signature:")
"""How the names of its timers begin."""
HELPS_WITHIN: Millis = 4 * 3_600_000
"""A workaround of a problem helped if the incident is over this soon after it was shown."""
COUNTED = {
    "problem_opened": "problems_opened",
    "problem_recurred": "problems_recurred",
    "problem_reopened": "problems_reopened",
    "problem_resolved": "problems_resolved",
    "problem_closed": "problems_closed",
}
"""Verdict of the timeline → counter."""
Known = Mapping[str, msgspec.Struct | None]
_STAGES = {
    NewsKind.ACKNOWLEDGED: Stage.ACKNOWLEDGED,
    NewsKind.IN_PROGRESS: Stage.IN_PROGRESS,
    NewsKind.ON_HOLD: Stage.ON_HOLD,
}


def wanted_by_alert(alert: Alert, rules: CorrelationRules, known: Known) -> Iterator[str]:
    """Name the records that are read if the alert opens an incident."""
    found = _rule_and_labels(AlertFields(alert), rules)
    if found is not None:
        name = signature_record(found[0].id, problems.signature_text(found[1]))
        yield name
        yield from _wanted_by_recurrence(known.get(name), found[0])


def _wanted_by_recurrence(record: msgspec.Struct | None, rule: ProblemRule) -> Iterator[str]:
    if not isinstance(record, Recurrence):
        return
    if record.problem:
        yield problem_record(record.problem)
    if len(record.occurrences) + 1 >= rule.occurrences:
        yield from (incident_record(each.incident) for each in record.occurrences)


def wanted_by_ticket(key: str, known: Known) -> Iterator[str]:
    """Name the records that news of a ticket reads: it is an incident's, or else a problem's."""
    name = incident_record(key)
    yield name
    if name in known and known[name] is None:
        yield problem_record(key)
        problem = known.get(problem_record(key))
        if isinstance(problem, Problem):
            yield from wanted_by_problem(problem)


def wanted_by_problem(problem: Problem) -> Iterator[str]:
    """Name the records of its incidents, which are told of its tickets, and of its signature."""
    yield signature_record(problem.rule, problem.signature)
    yield from map(incident_record, problem.incidents)


def _rule_and_labels(fields: Fields, rules: CorrelationRules) -> tuple[ProblemRule, dict[str, str]] | None:
    rule = rules.problems.index.first(fields)
    labels = signature_of(rule, fields) if rule is not None else None
    return (rule, labels) if rule is not None and labels is not None else None


def _with_links(incident: Incident, problem: Problem) -> Incident:
    others = tuple(link for link in incident.links if link.kind is not LinkKind.CAUSED_BY)
    ours = tuple(
        TicketLink(each.destination, each.ref, LinkKind.CAUSED_BY)
        for each in problem.tickets
        if each.ref is not None
    )
    links = others + ours
    return incident if links == incident.links else replace(incident, links=links)


def _with_known(incident: Incident, problem: Problem, now: Millis) -> Incident:
    """Show an open incident the workaround of its problem, if it has none yet."""
    workaround = problem.workaround
    if workaround is None or incident.workaround is not None or not incident.is_open:
        return incident
    name = f"problem/{problem.id}"
    shown = ShownWorkaround(name, workaround.text, workaround.url, now, HELPS_WITHIN, problem.id)
    return with_workaround(incident, shown)


def _knowing(problem: Problem, incident: Incident) -> Problem:
    """A problem whose incident shows a workaround is a known error."""
    shown = incident.workaround
    if shown is None or problem.workaround is not None:
        return problem
    return problems.with_workaround(problem, Workaround(shown.text, shown.url))


def _after_news(problem: Problem, news: TicketNews) -> Problem:
    match news.kind:
        case NewsKind.ACKNOWLEDGED | NewsKind.IN_PROGRESS | NewsKind.ON_HOLD if not problem.state.is_over:
            return replace(problem, stage=_STAGES[news.kind])
        case NewsKind.RESOLVED | NewsKind.CLOSED:
            return problems.resolved(problem, news.at)
        case NewsKind.REOPENED:
            return problems.reopened(problem)
        case NewsKind.ASSIGNED:
            return replace(problem, assignee=news.detail)
        case NewsKind.COMMENTED:
            return problems.with_problem_note(problem, told(news), news.destination)
        case _:
            return problem


def tell(
    batch: Batch, problem: Problem, router: Router, mailbox: str, destinations: frozenset[str] | None
) -> None:
    """Tell its destinations what its tickets should show, those that there still are; None stands for any."""
    ticket = router.render_problem(problem)
    for destination in problem.destinations:
        if destinations is None or destination in destinations:
            batch.send(tickets_mailbox(destination), TicketsDesired(batch.clock, [ticket], mailbox))


class _IncidentFields:
    """What is still known of the alerts of an incident."""

    def __init__(self, incident: Incident) -> None:
        self._incident = incident

    def get(self, name: str, default: str = "") -> str:
        """Return a field, or *default* where not all alerts share one of that name."""
        match name:
            case "severity":
                return self._incident.severity.value
            case "service":
                return self._incident.service or default
            case "name":
                return self._incident.lead.name or default
            case _:
                return self._incident.labels.get(name) or default


@dataclass(frozen=True, slots=True)
class ProblemFiling:
    """Writes what becomes of problems into a batch."""

    batch: Batch
    router: Router
    rules: CorrelationRules

    def note_incident(self, alert: Alert, incident_id: str, now: Millis) -> None:
        """Count an incident that *alert* opened; it may be one too many."""
        found = _rule_and_labels(AlertFields(alert), self.rules)
        incident = self.batch.get(incident_record(incident_id), Incident)
        if found is not None and incident is not None:
            self._note(*found, incident, now)

    def note_majors(self, changed: Sequence[str]) -> None:
        """Have the causes of major incidents that are over looked for, once; *changed* are names of records."""
        for name in changed:
            incident = self.batch.get(name, Incident) if name.startswith("incident:") else None
            if incident is None or incident.major is None or not incident.is_major or incident.is_open:
                continue
            if incident.major.told_at is None:
                major = replace(incident.major, told_at=self.batch.clock)
                self.batch.put(name, replace(incident, major=major))
                self.note_major(incident, self.batch.clock)

    def note_major(self, incident: Incident, now: Millis) -> None:
        """A major incident is over: its cause is looked for, even if it never happens again."""
        fields = _IncidentFields(incident)
        rule = self.rules.problems.index.first(fields)
        if rule is not None and rule.after_major and not incident.problem:
            labels = signature_of(rule, fields) or {"incident": incident.id}
            self._note(rule, labels, incident, now, "a major incident is over")

    def _note(
        self, rule: ProblemRule, labels: dict[str, str], incident: Incident, now: Millis, enough: str = ""
    ) -> None:
        """Count an incident; *enough* says why it alone makes a problem, where it does."""
        signature = problems.signature_text(labels)
        name = signature_record(rule.id, signature)
        known = self.batch.get(name, Recurrence) or Recurrence()
        counted = problems.occurred(known, Occurrence(incident.opened_at, incident.id), rule)
        problem = self.batch.get(problem_record(known.problem), Problem) if known.problem else None
        if problem is not None and problem.state is not ProblemState.CLOSED:
            self._recur(problem, problems.frequency(counted, rule), incident, now, rule)
        elif enough or problems.recurs(counted, rule):
            why = enough or f"{len(counted.occurrences)} incidents of {signature}, as {rule.id} says"
            opened = self._open(rule, labels, counted, now, why)
            counted = replace(counted, problem=opened.id)
        self.batch.put(name, replace(counted, keep=rule.within))
        self._arm_signature(name, counted, rule.within)

    def note_reopened(self, incident_id: str, now: Millis) -> None:
        """An incident is here again: its problem was not resolved."""
        incident = self.batch.get(incident_record(incident_id), Incident)
        problem = (
            self.batch.get(problem_record(incident.problem), Problem)
            if incident and incident.problem
            else None
        )
        if problem is not None and problems.recurred(problem, now) is not problem:
            entry = TimelineEntry(now, "problem_reopened", f"incident {incident_id} is here again")
            self.change_problem(problems.recurred(problem, now), entry)

    def _open(
        self, rule: ProblemRule, labels: dict[str, str], counted: Recurrence, now: Millis, why: str
    ) -> Problem:
        how_often = problems.frequency(counted, rule)
        problem = problems.open_problem(rule, labels, how_often, now, counted.problem)
        self.batch.put(problem_record(problem.id), None)
        self.batch.file(PROBLEMS, problem.id, problem.opened_at)
        found = [self.batch.get(incident_record(each.incident), Incident) for each in counted.occurrences]
        incidents = [each for each in found if each is not None]
        for incident in incidents:
            problem = problems.with_incident(problem, incident, follows=not rule.destinations)
            problem = _knowing(problem, incident)
        self.change_problem(problem, TimelineEntry(now, "problem_opened", why))
        for incident in incidents:
            self._link(problem, incident, now)
        return problem

    def _recur(
        self, problem: Problem, how_often: Level, incident: Incident, now: Millis, rule: ProblemRule
    ) -> None:
        """One more incident of a problem that is there."""
        if incident.id in problem.incidents:
            return
        more = replace(problem, frequency=how_often)
        after = _knowing(problems.with_incident(more, incident, follows=not rule.destinations), incident)
        again = problems.recurred(after, now)
        verdict = "problem_recurred" if again is after else "problem_reopened"
        if again is not after:
            again = problems.with_problem_note(
                again, f"It was resolved, but incident {incident.id} is the same"
            )
        self.change_problem(again, TimelineEntry(now, verdict, f"incident {incident.id}"))
        self._link(again, incident, now)

    def _link(self, problem: Problem, incident: Incident, now: Millis) -> None:
        """Have the incident name its problem, and its people told, once."""
        linked = _with_known(_with_links(replace(incident, problem=problem.id), problem), problem, now)
        words = f"Caused by a problem that recurs ({problem.occurrences} incidents so far): "
        noted = (
            with_note(linked, words + self.router.render_problem(problem).url) if incident.is_open else linked
        )
        why = f"caused by problem {problem.id}, of which it is one of {problem.occurrences} incidents"
        entry = TimelineEntry(now, "problem_linked", why)
        change_incident(self.batch, noted, entry, self.router, self.rules)

    def change_problem(self, problem: Problem, entry: TimelineEntry) -> None:
        """Remember the problem as it is now, with its priority, and tell its timeline why."""
        priority = self.router.prioritise(problem.impact, problems.urgency(problem))
        self.batch.log(timeline_log(problem.id), entry)
        if entry.verdict in COUNTED:
            self.batch.count(COUNTED[entry.verdict])
        after = replace(problem, priority=priority, revision=problem.revision + 1, changed_at=entry.at)
        self.batch.put(problem_record(after.id), after)
        self.batch.arm(problem_record(after.id), problems.problem_due(after, self.rules.keep_resolved))
        self.batch.marked.add(problem_record(after.id))

    def turn(self, before: Problem, after: Problem, entry: TimelineEntry) -> None:
        """Remember what was changed, if anything was."""
        if after is not before:
            self.change_problem(after, entry)

    def on_report(self, problem: Problem, report: TicketReported) -> None:
        """Take in how one of its tickets stands; the tickets of its incidents are linked to it."""
        ticket = IncidentTicket(report.destination, report.state, report.ref, report.version)
        after = problems.with_ticket(problem, ticket)
        self.batch.put(problem_record(problem.id), after)
        verdict = f"ticket_{report.action.value}"
        self.batch.log(
            timeline_log(problem.id),
            TimelineEntry(report.at, verdict, report.detail, destination=report.destination),
        )
        for name in map(incident_record, problem.incidents):
            incident = self.batch.get(name, Incident)
            linked = _with_links(incident, after) if incident is not None else None
            if linked is not None and linked is not incident and linked.problem == problem.id:
                why = f"the ticket of problem {problem.id} is there"
                entry = TimelineEntry(report.at, "ticket_linked", why, destination=report.destination)
                change_incident(self.batch, linked, entry, self.router, self.rules)

    def on_news(self, problem: Problem, news: TicketNews) -> None:
        """Take in what a person did to one of its tickets."""
        after = _after_news(problem, news)
        verdict = f"person_{news.kind.value}"
        if after.state is not problem.state:
            verdict = f"problem_{'resolved' if after.state.is_over else 'reopened'}"
        self.change_problem(after, TimelineEntry(news.at, verdict, told(news), destination=news.destination))

    def work_around(self, problem: Problem, workaround: Workaround, entry: TimelineEntry) -> None:
        """Make it a known error, and tell of the workaround."""
        after = problems.with_workaround(problem, workaround)
        if after != problem:
            text = f"Workaround: {workaround.text} {workaround.url}".rstrip()
            self.change_problem(problems.with_problem_note(after, text), entry)
            self._show(after, entry)

    def _show(self, problem: Problem, why: TimelineEntry) -> None:
        """Show the workaround to those who work on its incidents now."""
        for name in map(incident_record, problem.incidents):
            incident = self.batch.get(name, Incident)
            known = _with_known(incident, problem, why.at) if incident is not None else None
            if known is not None and known is not incident:
                change_incident(self.batch, known, why, self.router, self.rules)

    def on_timer(self, timer: Timer) -> None:
        """Close what did not recur; forget what nobody asks for any more."""
        problem = self.batch.get(timer.id, Problem) if timer.id.startswith("problem:") else None
        if problem is None:
            self._forget_signature(timer)
        elif problem.state is ProblemState.RESOLVED:
            entry = TimelineEntry(timer.due, "problem_closed", "it did not recur in time: its cause is gone")
            self.change_problem(problems.closed(problem, timer.due), entry)
            name = signature_record(problem.rule, problem.signature)
            known = self.batch.get(name, Recurrence)
            if known is not None and known.problem == problem.id:
                self.batch.put(name, Recurrence((), problem.id, timer.due, known.keep))
        else:
            self._purge(timer, problem)

    def _purge(self, timer: Timer, problem: Problem) -> None:
        self.batch.put(timer.id, None)
        self.batch.file(PROBLEMS, problem.id, None)
        self.batch.dropped_logs.append(timeline_log(problem.id))
        name = signature_record(problem.rule, problem.signature)
        known = self.batch.get(name, Recurrence)
        if known is not None and known.problem == problem.id:
            left = replace(known, problem="")
            self.batch.put(name, left if left.occurrences else None)
            if left.occurrences:
                self._arm_signature(name, left, left.keep)

    def _arm_signature(self, name: str, known: Recurrence, within: Millis) -> None:
        if known.occurrences:
            self.batch.arm(name, known.occurrences[-1].at + within + 1)

    def _forget_signature(self, timer: Timer) -> None:
        """Its incidents are too long ago to count; one that points to a problem is kept as long as that is."""
        known = self.batch.get(timer.id, Recurrence)
        if known is not None and not known.problem:
            self.batch.put(timer.id, None)
