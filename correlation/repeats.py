"""Alerts that say what is known already, most of a storm: noted one by one, counted once a batch. Pure."""

from __future__ import annotations

import msgspec

from correlation.decisions import Verdict
from correlation.state import seen_record
from domain.alert import AlertRecord
from domain.batch import Batch
from domain.times import Millis

DUPLICATES = f"outcome.{Verdict.DUPLICATE.value}"


def file_repeat(batch: Batch, name: str, record: AlertRecord, at: Millis) -> None:
    """Note an alert that says again what *record*, called *name*, says."""
    noted = batch.repeats.get(name)
    if noted is not None and noted[0] is record:
        _, count, last = noted
        batch.repeats[name] = (record, count + 1, max(at, last))
        return
    if noted is not None:  # it changed within the batch: another incident may be concerned
        count_repeats(batch, *noted)
    batch.repeats[name] = (record, 1, at)


def count_repeats(batch: Batch, record: msgspec.Struct, count: int, last: Millis) -> None:
    """Count what was noted of a record: as sightings of the alert and its incident, and as an outcome."""
    batch.count(DUPLICATES, count)
    if isinstance(record, AlertRecord):
        batch.tally(seen_record(record.key), last, count)
        if record.incident:
            batch.tally(seen_record(record.incident), last, count)
