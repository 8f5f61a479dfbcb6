"""A shard without I/O: the real handler and decider over a dictionary, for tests of decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from app.shard.deciding import Decider, Letter
from domain.batch import Batch, Handler, NotLoaded
from domain.events import Event, decode_sealed, encode
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

    def tell(self, *events: Event) -> None:
        """Have the shard decide on *events*, as one message."""
        self.tell_all([events])

    def tell_all(self, messages: Sequence[Sequence[Event]]) -> None:
        """Have the shard decide on messages that it finds waiting: one batch, but for the timers in between."""
        letters = [self._letter(self.handler.read(decode_sealed(encode(events)))) for events in messages]
        while letters:
            self._act_on_timers(max(self.clock, letters[0].at))
            del letters[: self._round(letters, [], max(self.clock, letters[0].at))]

    def decide(self, items: Sequence[Any], at: Millis) -> None:
        """Let time go on to *at*, with the timers due until then, and decide on *items*."""
        moved = max(self.clock, at)
        self._act_on_timers(moved)
        self._round([Letter(None, list(items), moved)], [], moved)

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

    def _letter(self, items: list[Any]) -> Letter:
        return Letter(None, items, max([item.at for item in items], default=0))

    def _act_on_timers(self, until: Millis) -> None:
        while due := self._due(until):
            self._round([], due, max(self.clock, due[-1].due))

    def _round(self, letters: list[Letter], due: list[Timer], clock: Millis) -> int:
        self._load([item for letter in letters for item in letter.items], due)
        while True:
            try:
                return self._decide(letters, due, clock)
            except NotLoaded as error:
                self.records[error.key] = None

    def _decide(self, letters: list[Letter], due: list[Timer], clock: Millis) -> int:
        decider = Decider(self.handler, Batch(dict(self.records), clock), careful=False)
        decider.take_timers(due)
        taken = 0
        for letter in letters:
            moved = max(decider.batch.clock, letter.at)
            if taken and self._falls_due(decider.batch, moved):
                break
            decider.take_letter(letter, moved)
            taken += 1
        self.handler.finish(decider.batch)
        self._apply(decider.batch)
        return taken

    def _falls_due(self, batch: Batch, clock: Millis) -> bool:
        return bool(self._due(clock)) or (batch.earliest is not None and batch.earliest <= clock)

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
        for name in batch.dropped_logs:
            self.logs.pop(name, None)
        for name, line in batch.lines:
            self.logs.setdefault(name, []).append(line)
        self.counters.update(batch.counters)
        self.sent += [(mailbox, event) for mailbox, events in batch.outgoing.items() for event in events]
        self.actions += batch.actions


def _put(values: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
