"""The shelf for requests that could not be understood: bounded, aged, and settled by operators. Pure.

The first partition's shard keeps it. What is shown in lists is a record; the body, which may be large and is only
read one at a time, is a log of one line, so that no shard holds bodies in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from correlation.rules import QuarantineRule
from domain.batch import Batch
from domain.events import Quarantined, QuarantineSettled
from domain.ports import Timer
from domain.times import Millis

QUARANTINED = "quarantined"
"""Index of all requests in quarantine, by the time they were received."""
SHELF = "shelf:"
"""Record of what is kept, in order; its timer is called the same."""

Item = Quarantined | QuarantineSettled


class Place(msgspec.Struct, frozen=True, array_like=True):
    """What takes up room."""

    id: str
    received_at: Millis
    size: int


class Shelf(msgspec.Struct, frozen=True, array_like=True):
    """All that is kept, the oldest first."""

    places: tuple[Place, ...] = ()


class Body(msgspec.Struct, frozen=True, array_like=True):
    """A line that holds a body."""

    body: bytes
    packed: bool = False


def quarantined_record(id_: str) -> str:
    """Name the record of a request in quarantine, without its body; the log with the body is called the same."""
    return f"quarantined:{id_}"


def handle(batch: Batch, item: Item, rule: QuarantineRule) -> None:
    """Keep a request, or let go of one that an operator is done with."""
    if isinstance(item, Quarantined):
        _keep(batch, item, rule)
    else:
        _settle(batch, item)


def on_timer(batch: Batch, timer: Timer, rule: QuarantineRule) -> None:
    """Let go of what is too old."""
    _put(batch, _within(batch, _places(batch), timer.due, rule), rule)


def _keep(batch: Batch, item: Quarantined, rule: QuarantineRule) -> None:
    known = _places(batch)
    places = [place for place in known if place.id != item.id]
    if len(places) < len(known):
        _remove(batch, item.id)
    name = quarantined_record(item.id)
    size = len(item.body) + len(item.reason) + sum(map(len, (*item.headers.values(), *item.query.values())))
    batch.put(name, replace(item, body=b""))
    batch.log(name, Body(item.body, item.packed))
    batch.file(QUARANTINED, item.id, item.received_at)
    places.append(Place(item.id, item.received_at, size))
    _put(batch, _within(batch, places, batch.clock, rule), rule)


def _settle(batch: Batch, item: QuarantineSettled) -> None:
    places = _places(batch)
    left = [place for place in places if place.id != item.id]
    if len(left) == len(places):  # settled before, or gone
        return
    batch.count("quarantine_dropped" if item.replayed is None else "quarantine_replayed")
    _remove(batch, item.id)
    batch.put(SHELF, Shelf(tuple(left)))


def _within(batch: Batch, places: list[Place], now: Millis, rule: QuarantineRule) -> list[Place]:
    """Take from the old end what is beyond the bounds."""
    first = 0
    size = sum(place.size for place in places)
    for place in places:
        fits = len(places) - first <= rule.max_count and size <= rule.max_size
        if fits and place.received_at + rule.max_age > now:
            break
        first += 1
        size -= place.size
        batch.count("quarantine_expired")
        _remove(batch, place.id)
    return places[first:]


def _put(batch: Batch, places: list[Place], rule: QuarantineRule) -> None:
    batch.put(SHELF, Shelf(tuple(places)))
    batch.arm(SHELF, places[0].received_at + rule.max_age if places else None)


def _remove(batch: Batch, id_: str) -> None:
    name = quarantined_record(id_)
    batch.put(name, None)
    batch.file(QUARANTINED, id_, None)
    batch.dropped_logs.append(name)
    batch.lines[:] = _without(batch, name)


def _without(batch: Batch, log: str) -> Iterator[tuple[str, msgspec.Struct]]:
    """Logs are emptied before lines are appended, so what this batch itself was to append must go too."""
    return (line for line in batch.lines if line[0] != log)


def _places(batch: Batch) -> list[Place]:
    shelf = batch.get(SHELF, Shelf)
    return list(shelf.places) if shelf else []
