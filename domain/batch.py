"""What one batch reads and changes in its shard. Pure: throw it away and nothing happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from domain.alert import Sightings
from domain.events import Delivered, Event
from domain.ports import Timer
from domain.times import Millis

T = TypeVar("T", bound=msgspec.Struct)
ONCE = Sightings(1, 0)
"""What a record that is not there stands for: most alerts are heard of once, and cost no write for it."""


class NotLoaded(Exception):
    """A decision needs a record that nobody foresaw: what came before in the batch has changed what is needed."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(slots=True)
class Batch:
    """A layer of changes over the records that the shard holds in memory.

    Records are frozen values, so the layer below is never touched.
    """

    known: Mapping[str, msgspec.Struct | None]
    """Records loaded so far; None for one known not to exist."""
    clock: Millis = 0
    """The shard's time, moved on by what it is told."""
    records: dict[str, msgspec.Struct | None] = field(default_factory=dict)
    timers: dict[str, Millis | None] = field(default_factory=dict)
    earliest: Millis | None = None
    """When the first of the timers armed in this batch is due."""
    index: dict[tuple[str, str], float | None] = field(default_factory=dict)
    lines: list[tuple[str, msgspec.Struct]] = field(default_factory=list)
    dropped_logs: list[str] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    outgoing: dict[str, list[Event]] = field(default_factory=dict)
    actions: list[Any] = field(default_factory=list)
    """What is to be done outside once the batch is committed; only delivery does such things."""
    marked: set[str] = field(default_factory=set)
    """Records that the handler comes back to when the batch is finished."""
    tallies: dict[str, list[int]] = field(default_factory=dict)
    """Sightings of this batch by record key: [count, last seen]. Duplicates fold here before they are written."""

    repeats: dict[str, tuple[msgspec.Struct, int, Millis]] = field(default_factory=dict)
    """By record name: what is said again and again, how often in this batch, and when last. The handler folds them."""

    def get(self, key: str, kind: type[T]) -> T | None:
        """Read a record as it stands within this batch.

        Raises:
            NotLoaded: it was not asked for (``wanted``); load it and decide anew.
        """
        try:
            value = self.records[key] if key in self.records else self.known[key]
        except KeyError:
            raise NotLoaded(key) from None
        if value is not None and not isinstance(value, kind):
            message = f"record {key!r} is a {type(value).__name__}, not a {kind.__name__}"
            raise TypeError(message)
        return value

    def put(self, key: str, value: msgspec.Struct | None) -> None:
        """Change a record; None removes it."""
        self.records[key] = value

    def arm(self, timer: str, due: Millis | None) -> None:
        """Ask to be woken at *due*; None takes it back."""
        self.timers[timer] = due
        if due is not None and (self.earliest is None or due < self.earliest):
            self.earliest = due

    def file(self, index: str, member: str, score: float | None) -> None:
        """Put *member* into an index; None takes it out."""
        self.index[index, member] = score

    def log(self, name: str, line: msgspec.Struct) -> None:
        """Append a line to a log."""
        self.lines.append((name, line))

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + by

    def send(self, mailbox: str, event: Event) -> None:
        """Have *event* published once the batch is committed."""
        self.outgoing.setdefault(mailbox, []).append(event)

    def tally(self, key: str, at: Millis, count: int = 1) -> None:
        """Count a sighting of what *key* names."""
        tally = self.tallies.get(key)
        if tally is None:
            self.tallies[key] = [count, at]
            return
        tally[0] += count
        tally[1] = max(tally[1], at)

    def fold_tallies(self) -> None:
        """Add this batch's sightings to the records that hold them. Where there is none, it was seen once."""
        for key, (count, at) in self.tallies.items():
            before = self.records.get(key) or self.known.get(key)
            seen = before if isinstance(before, Sightings) else ONCE
            self.put(key, seen.plus(Sightings(count, at)))
        self.tallies.clear()

    def fork(self) -> Batch:
        """Copy, to try something that may fail. Keep the copy if it went well."""
        return Batch(
            self.known,
            self.clock,
            dict(self.records),
            dict(self.timers),
            self.earliest,
            dict(self.index),
            list(self.lines),
            list(self.dropped_logs),
            dict(self.counters),
            {mailbox: list(events) for mailbox, events in self.outgoing.items()},
            list(self.actions),
            set(self.marked),
            {key: list(tally) for key, tally in self.tallies.items()},
            dict(self.repeats),
        )


class Handler(Protocol):
    """What makes one kind of shard differ from the other. Pure; the shard loop does the I/O around it.

    An item is the smallest thing it decides on: one alert, one report. Its ``at`` is the moment it happened.
    """

    record_kinds: Mapping[str, type[msgspec.Struct]]
    """Type of the records whose key starts with this word and a colon."""

    def read(self, events: Sequence[Delivered]) -> list[Any]:
        """Split the events of one message into items."""
        ...

    def wanted(self, batch: Batch, items: list[Any], due: list[Timer]) -> set[str]:
        """Name the records that deciding on these will read.

        Asked again after they were loaded, until it names none that is unknown: some records name others.
        """
        ...

    interrupted: str
    """Index of what was under way outside and is lost when the owner dies; empty if nothing ever is."""

    def resume(self, keys: list[str], at: Millis) -> list[Any]:
        """Make items of what was under way when the last owner died."""
        ...

    def advance(self, batch: Batch) -> None:
        """Take note that time went on."""
        ...

    def due(self, batch: Batch, timer: Timer) -> None:
        """Act on a timer. It is gone afterwards unless armed again."""
        ...

    def handle(self, batch: Batch, item: Any) -> None:
        """Decide on one item. Whatever it raises puts that item, alone, into quarantine."""
        ...

    def reject(self, batch: Batch, item: Any, error: str, now: Millis) -> None:
        """Record that an item, or a whole message that cannot be read, could not be decided on."""
        ...

    def finish(self, batch: Batch) -> None:
        """Do what is done once a batch, after all its decisions."""
        ...
