"""Where alerts belong once incidents were merged: the way is followed when it is needed, nothing is rewritten. Pure.

A merged incident names the one that lives on in its place, and so does that if it is merged in turn. What was merged
once is merged no more, and nothing is merged into it any more: so the way has no circles.
"""

from __future__ import annotations

from msgspec.structs import replace

from correlation.state import GroupRecord, group_record, incident_record
from domain.alert import AlertRecord
from domain.batch import Batch
from domain.incident import Incident, RelationKind


def living(batch: Batch, incident: str) -> Incident | None:
    """Find the incident, or the one that lives on in its place; None when that is gone."""
    found = batch.get(incident_record(incident), Incident)
    while found is not None and found.merged_into:
        found = batch.get(incident_record(found.merged_into), Incident)
    return found


def at_home(batch: Batch, record: AlertRecord) -> AlertRecord:
    """Have an alert belong to the incident that lives on."""
    home = living(batch, record.incident) if record.incident else None
    return record if home is None or home.id == record.incident else replace(record, incident=home.id)


def latest_of(batch: Batch, group: str) -> tuple[Incident | None, bool]:
    """Find a group's most recent incident, and whether that is another's, into which its own was merged."""
    pointer = batch.get(group_record(group), GroupRecord)
    latest = living(batch, pointer.incident) if pointer else None
    return latest, latest is not None and pointer is not None and latest.id != pointer.incident


def whole(incident: Incident) -> list[str]:
    """Name an incident and those that were merged into it: what was kept of them stays where it is."""
    return [incident.id, *(each.incident for each in incident.related if each.kind is RelationKind.MERGED)]
