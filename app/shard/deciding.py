"""Runs a handler over a batch: plainly, or carefully when something in it is poisonous. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from app.shard.inbox import Mark, admit
from domain.batch import Batch, Handler, NotLoaded
from domain.events import decode_sealed, moment
from domain.ports import Message, Timer
from domain.times import Millis


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, opened."""

    message: Message | None
    """None for what came from this process itself."""
    items: list[Any]
    at: Millis
    """Where it moves the shard's clock to; 0 when it cannot be read."""
    fault: str = ""
    """Why it cannot be read."""


def open_message(message: Message, handler: Handler) -> Letter:
    """Read a message; one that cannot be read is a letter with a fault, never an error."""
    try:
        events = decode_sealed(message.body)
        return Letter(message, handler.read(events), max(map(moment, events), default=0))
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, AttributeError):
        return Letter(message, [], 0, traceback.format_exc(limit=5))


def inbox_record(producer: str) -> str:
    """Name the record of what was handled of a producer."""
    return f"inbox:{producer}"


class Decider:
    """Decides on letters and timers within one batch."""

    def __init__(self, handler: Handler, batch: Batch, *, careful: bool) -> None:
        self._handler = handler
        self._careful = careful
        self.batch = batch
        handler.advance(batch)

    def take_timers(self, timers: Sequence[Timer]) -> None:
        """Act on timers."""
        self._each(timers, self._handler.due, _drop_timer)

    def take_letter(self, letter: Letter, clock: Millis) -> None:
        """Decide on everything in a letter, unless that was done before; *clock* is the time it brings."""
        self.batch.clock = clock
        self._handler.advance(self.batch)
        if letter.message is not None and not self._admit(letter.message):
            return
        if letter.fault:
            self._handler.reject(self.batch, letter.message, letter.fault, clock)
        self._each(letter.items, self._handler.handle, partial(self._reject, clock))

    def _admit(self, message: Message) -> bool:
        if not message.sequence:
            return True
        name = inbox_record(message.producer)
        mark = admit(self.batch.get(name, Mark), message.sequence)
        if mark is None:
            return False
        self.batch.put(name, mark)
        if message.alerts:
            self.batch.count(f"handled.{message.producer}", message.alerts)
        return True

    def _reject(self, now: Millis, batch: Batch, item: Any, error: str) -> None:
        self._handler.reject(batch, item, error, now)

    def _each(
        self,
        items: Sequence[Any],
        act: Callable[[Batch, Any], None],
        reject: Callable[[Batch, Any, str], None],
    ) -> None:
        if self._careful:
            self.batch = bisect(self.batch, items, act, reject)
            return
        batch = self.batch
        for item in items:
            act(batch, item)


def bisect(
    batch: Batch,
    items: Sequence[Any],
    act: Callable[[Batch, Any], None],
    reject: Callable[[Batch, Any, str], None],
) -> Batch:
    """Act on all items but those that raise; find these by halving, and reject each alone."""
    trial = batch.fork()
    try:
        for item in items:
            act(trial, item)
    except NotLoaded:
        raise
    except Exception:  # noqa: BLE001 - whatever a poisonous item raises, the rest must go on
        if len(items) > 1:
            middle = len(items) // 2
            return bisect(bisect(batch, items[:middle], act, reject), items[middle:], act, reject)
        reject(batch, items[0], traceback.format_exc(limit=10))
        return batch
    return trial


def _drop_timer(batch: Batch, timer: Timer, error: str) -> None:
    """A timer that raises would raise for ever."""
    batch.arm(timer.id, None)
    batch.count("timers_failed")
    batch.log("quarantine", FailedTimer(timer.due, timer.id, error))


class FailedTimer(msgspec.Struct, frozen=True, array_like=True):
    """A timer whose handling raised."""

    at: Millis
    timer: str
    error: str
