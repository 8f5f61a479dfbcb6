"""Which of a group's current incidents an alert belongs to, and why: its rule's strategies, in their order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp

import msgspec
from msgspec.structs import replace

from correlation.candidates import Candidate, has, score, text_of
from correlation.likeness import likeness
from correlation.rules import GroupRule
from correlation.strategies import ByLabels, ByText, ByTopology, Strategy
from domain.alert import Alert
from domain.durations import lasting
from domain.fields import AlertFields
from domain.times import Millis
from domain.topology import Topology

BURST: Millis = 20_000
"""How quickly it is forgotten that an alert fired anew."""
OUTBREAK = 0.01
"""When more than this share of an incident's alerts fire anew at once, that is another outbreak."""


class Question(msgspec.Struct, frozen=True, gc=False):
    """An alert that looks for its incident."""

    alert: Alert
    key: str
    rule: GroupRule
    now: Millis
    places: tuple[str, ...]
    """Where it is from in the graph, and then which peers it names."""
    topology: Topology


class Choice(msgspec.Struct, frozen=True, gc=False):
    """Where an alert goes."""

    incident: str = ""
    """Empty: nowhere, so it opens one."""
    why: str = ""
    """Why it goes there, or why to none."""


def choose(question: Question, current: Sequence[Candidate]) -> Choice:
    """Find the incident: the first strategy that knows one has its way."""
    able = [each for each in current if question.now - each.opened_at <= question.rule.max_age]
    missed: list[str] = []
    for strategy in question.rule.strategies:
        found = _find(question, strategy, able)
        if found.incident:
            return replace(found, why=f"by {strategy.type}: {found.why}")
        missed.append(f"not by {strategy.type}: {found.why}")
    return Choice(why="; ".join(missed))


def _find(question: Question, strategy: Strategy, able: Sequence[Candidate]) -> Choice:
    if not able:
        return Choice(why="no incident is current")
    match strategy:
        case ByTopology():
            return _by_topology(question, strategy, able)
        case ByText():
            return _by_text(question, strategy, able)
        case ByLabels():
            return _by_labels(question, strategy, able)


def _by_topology(question: Question, rule: ByTopology, able: Sequence[Candidate]) -> Choice:
    """Where most was hit close by; else where it was before; else where what it needs was hit of late."""
    if not question.places:
        return Choice(why="it names no resource and no service")
    near = question.topology.near(*question.places)
    scored = [(score(each, near, rule, question.now), each) for each in able]
    homes = [one for one in scored if has(one[1], question.key)]
    others = [one for one in scored if not has(one[1], question.key)]
    best = _best(others)
    if best is not None and best[0] >= rule.least:
        return Choice(best[1].incident, _why_near(*best, near, question.now))
    home = _best(homes)
    if home is not None and home[0] >= rule.least:
        return _return(question, home[1])
    return _below(question, [each for _, each in others]) or Choice(
        why=f"{_why_near(*(best or scored[-1]), near, question.now)}, {rule.least:g} is needed"
    )


def _best(scored: Sequence[tuple[float, Candidate]]) -> tuple[float, Candidate] | None:
    return max(scored, key=lambda one: (one[0], one[1].opened_at, one[1].incident), default=None)


def _return(question: Question, home: Candidate) -> Choice:
    """An alert that fires anew comes home, unless many of its incident do: then that is another outbreak."""
    if returns_of(home, question.now) < OUTBREAK * home.alerts:
        return Choice(home.incident, "it fires anew in its own incident")
    return Choice(why=f"many of {home.incident} fire anew, so this is another outbreak")


def returns_of(candidate: Candidate, now: Millis) -> float:
    """Count the alerts that fired anew of late."""
    return candidate.returns * exp(-min(max(0, now - candidate.returned_at) / BURST, 500.0))


def _below(question: Question, others: Sequence[Candidate]) -> Choice | None:
    """What depends on a place that failed of late, or is at it, belongs there while nothing speaks against it."""
    places = question.places
    needed = {name for place in places for name in (place, *question.topology.needs(place))}
    timely = [each for each in others if question.now - each.last_at <= question.rule.window]
    failed = [each for each in timely if each.cause in needed]
    if not failed:
        return None
    last = max(failed, key=lambda each: (each.last_at, each.opened_at, each.incident))
    where = "it is at" if last.cause in places else f"{places[0]} depends on"
    return Choice(last.incident, f"{where} {last.cause}, which failed{_since(last, question.now)}")


def _why_near(score: float, candidate: Candidate, near: Mapping[str, int], now: Millis) -> str:
    known = [(near[name], name) for name in candidate.places if name in near]
    hops, name = min(known, default=(None, ""))
    where = "out of reach" if hops is None else f"{hops} hop{'' if hops == 1 else 's'} from {name}"
    return f"{where}{_since(candidate, now)} of {candidate.incident}, score {score:.2g}"


def _since(candidate: Candidate, now: Millis) -> str:
    return f", {lasting(max(0, now - candidate.last_at))} after the last alert"


def _by_text(question: Question, rule: ByText, able: Sequence[Candidate]) -> Choice:
    """Where the most alike was read; each field has to be alike enough."""
    timely = [each for each in able if question.now - each.last_at <= rule.window]
    compared = [(*_spare(question.alert, each, rule), each) for each in timely]
    if not compared:
        return Choice(why=f"no incident had an alert within {lasting(rule.window)}")
    spare, words, best = max(compared, key=lambda one: (one[0], one[2].last_at, one[2].incident))
    return Choice(best.incident if spare >= 0 else "", f"{words} as one of {best.incident}")


def _spare(alert: Alert, candidate: Candidate, rule: ByText) -> tuple[float, str]:
    """Say how much more alike than needed it is, in the field where that is least."""
    fields = AlertFields(alert)
    found = [
        (likeness(text_of(alert, fields, name), candidate.values.get(name, ())), least, name)
        for name, least in rule.alike
    ]
    alike, least, name = min(found, key=lambda one: one[0] - one[1])
    return alike - least, f"{name} is {alike:.0f} % the same, {least:g} % is needed,"


def _by_labels(question: Question, rule: ByLabels, able: Sequence[Candidate]) -> Choice:
    """Where the same values were last seen."""
    fields = AlertFields(question.alert)
    wanted = {name: text_of(question.alert, fields, name) for name in rule.same}
    if missing := [name for name, value in wanted.items() if not value]:
        return Choice(why=f"it has no {' and no '.join(missing)}")
    alike = [
        each
        for each in able
        if question.now - each.last_at <= rule.window
        and all(value in each.values.get(name, ()) for name, value in wanted.items())
    ]
    same = ", ".join(f"{name}={value}" for name, value in wanted.items())
    if not alike:
        return Choice(why=f"none with {same} within {lasting(rule.window)}")
    last = max(alike, key=lambda each: (each.last_at, each.opened_at, each.incident))
    return Choice(last.incident, f"{same}{_since(last, question.now)}")
