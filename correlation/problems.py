"""What incidents make of a problem: its life, as values in and values out. Pure."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from correlation.problem_rules import ProblemRule
from domain.incident import Incident, IncidentTicket, Note, Stage
from domain.priority import Level, Priority
from domain.problem import Problem, ProblemState, Workaround
from domain.times import Millis

INCIDENTS_KEPT = 50
NOTES_KEPT = 20
LEVELS = (Level.LOW, Level.MEDIUM, Level.HIGH)


class Occurrence(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """An incident, by when it opened."""

    at: Millis
    incident: str


class Recurrence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last incidents of one signature, and the problem that they made."""

    occurrences: tuple[Occurrence, ...] = ()
    problem: str = ""
    """The last one; it may be closed."""
    counted_from: Millis = 0
    """What opened before belongs to a problem that is closed."""
    keep: Millis = 0
    """How long after the last one they count."""


def occurred(known: Recurrence, occurrence: Occurrence, rule: ProblemRule) -> Recurrence:
    """Count an incident, once, whatever the order they are heard of.

    Twice as many as make a problem are kept: that tells how often it recurs.
    """
    if occurrence in known.occurrences or occurrence.at < known.counted_from:
        return known
    latest = tuple(sorted((*known.occurrences, occurrence)))[-2 * rule.occurrences :]
    return replace(known, occurrences=latest)


def recurs(known: Recurrence, rule: ProblemRule) -> bool:
    """Tell whether there are enough incidents within the time of the rule.

    >>> hourly = Recurrence(tuple(Occurrence(hour * 3_600_000, "a") for hour in range(3)))
    >>> recurs(hourly, ProblemRule("r", (), 3, 7_200_000)), recurs(hourly, ProblemRule("r", (), 3, 7_199_999))
    (True, False)
    """
    ats = [each.at for each in known.occurrences]
    pairs = zip(ats, ats[rule.occurrences - 1 :], strict=False)
    return any(last - first <= rule.within for first, last in pairs)


def frequency(known: Recurrence, rule: ProblemRule) -> Level:
    """Judge how often it recurs: high from twice what makes a problem."""
    if not known.occurrences:
        return Level.LOW
    since = known.occurrences[-1].at - rule.within
    count = sum(each.at >= since for each in known.occurrences)
    if count >= 2 * rule.occurrences:
        return Level.HIGH
    return Level.MEDIUM if count >= rule.occurrences else Level.LOW


def open_problem(
    rule: ProblemRule, labels: dict[str, str], how_often: Level, now: Millis, previous: str
) -> Problem:
    """Begin a problem, without incidents yet."""
    signature = signature_text(labels)
    return Problem(
        id=_problem_id(rule.id, signature, now, previous),
        rule=rule.id,
        signature=signature,
        state=ProblemState.OPEN,
        opened_at=now,
        changed_at=now,
        title="",
        labels=labels,
        services=(),
        incidents=(),
        occurrences=0,
        verify_for=rule.recurs_within,
        impact=Level.LOW,
        frequency=how_often,
        priority=Priority.P5,
        destinations=rule.destinations,
        previous=previous,
    )


def with_incident(problem: Problem, incident: Incident, *, follows: bool) -> Problem:
    """Take in an incident that it causes; *follows* tells whether tickets go where the incident's do."""
    if incident.id in problem.incidents:
        return problem
    judged = incident.assessment
    routed = judged.destinations if judged is not None and follows else ()
    return replace(
        problem,
        title=incident.lead.summary or incident.lead.name,
        services=tuple(sorted({*problem.services, *incident.services})),
        incidents=(*problem.incidents, incident.id)[-INCIDENTS_KEPT:],
        occurrences=problem.occurrences + 1,
        impact=max(problem.impact, judged.impact, key=LEVELS.index) if judged else problem.impact,
        team=problem.team or (judged.team if judged else ""),
        destinations=tuple(dict.fromkeys((*problem.destinations, *routed))),
    )


def urgency(problem: Problem) -> Level:
    """Say how soon its cause must be found: by how often it recurs; with a workaround it can wait longer."""
    if problem.workaround is None or problem.frequency is Level.LOW:
        return problem.frequency
    return LEVELS[LEVELS.index(problem.frequency) - 1]


def recurred(problem: Problem, at: Millis) -> Problem:
    """It was resolved, and is here again: so it was not."""
    if problem.state is not ProblemState.RESOLVED or problem.resolved_at is None or at < problem.resolved_at:
        return problem
    return reopened(problem)


def reopened(problem: Problem) -> Problem:
    """Have it worked on again."""
    if not problem.state.is_over:
        return problem
    state = ProblemState.OPEN if problem.workaround is None else ProblemState.KNOWN_ERROR
    return replace(problem, state=state, resolved_at=None, closed_at=None, stage=Stage.NEW)


def resolved(problem: Problem, at: Millis) -> Problem:
    """Its cause is said to be gone."""
    if problem.state.is_over:
        return problem
    return replace(problem, state=ProblemState.RESOLVED, resolved_at=max(problem.opened_at, at))


def closed(problem: Problem, at: Millis) -> Problem:
    """It did not recur for long enough: its cause is gone."""
    if problem.state is not ProblemState.RESOLVED:
        return problem
    return replace(problem, state=ProblemState.CLOSED, closed_at=at)


def with_workaround(problem: Problem, workaround: Workaround) -> Problem:
    """Make it a known error."""
    state = ProblemState.KNOWN_ERROR if problem.state is ProblemState.OPEN else problem.state
    return replace(problem, state=state, workaround=workaround)


def with_ticket(problem: Problem, ticket: IncidentTicket) -> Problem:
    """Take in how its ticket at one destination stands."""
    others = [each for each in problem.tickets if each.destination != ticket.destination]
    tickets = tuple(sorted((*others, ticket), key=lambda each: each.destination))
    return replace(problem, tickets=tickets)


def with_problem_note(problem: Problem, text: str, origin: str = "") -> Problem:
    """Have the people at its tickets told something, but not where it came from."""
    number = int(problem.notes[-1].id) + 1 if problem.notes else 1
    return replace(problem, notes=(*problem.notes, Note(str(number), text, origin))[-NOTES_KEPT:])


def problem_due(problem: Problem, keep: Millis) -> Millis | None:
    """Say when time does something to it: closes it, or forgets it."""
    if problem.state is ProblemState.RESOLVED and problem.resolved_at is not None:
        return problem.resolved_at + problem.verify_for
    return problem.closed_at + keep if problem.closed_at is not None else None


def signature_text(labels: dict[str, str]) -> str:
    r"""Write a signature, so that no two different ones read the same.

    >>> signature_text({"service": "cart", "alertname": "a,b"})
    'service=cart,alertname=a\\,b'
    """
    return ",".join(f"{name}={_quoted(value)}" for name, value in labels.items())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _problem_id(rule: str, signature: str, now: Millis, previous: str) -> str:
    story = f"problem|{rule}|{signature}|{now}|{previous}".encode("utf-8", "surrogatepass")
    return blake2b(story, digest_size=8).hexdigest()
