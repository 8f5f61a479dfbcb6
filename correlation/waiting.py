"""Who waits for what: lists of alerts that are looked at again as soon as what they wait for is over. Pure.

An alert that waits has a timer of its own, so a list only makes it sooner. It may forget, but not grow: it is spread
over a fixed number of records of a bounded length, each of which is rung at the latest when it was said to be, and is
then gone. What has to wait on puts itself on a list again.
"""

from __future__ import annotations

from bisect import bisect_left
from zlib import crc32

from correlation.state import PARTS, WAITING, Waiting, alert_record
from domain.batch import Batch
from domain.ports import Timer
from domain.times import Millis

KEYS_AT_MOST = 1_000
"""Alerts in one record of a list; more of them wait for their own timers."""


def waiting_record(name: str, key: str, parts: int = PARTS) -> str:
    """Name the part of a list that an alert belongs to; its timer is called the same."""
    part = crc32(key.encode("utf-8", "surrogatepass")) % parts
    return f"{WAITING}{name}/{part}"


def list_records(name: str, parts: int = PARTS) -> list[str]:
    """Name all parts of a list."""
    return [f"{WAITING}{name}/{part}" for part in range(parts)]


def enlist(batch: Batch, name: str, key: str, until: Millis, parts: int = PARTS) -> None:
    """Put an alert on a list that is rung at *until*, if not before; it is on it once."""
    record = waiting_record(name, key, parts)
    part = batch.get(record, Waiting)
    keys = part.keys if part else ()
    place = bisect_left(keys, key)
    if keys[place : place + 1] == (key,) or len(keys) >= KEYS_AT_MOST:
        return
    batch.put(record, Waiting((*keys[:place], key, *keys[place:])))
    if part is None:
        batch.arm(record, until)


def ring(batch: Batch, name: str, now: Millis, parts: int = PARTS) -> None:
    """Have all on a list looked at again."""
    for record in list_records(name, parts):
        batch.arm(record, now)


def on_ring(batch: Batch, timer: Timer) -> None:
    """Have those in a part of a list looked at; it is then gone."""
    part = batch.get(timer.id, Waiting)
    if part is None:
        return
    batch.put(timer.id, None)
    for key in part.keys:
        batch.arm(alert_record(key), timer.due)
