"""Merges incidents, splits them, and moves alerts between them, as operators ask. Pure.

A merge rewrites two records, however many alerts there are: those of the merged incident find their way when they are
next heard of (``correlation/homes.py``). A split or a move rewrites the alerts that are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec.structs import replace

from correlation.extent import merged_extent, reaching
from correlation.filing import Member, change_incident
from correlation.homes import at_home
from correlation.incidents import (
    NOBODY,
    lead_of,
    opened_again,
    resolved,
    shared,
    with_firing,
    with_member,
    with_services,
    without_firing,
)
from correlation.news import with_note
from correlation.requests import is_known, refuse, remembering, who_and_why
from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import INCIDENTS, alert_record, incident_record, members_log, seen_record
from domain.alert import AlertRecord, Phase, Sightings
from domain.batch import Batch
from domain.commands import Merge, Move, Regrouping, Split
from domain.events import OperatorAsked
from domain.incident import Incident, Lead, Relation, RelationKind, TimelineEntry
from domain.times import Millis

RELATED_KEPT = 100
_LAST: Millis = 1 << 62
"""Later than any alert begins."""


def wanted(action: Regrouping) -> Iterator[str]:
    """Name the records that it reads."""
    yield incident_record(action.incident)
    if not isinstance(action, Split):
        yield incident_record(action.into)
    if not isinstance(action, Merge):
        yield from map(alert_record, action.alerts)


class _Desk(NamedTuple):
    """Where a request is dealt with."""

    batch: Batch
    asked: OperatorAsked
    router: Router
    rules: CorrelationRules

    def change(self, incident: Incident, verdict: str, reason: str) -> None:
        """Remember an incident, and why it is as it is."""
        entry = TimelineEntry(self.asked.at, verdict, reason)
        change_incident(self.batch, incident, entry, self.router, self.rules)


def obey(
    batch: Batch, asked: OperatorAsked, action: Regrouping, router: Router, rules: CorrelationRules
) -> None:
    """Do it once; what cannot be done is on record."""
    source = batch.get(incident_record(action.incident), Incident)
    if source is None or is_known(source, asked):
        return
    target = None if isinstance(action, Split) else batch.get(incident_record(action.into), Incident)
    desk = _Desk(batch, asked, router, rules)
    refused = why_not(action, source, target)
    if refused:
        refuse(batch, asked, source, refused)
    elif not isinstance(action, Merge):
        _take_out(desk, action.alerts, source, target)
    elif target is not None:
        _merge(desk, source, target)


def why_not(action: Regrouping, source: Incident, target: Incident | None) -> str:
    """Say why it cannot be done, as far as the incidents tell; empty if it can."""
    if source.merged_into:
        return f"it was merged into {source.merged_into}"
    if source.is_closed:
        return "it is closed, which is final"
    if isinstance(action, Split):
        return ""
    if target is None:
        return f"there is no incident {action.into}, or not any more"
    needs_open = source.is_open or isinstance(action, Move)
    return "source and target are the same" if target.id == source.id else _why_not_into(target, needs_open)


def _why_not_into(target: Incident, needs_open: bool) -> str:  # noqa: FBT001 - of this module
    if target.merged_into:
        return f"{target.id} was merged into {target.merged_into}"
    if target.is_closed:
        return f"{target.id} is closed, which is final"
    return f"{target.id} is resolved; reopen it first" if needs_open and not target.is_open else ""


def _merge(desk: _Desk, source: Incident, target: Incident) -> None:
    asked, said = desk.asked, who_and_why(desk.asked)
    over = resolved(source, asked.at) if source.is_open else source
    over = replace(over, firing=NOBODY, flapping=0, merged_into=target.id)
    over = with_note(over, f"Merged into {_called(target)} {said}")
    both = with_note(_together(source, target, asked.at), f"Took in {_called(source)} {said}")
    desk.change(remembering(over, asked), "operator_merged", f"into {target.id} {said}")
    desk.change(both, "operator_merged", f"took in {source.id} {said}")


def _together(source: Incident, target: Incident, now: Millis) -> Incident:
    """What the target is with all that the source was."""
    merged = [each for each in source.related if each.kind is RelationKind.MERGED]
    related = (*target.related, Relation(RelationKind.MERGED, source.id), *merged)
    return replace(
        target,
        lead=min(target.lead, source.lead),
        labels=shared(target.labels, source.labels),
        services=with_services(target.services, source.services),
        firing=tuple(map(sum, zip(target.firing, source.firing, strict=True))),
        alerts=target.alerts + source.alerts,
        flapping=target.flapping + source.flapping,
        joined_at=max(target.joined_at, source.joined_at),
        changed_at=max(target.changed_at, now),
        related=related[-RELATED_KEPT:],
        extent=merged_extent(target.extent, source.extent),
    )


def _take_out(desk: _Desk, keys: Sequence[str], source: Incident, target: Incident | None) -> None:
    batch, asked = desk.batch, desk.asked
    records = [_member(batch, key, source) for key in dict.fromkeys(keys)]
    members = [record for record in records if record is not None]
    if not members or len(members) < len(records):
        refuse(batch, asked, source, "not all of these are alerts of it")
        return
    left, there = source, target or _split_off(batch, asked, members, source)
    for record in members:
        moved = replace(record, incident=there.id)
        left, there = _moved(left, there, record, moved, desk)
        batch.put(alert_record(record.key), moved)
        batch.log(members_log(there.id), Member(record.key))
    verdict = "operator_split" if target is None else "operator_moved"
    said = f"{len(members)} alerts, {who_and_why(asked)}"
    left = with_note(_led(left, members), f"Left for {_called(there)}: {said}")
    desk.change(remembering(left, asked), verdict, f"to {there.id}: {said}")
    desk.change(
        with_note(there, f"Came from {_called(source)}: {said}"), verdict, f"from {source.id}: {said}"
    )


def _member(batch: Batch, key: str, incident: Incident) -> AlertRecord | None:
    record = batch.get(alert_record(key), AlertRecord)
    here = at_home(batch, record) if record is not None else None
    return here if here is not None and here.incident == incident.id else None


def _moved(
    left: Incident, there: Incident, before: AlertRecord, after: AlertRecord, desk: _Desk
) -> tuple[Incident, Incident]:
    """Count one alert there, and here no more."""
    now, rules = desk.asked.at, desk.rules
    alert = after.alert
    left = replace(left, alerts=left.alerts - 1, changed_at=max(left.changed_at, now))
    there = with_member(there, alert, after.key, now)
    if after.fires:
        left, there = without_firing(left, alert.severity, now), with_firing(there, alert.severity, now)
    if after.phase is Phase.FLAPPING:
        left = replace(left, flapping=max(0, left.flapping - 1))
        there = replace(there, flapping=there.flapping + 1)
    if rules.extent is not None:
        left = reaching(left, before, after, rules.extent, now)
        there = reaching(there, before, after, rules.extent, now)
    return left, there


def _split_off(
    batch: Batch, asked: OperatorAsked, members: Sequence[AlertRecord], source: Incident
) -> Incident:
    """Begin an incident for some alerts of another. Its group stays the other's: what is new joins that."""
    first = members[0]
    story = "|".join([source.id, str(asked.at), *(record.key for record in members)])
    new = Incident(
        id=blake2b(story.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
        rule=source.rule,
        group=source.group,
        state=source.state,
        opened_at=asked.at,
        changed_at=asked.at,
        joined_at=asked.at,
        lead=lead_of(first.alert, first.key),
        labels=first.alert.labels,
        services=(),
        firing=NOBODY,
        alerts=0,
        revision=0,
        related=(Relation(RelationKind.SPLIT_FROM, source.id),),
    )
    fires = any(record.fires for record in members)
    new = opened_again(new) if fires else resolved(new, asked.at)
    batch.put(incident_record(new.id), None)
    batch.put(seen_record(new.id), Sightings(0, asked.at))
    batch.file(INCIDENTS, new.id, new.opened_at)
    return new


def _led(left: Incident, gone: Sequence[AlertRecord]) -> Incident:
    """Where the alert went that it is named after, it keeps the name until another of its alerts is news."""
    if left.lead.key not in {record.key for record in gone}:
        return left
    lead = left.lead
    return replace(left, lead=Lead(len(NOBODY) - 1, _LAST, "", lead.name, lead.summary))


def _called(incident: Incident) -> str:
    """Name an incident and its tickets."""
    tickets = [f"{each.destination} {each.ref.id}" for each in incident.tickets if each.ref is not None]
    return f"incident {incident.id} ({', '.join(tickets)})" if tickets else f"incident {incident.id}"
