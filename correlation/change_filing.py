"""Writes changes into the batch, and tells incidents which they may come of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from correlation.change_rules import ChangeRules
from correlation.changes import (
    Opened,
    Recent,
    change_origin,
    planned_windows,
    suspects,
    touched,
    with_change,
    with_incident,
)
from correlation.filing import change_incident
from correlation.news import with_note
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import CHANGES, RECENT, change_record, incident_record
from correlation.suppression import plan
from domain.batch import Batch
from domain.change import Change, merged
from domain.fields import resources_in
from domain.incident import Incident, TimelineEntry
from domain.ports import Timer
from domain.times import Millis

Known = Mapping[str, msgspec.Struct | None]
KEEP: Millis = 30 * 86_400_000
"""How long a change is shown."""


class ChangeItem(msgspec.Struct, frozen=True):
    """What was told of one change."""

    at: Millis
    change: Change


def wanted(item: ChangeItem, rules: CorrelationRules, known: Known) -> Iterator[str]:
    """Name the records of the change, and of the incidents that may come of it."""
    name = change_record(item.change.id)
    yield name
    before, recent = known.get(name), known.get(RECENT)
    if rules.changes is None or not isinstance(recent, Recent):
        return
    before = before if isinstance(before, Change) else None
    for opened in touched(recent, before, merged(before, item.change), rules.changes):
        yield incident_record(opened.incident)


def on_change(batch: Batch, item: ChangeItem, router: Router, rules: CorrelationRules) -> None:
    """Take in what was told of a change; incidents that may come of it are told."""
    name = change_record(item.change.id)
    known = batch.get(name, Change)
    change = merged(known, item.change)
    if change == known:
        return
    batch.put(name, change)
    batch.arm(name, item.at + KEEP)
    batch.count(f"changes.{change.state.value}")
    if known is None or known.starts_at != change.starts_at:
        batch.file(CHANGES, change.id, change.starts_at)
    if rules.changes is None:
        return
    recent = with_change(batch.get(RECENT, Recent) or Recent(), change)
    batch.put(RECENT, recent)
    if rules.changes.maintenance:
        plan(batch, change_origin(change.id), planned_windows(change), item.at)
    for opened in touched(recent, known, change, rules.changes):
        _suspect_late(batch, opened, recent, item.at, router, rules)


def _suspect_late(
    batch: Batch, opened: Opened, recent: Recent, now: Millis, router: Router, rules: CorrelationRules
) -> None:
    """Tell an incident that was there before."""
    found = suspects(opened, recent.changes, rules.changes or ChangeRules())
    incident = batch.get(incident_record(opened.incident), Incident)
    if incident is None or found == incident.suspects:
        return
    after = replace(incident, suspects=found)
    if found and not incident.suspects and incident.is_open:
        after = with_note(after, f"Suspected change: {_words(after)}")
    why = _words(after) if found else "no change is suspected any more"
    entry = TimelineEntry(now, "change_suspected", why)
    change_incident(batch, after, entry, router, rules)


def suspected(batch: Batch, incident: Incident, rules: ChangeRules) -> Incident:
    """Hold a new incident against the latest changes, and remember it for those that come late."""
    recent = batch.get(RECENT, Recent) or Recent()
    opened = Opened(
        incident.opened_at,
        incident.id,
        incident.services,
        resources_in(incident.labels),
        incident.labels.get("environment", ""),
    )
    batch.put(RECENT, with_incident(recent, opened))
    return replace(incident, suspects=suspects(opened, recent.changes, rules))


def on_timer(batch: Batch, timer: Timer) -> None:
    """Forget a change that was long ago."""
    change = batch.get(timer.id, Change)
    if change is not None:
        batch.put(timer.id, None)
        batch.file(CHANGES, change.id, None)


def _words(incident: Incident) -> str:
    first = incident.suspects[0]
    who = f" by {first.actor}" if first.actor else ""
    more = f", and {len(incident.suspects) - 1} more" if len(incident.suspects) > 1 else ""
    return f"{first.title}{who} ({first.state}, same {first.relation}){more} {first.url}".rstrip()
