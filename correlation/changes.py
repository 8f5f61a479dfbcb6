"""Which changes an incident may come of, and what is kept to tell. Values in, values out.

What is suspected depends only on what is known, not on what came first: the incident or the change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from correlation.change_rules import ChangeRules
from domain.change import Change, ChangeState, merged
from domain.fields import RESOURCES
from domain.incident import Suspect
from domain.suppression import PlannedWindow
from domain.times import Millis

CHANGES_KEPT = 500
"""Changes that an incident is held against; the latest."""
INCIDENTS_KEPT = 500
"""Incidents that a change which comes late is held against; the latest."""
SUSPECTS_SHOWN = 5
NEAR: Millis = 300_000
"""Of two changes that are about as near, one that failed is the more likely."""
SAME, NEEDED, AROUND = "service", "dependency", "environment"
_RELATIONS = (SAME, NEEDED, AROUND)


class Opened(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """An incident as it was when it opened."""

    at: Millis
    incident: str
    services: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    environment: str = ""


class Recent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The latest changes and incidents of a shard: what of the one may come of the other."""

    changes: tuple[Change, ...] = ()
    incidents: tuple[Opened, ...] = ()


def with_change(known: Recent, news: Change) -> Recent:
    """Take a change in; the oldest go to make room."""
    same = next((each for each in known.changes if each.id == news.id), None)
    change = merged(same, news)
    if change == same:
        return known
    others = (each for each in known.changes if each.id != news.id)
    latest = sorted([*others, change], key=lambda each: (each.starts_at, each.id))[-CHANGES_KEPT:]
    return Recent(tuple(latest), known.incidents)


def with_incident(known: Recent, opened: Opened) -> Recent:
    """Take an incident in; the oldest go to make room."""
    if opened in known.incidents:
        return known
    return Recent(known.changes, tuple(sorted((*known.incidents, opened)))[-INCIDENTS_KEPT:])


def suspects(opened: Opened, changes: Iterable[Change], rules: ChangeRules) -> tuple[Suspect, ...]:
    """List the changes that an incident may come of, the most likely first.

    The same service or configuration item goes before one that it depends on, and that before the environment; then
    what is nearer in time; then what failed.
    """
    found = []
    for change in changes:
        relation, apart = relation_of(opened, change, rules), distance(opened.at, change, rules)
        if relation and apart is not None:
            found.append((_likelihood(relation, apart, change), change, relation))
    found.sort(key=lambda each: each[0])
    return tuple(_suspect(change, relation) for _, change, relation in found[:SUSPECTS_SHOWN])


def touched(recent: Recent, before: Change | None, after: Change, rules: ChangeRules) -> Iterator[Opened]:
    """List the incidents whose suspects may be others by what was told of a change."""
    told = [each for each in (before, after) if each is not None]
    for opened in recent.incidents:
        if any(
            relation_of(opened, each, rules) and distance(opened.at, each, rules) is not None for each in told
        ):
            yield opened


def distance(at: Millis, change: Change, rules: ChangeRules) -> Millis | None:
    """Say how long before *at* the change was over; 0 while it was under way, None if it cannot be the cause."""
    if change.starts_at > at:
        return None
    apart = max(0, at - (change.ends_at if change.ends_at is not None else change.starts_at))
    return apart if apart <= rules.suspect_within else None


def relation_of(opened: Opened, change: Change, rules: ChangeRules) -> str:
    """Say how a change relates to what an incident hits; empty if it does not."""
    services = set(change.services)
    if services.intersection(opened.services) or set(change.resources).intersection(opened.resources):
        return SAME
    if any(services & rules.needs.get(name, frozenset()) for name in opened.services):
        return NEEDED
    return AROUND if change.environment and change.environment == opened.environment else ""


def planned_windows(change: Change) -> list[PlannedWindow]:
    """List the windows in which alerts of what a planned change is about stay quiet.

    There is one for its services, and one for each label that names configuration items. A change without an end, or
    that is over, plans nothing.
    """
    if change.state.is_over or change.ends_at is None:
        return []
    wanted = {"service": change.services, **dict.fromkeys(RESOURCES, change.resources)}
    who = f" by {change.actor}" if change.actor else ""
    return [
        PlannedWindow(
            f"{change.id}/{name}",
            change_origin(change.id),
            (f'{name}=~"{_any_of(values)}"',),
            change.starts_at,
            change.ends_at,
            f"{change.title}{who}",
        )
        for name, values in wanted.items()
        if values
    ]


def change_origin(change: str) -> str:
    """Say who speaks for the windows of a change."""
    return f"change:{change}"


def _any_of(values: Iterable[str]) -> str:
    """Write a pattern that fits these values and no others, as a quoted text."""
    pattern = "|".join(map(re.escape, values))
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _likelihood(relation: str, apart: Millis, change: Change) -> tuple[int, int, bool, Millis, str]:
    went_well = change.state not in {ChangeState.FAILED, ChangeState.ROLLED_BACK}
    return _RELATIONS.index(relation), apart // NEAR, went_well, apart, change.id


def _suspect(change: Change, relation: str) -> Suspect:
    ended = change.ends_at if change.ends_at is not None else change.starts_at
    return Suspect(change.id, change.title, relation, change.state.value, ended, change.actor, change.url)
