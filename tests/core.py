"""A shard without I/O: the real handler and decider over a dictionary, for tests of decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from app.shard.deciding import Decider, Letter
from domain.batch import Batch, Handler
from domain.events import Event
from domain.ports import Timer
from domain.times import Millis


class Core:
    """Keeps in memory what a shard keeps in its store."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.records: dict[str, msgspec.Struct | None] = {}
        self.timers: dict[str, Millis] = {}
        self.index: dict[tuple[str, str], float] = {}
        self.logs: dict[str, list[msgspec.Struct]] = {}
        self.counters: Counter[str] = Counter()
        self.sent: list[tuple[str, Event]] = []
        self.actions: list[Any] = []
        self.clock: Millis = 0

    def tell(self, *events: Event, at: Millis | None = None) -> None:
        """Have the shard decide on *events*, as one message."""
        items = self.handler.read(list(events))
        self.decide(items, max([item.at for item in items], default=0) if at is None else at)

    def decide(self, items: Sequence[Any], at: Millis) -> None:
        """Let time go on to *at*, with the timers due until then, and decide on *items*."""
        moved = max(self.clock, at)
        while due := self._due(moved):
            self._round([], due, max(self.clock, due[-1].due))
        self._round(list(items), [], moved)

    def pass_time(self, until: Millis) -> None:
        """Let time go on to *until*, with nothing happening but timers."""
        self.decide([], until)

    def get(self, name: str) -> Any:
        """Read a record that must exist."""
        record = self.records.get(name)
        assert record is not None, f"there is no record {name!r}"
        return record

    def all(self, kind: type[Any]) -> list[Any]:
        """List all records of a type, by name."""
        return [record for _, record in sorted(self.records.items()) if isinstance(record, kind)]

    def outcomes(self) -> dict[str, int]:
        """Count what became of alerts, by verdict."""
        return {
            name.removeprefix("outcome."): count
            for name, count in self.counters.items()
            if name.startswith("outcome.")
        }

    def _due(self, until: Millis) -> list[Timer]:
        due = sorted((moment, name) for name, moment in self.timers.items() if moment <= until)
        return [Timer(name, moment) for moment, name in due][:1]

    def _round(self, items: list[Any], due: list[Timer], clock: Millis) -> None:
        self._load(items, due)
        decider = Decider(self.handler, Batch(dict(self.records), clock), careful=False)
        decider.take_timers(due)
        decider.take_letter(Letter(None, items, clock), clock)
        self.handler.finish(decider.batch)
        self._apply(decider.batch)

    def _load(self, items: list[Any], due: list[Timer]) -> None:
        while missing := self.handler.wanted(Batch(self.records), items, due) - self.records.keys():
            self.records.update(dict.fromkeys(missing))

    def _apply(self, batch: Batch) -> None:
        self.clock = batch.clock
        self.records.update(batch.records)
        for name, due in batch.timers.items():
            _put(self.timers, name, due)
        for entry, score in batch.index.items():
            _put(self.index, entry, score)
        for name, line in batch.lines:
            self.logs.setdefault(name, []).append(line)
        for name in batch.dropped_logs:
            self.logs.pop(name, None)
        self.counters.update(batch.counters)
        self.sent += [(mailbox, event) for mailbox, events in batch.outgoing.items() for event in events]
        self.actions += batch.actions


def _put(values: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
