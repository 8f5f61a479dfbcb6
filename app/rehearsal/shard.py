"""A shard without I/O: the real handler over records in memory, batch by batch as its worker has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import MutableMapping, Sequence
from typing import Any

import msgspec

from app.rehearsal.timers import Timers
from app.shard.deciding import Decider, Letter
from app.shard.effects import TIMERS_AT_ONCE
from domain.batch import Batch, Handler, NotLoaded
from domain.ports import Timer
from domain.times import Millis

Records = MutableMapping[str, msgspec.Struct]


class MemoryShard:
    """Decides as ``app.shard.worker.Worker`` does, and keeps what that would commit."""

    def __init__(self, name: str, handler: Handler, records: Records | None = None) -> None:
        self.name = name
        self.handler = handler
        self.records: Records = {} if records is None else records
        self.timers = Timers()
        self.counters: Counter[str] = Counter()
        self.logs: dict[str, list[msgspec.Struct]] = {}
        self.clock: Millis = 0
        self._known: dict[str, msgspec.Struct | None] = {}
        """What was read of the records, for as long as the letters last that it was read for."""

    def tell(self, items: Sequence[Any], at: Millis) -> Batch:
        """Decide on *items* as one message; *at* is the time that it brings. Timers that are due go before it."""
        batch, _ = self.tell_all([Letter(None, list(items), at)])
        self.forget()
        return batch

    def tell_all(self, letters: Sequence[Letter]) -> tuple[Batch, int]:
        """Decide on messages up to the one before which a timer falls due; say how many were taken.

        The rest is told again, after ``act``; ``forget`` when nothing is left.
        """
        batch, taken = self._decided(letters, [], max(self.clock, letters[0].at))
        self._keep(batch)
        return batch, taken

    def act(self, clock: Millis) -> Batch:
        """Act on the timers due at *clock*."""
        clock = max(self.clock, clock)
        batch, _ = self._decided([], self.timers.due(clock, TIMERS_AT_ONCE), clock)
        self._keep(batch)
        return batch

    def forget(self) -> None:
        """Let go of what was read for letters that are done. Items know what was read for them, and ask no more."""
        self._known.clear()

    def _decided(self, letters: Sequence[Letter], timers: list[Timer], clock: Millis) -> tuple[Batch, int]:
        """Decide; as deciding changes nothing, it can be done over when something was missing or poisonous."""
        self._load([item for letter in letters for item in letter.items], timers)
        careful = False
        while True:
            try:
                return self._decide(letters, timers, clock, careful=careful)
            except NotLoaded as error:
                self._known[error.key] = self.records.get(error.key)
            except Exception:
                if careful:
                    raise
                careful = True

    def _load(self, items: list[Any], timers: list[Timer]) -> None:
        """Read the records that are needed, until these name no others."""
        known = self._known
        view = Batch(known)
        while missing := self.handler.wanted(view, items, timers) - known.keys():
            for name in missing:
                known[name] = self.records.get(name)

    def _decide(
        self,
        letters: Sequence[Letter],
        timers: list[Timer],
        clock: Millis,
        *,
        careful: bool,
    ) -> tuple[Batch, int]:
        decider = Decider(self.handler, Batch(self._known, clock), careful=careful)
        decider.take_timers(timers)
        taken = 0
        for letter in letters:
            moved = max(decider.batch.clock, letter.at)
            if taken and self._falls_due(decider.batch, moved):
                break
            decider.take_letter(letter, moved)
            taken += 1
        self.handler.finish(decider.batch)
        return decider.batch, taken

    def _falls_due(self, batch: Batch, clock: Millis) -> bool:
        return any(due is not None and due <= clock for due in (self.timers.next_due(), batch.earliest))

    def _keep(self, batch: Batch) -> None:
        self.clock = batch.clock
        self._known.update(batch.records)
        for name, record in batch.records.items():
            if record is None:
                self.records.pop(name, None)
            else:
                self.records[name] = record
        self.timers.arm(batch.timers)
        self.counters.update(batch.counters)
        self.keep_lines(batch)

    def keep_lines(self, batch: Batch) -> None:
        """Append to the logs."""
        for name in batch.dropped_logs:
            self.logs.pop(name, None)
        for name, line in batch.lines:
            self.logs.setdefault(name, []).append(line)
