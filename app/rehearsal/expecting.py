"""Compares what a test expects with what is found, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from app.rehearsal.expected_models import Expectation, ExpectedAlert, ExpectedIncident, ExpectedProblem
from app.rehearsal.facts import facts_of, fields_of, problem_facts, problem_fields
from app.rehearsal.files import Case
from app.rehearsal.world import World
from app.rehearsal.written import given
from config.problems import Path as Place
from config.problems import show_path
from correlation.state import incident_record
from domain.alert import AlertRecord
from domain.durations import lasting
from domain.fields import AlertFields
from domain.incident import Incident, TimelineEntry
from domain.matching import Matcher
from domain.times import Millis, to_text

TOLD_AT_MOST = 12
"""Lines of an incident's story that are told with a failure."""
CHOOSES = frozenset({"match", "count"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as expected."""

    line: int
    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is not as expected, and where in the file that is said."""

    file: str
    line: int
    title: str
    message: str = ""
    differences: tuple[Difference, ...] = ()
    story: tuple[str, ...] = ()
    """What happened to the incident, to see why."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the world, and what is remembered of what came in."""

    case: Case
    place: Place
    """Of the expectation, within its test."""
    world: World
    verdicts: Mapping[str, str]
    outcomes: Mapping[str, int]
    at: Millis

    def failure(
        self,
        path: Place,
        title: str,
        message: str = "",
        differences: Sequence[Difference] = (),
        story: Sequence[str] = (),
    ) -> Failure:
        """Tell of something within the expectation."""
        title = f"{title} at {lasting(self.at)}"
        line = self.case.line(*self.place, *path)
        return Failure(self.case.file, line, title, message, tuple(differences), tuple(story))


def failures(look: Look, expected: Expectation) -> Iterator[Failure]:
    """List all that is not as expected."""
    if counts := list(_counts(look, expected)):
        yield look.failure((), "counts", differences=counts, story=_overview(look.world))
    for number, incident in enumerate(expected.incidents):
        yield from _incident_failures(look, incident, ("incidents", number))
    for number, problem in enumerate(expected.problems):
        yield from _problem_failures(look, problem, ("problems", number))
    for number, alert in enumerate(expected.alerts):
        yield from _alert_failures(look, alert, ("alerts", number))


def _counts(look: Look, expected: Expectation) -> Iterator[Difference]:
    incidents = look.world.incidents()
    found = {
        "open": sum(each.is_open for each in incidents),
        "total": len(incidents),
        "outcomes": {name: look.outcomes.get(name, 0) for name in expected.outcomes},
    }
    yield from _differences(look, expected, found, (), set(found))


def _incident_failures(look: Look, expected: ExpectedIncident, path: Place) -> Iterator[Failure]:
    wanted, world = Matcher.of(expected.match), look.world
    chosen = [each for each in world.incidents() if wanted.matches(fields_of(each, world))]
    title = f"incident {_shown(expected.match)}" if expected.match else "the incident"
    if len(chosen) != expected.count:
        message = f"{expected.count} expected, {len(chosen)} found"
        yield look.failure(path, title, message, story=_overview(world))
        return
    for incident in chosen:
        found = facts_of(incident, world)
        if wrong := list(_differences(look, expected, found, path, set(found))):
            story = [_told(entry) for entry in _ends(world.timeline(incident))]
            yield look.failure(path, title, differences=wrong, story=story)


def _problem_failures(look: Look, expected: ExpectedProblem, path: Place) -> Iterator[Failure]:
    wanted, world = Matcher.of(expected.match), look.world
    chosen = [each for each in world.problems() if wanted.matches(problem_fields(each))]
    title = f"problem {_shown(expected.match)}" if expected.match else "the problem"
    if len(chosen) != expected.count:
        known = [
            f"{each.state.value}, {each.rule} {each.signature}: {each.title}" for each in world.problems()
        ]
        message = f"{expected.count} expected, {len(chosen)} found"
        yield look.failure(path, title, message, story=known or ["there is no problem"])
        return
    for problem in chosen:
        found = problem_facts(problem, world)
        if wrong := list(_differences(look, expected, found, path, set(found))):
            story = [_told(entry) for entry in _ends(world.timeline(problem))]
            yield look.failure(path, title, differences=wrong, story=story)


def _alert_failures(look: Look, expected: ExpectedAlert, path: Place) -> Iterator[Failure]:
    wanted = Matcher.of(expected.match)
    records = look.world.alerts()
    chosen = [each for each in records if wanted.matches(AlertFields(each.alert))]
    title = f"alert {_shown(expected.match)}" if expected.match else "the alert"
    if len(chosen) != expected.count:
        names = ", ".join(each.alert.name for each in records[:TOLD_AT_MOST])
        message = f"{expected.count} expected, {len(chosen)} found; known: {names or 'none'}"
        yield look.failure(path, title, message)
        return
    for record in chosen:
        found = _alert_facts(look, record)
        if wrong := list(_differences(look, expected, found, path, set(found))):
            yield look.failure(path, title, differences=wrong)


def _alert_facts(look: Look, record: AlertRecord) -> dict[str, Any]:
    shard = next((each for each in look.world.partitions.values() if _knows(each.records, record)), None)
    incident = shard.records.get(incident_record(record.incident)) if shard else None
    return {
        "verdict": look.verdicts.get(record.key, ""),
        "phase": record.phase.value,
        "incident": incident.lead.name if isinstance(incident, Incident) else "",
    }


def _knows(records: Mapping[str, Any], record: AlertRecord) -> bool:
    return bool(record.incident) and incident_record(record.incident) in records


Same = Callable[[Any, Any], bool]


def _within(expected: Mapping[str, str], found: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in expected.items())


def _contain(expected: Sequence[str], found: Sequence[str]) -> bool:
    return all(any(text in each for each in found) for text in expected)


def _in_order(expected: Sequence[str], found: Sequence[str]) -> bool:
    rest = iter(found)
    return all(any(each == wanted for each in rest) for wanted in expected)


def _alike(expected: Sequence[str], found: Sequence[str]) -> bool:
    return sorted(expected) == sorted(found)


RULES: Mapping[str, Same] = {
    "labels": _within,
    "notes": _contain,
    "description": _contain,
    "timeline": _in_order,
    "services": _alike,
    "destinations": _alike,
    "links": _alike,
}
"""How fields are compared that need not be equal."""


def _differences(
    look: Look, expected: BaseModel, found: Mapping[str, Any], path: Place, fields: set[str]
) -> Iterator[Difference]:
    for name, wanted in given(expected).items():
        if name in fields:
            yield from _difference(look, name, wanted, found[name], (*path, name))


def _difference(look: Look, name: str, wanted: Any, found: Any, path: Place) -> Iterator[Difference]:
    if name in ("tickets", "outcomes", "clocks"):
        for key, each in wanted.items():
            yield from _below(look, each, found.get(key), (*path, key))
        return
    same = RULES.get(name)
    if not (same(wanted, found) if same else wanted == found):
        yield _told_difference(look, path, wanted, found)


def _below(look: Look, wanted: Any, found: Any, path: Place) -> Iterator[Difference]:
    if isinstance(wanted, BaseModel) and found is not None:
        for name, each in given(wanted).items():
            yield from _difference(look, name, each, found[name], (*path, name))
    elif wanted != found:
        yield _told_difference(look, path, "a ticket" if isinstance(wanted, BaseModel) else wanted, found)


def _told_difference(look: Look, path: Place, wanted: Any, found: Any) -> Difference:
    below = path[2:] if len(path) > 2 and isinstance(path[1], int) else path  # noqa: PLR2004 - (kind, index)
    field = show_path(below)
    return Difference(look.case.line(*look.place, *path), field, _shown(wanted), _shown(found))


def _shown(value: Any) -> str:
    """Write a value as people do in YAML.

    >>> _shown({"a": ["b", "c"]}), _shown([]), _shown(None)
    ('{a: [b, c]}', '[]', 'none')
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "none" if value is None else str(value)


def _overview(world: World) -> list[str]:
    """Name the incidents there are."""
    found = world.incidents()
    lines = [
        f"{each.state.value}, {each.alerts} alerts, {each.rule} {each.group}: {each.lead.name}"
        for each in found[:TOLD_AT_MOST]
    ]
    more = len(found) - len(lines)
    return [*(lines or ["there is no incident"]), *([f"and {more} more"] if more > 0 else [])]


def _ends(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    half = TOLD_AT_MOST // 2
    return entries if len(entries) <= TOLD_AT_MOST else [*entries[:half], *entries[-half:]]


def _told(entry: TimelineEntry) -> str:
    where = f" in {entry.destination}" if entry.destination else ""
    return f"{to_text(entry.at)[11:19]} {entry.verdict}{where}{entry.reason and f': {entry.reason}'}"
