"""One owner's work on a shard: load, decide, commit, publish, acknowledge.

While a batch is being written the next one is decided, on records as the first will have left them. Nothing of a
batch leaves the process before it is committed; if that fails, the worker and all it holds are thrown away.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from app.shard.deciding import Decider, Letter, inbox_record, open_message
from app.shard.effects import TIMERS_AT_ONCE, Effects
from app.shard.inbox import Mark
from app.shard.outbox import Sequences, numbered
from domain.batch import Batch, Handler, NotLoaded
from domain.ports import Broker, Commit, Message, Received, StateStore, Timer
from domain.times import Millis

ITEMS_AT_ONCE = 4_000
"""Items decided on in one batch: bounds memory and the time until the first of them is through."""
KNOWN_AT_MOST = 100_000
"""Records held in memory; the oldest go first and are loaded again when needed."""
OUTBOX_PAGE = 100
INTERRUPTED_AT_MOST = 10_000
"""Far more than a shard ever has under way at once."""
SEQUENCES = "sequences:"

_encoder = msgspec.msgpack.Encoder()


@dataclass(slots=True)
class Writing:
    """A batch on its way to the store, and what follows once it is there."""

    commit: asyncio.Task[Millis | None]
    records: Mapping[str, msgspec.Struct | None]
    outbox: list[tuple[str, Message]]
    actions: list[Any]
    last: Received | None = None
    """The message to acknowledge up to."""


class Worker:
    """Holds what the owner of a shard knows of it. Any error makes it worthless: claim anew."""

    def __init__(
        self,
        shard: str,
        handler: Handler,
        broker: Broker,
        store: StateStore,
        effects: Effects,
        acknowledge: Callable[[Received], Awaitable[None]],
    ) -> None:
        self._shard = shard
        self.handler = handler
        """Exchanged only between two batches: what it has read of a message, it decides on."""
        self._broker = broker
        self._store = store
        self._effects = effects
        self._acknowledge = acknowledge
        kinds = {**handler.record_kinds, "inbox": Mark, "sequences": Sequences}
        self._decoders = {word: msgspec.msgpack.Decoder(kind) for word, kind in kinds.items()}
        self._known: dict[str, msgspec.Struct | None] = {}
        self._epoch = 0
        self._clock: Millis = 0
        self._next_due: Millis | None = None
        self._sent = 0
        self._writing: Writing | None = None
        self._acknowledging: asyncio.Future[None] | None = None
        self.is_leaving = False
        """Whether what is under way outside is to end, and nothing new begun."""

    async def claim(self, now: Millis) -> None:
        """Become the owner: say again what the last one may not have got out, take up what it had begun."""
        self._epoch = await self._store.claim(self._shard)
        self._next_due = await self._store.next_due(self._shard)
        while unsent := await self._store.outbox(self._shard, OUTBOX_PAGE):
            await self._publish(unsent)
            self._next_due = await self._write(Commit())
        if self.handler.interrupted:
            lost = await self._store.scan(self._shard, self.handler.interrupted, limit=INTERRUPTED_AT_MOST)
            await self._round([Letter(None, self.handler.resume([entry.member for entry in lost], now), now)])

    @property
    def is_due(self) -> bool:
        """Whether timers can be acted on now."""
        return self._is_due_at(self._clock) and self._room() > 0

    def seconds_until_due(self, now: Millis) -> float:
        """How long nothing will have to be done, unless something comes in."""
        if self._next_due is None:
            return math.inf
        if self._next_due <= self._clock:
            return self._effects.room_in()
        return max(0, self._next_due - now) / 1000

    async def settle(self, received: list[Received], now: Millis) -> None:
        """Decide on messages and on what ended outside, in order, with the timers that fall in between.

        The last of it may still be on its way to the store afterwards, see ``finish``.
        """
        letters = [Letter(None, results, now)] if (results := self._effects.collect(now)) else []
        waiting = [each.message for each in received]
        while letters or waiting or self.is_due:
            while waiting and sum(len(letter.items) for letter in letters) < ITEMS_AT_ONCE:
                letters.append(open_message(waiting.pop(0), self.handler))
            del letters[: await self._round(letters)]
        self._forget_oldest()
        if not received:
            return
        if self._writing is None:  # a look at the timers has waited for the last of it
            await self._begin_acknowledging(received[-1])
        else:
            self._writing.last = received[-1]

    async def finish(self) -> None:
        """Wait until what was decided is written; then let it have its consequences."""
        if self._writing is None:
            return
        writing, self._writing = self._writing, None
        self._next_due = await writing.commit
        await self._publish(writing.outbox)
        self._effects.begin(writing.actions)
        if writing.last is not None:
            await self._begin_acknowledging(writing.last)

    async def rest(self) -> None:
        """Finish, and wait for the last acknowledgement too."""
        await self.finish()
        if self._acknowledging is not None:
            await self._acknowledging

    def abandon(self) -> None:
        """Wait for nothing any more; whether the last batch was written, the next owner will see."""
        if self._writing is not None:
            _give_up(self._writing.commit)
        if self._acknowledging is not None:
            _give_up(self._acknowledging)

    async def _begin_acknowledging(self, last: Received) -> None:
        """Acknowledge while the work goes on, one at a time: it then shares the disk's time with what is written."""
        if self._acknowledging is not None:
            await self._acknowledging
        self._acknowledging = asyncio.ensure_future(self._acknowledge(last))

    async def _round(self, letters: list[Letter]) -> int:
        clock = max(self._clock, letters[0].at) if letters else self._clock
        timers = await self._timers(clock)
        if len(timers) == TIMERS_AT_ONCE:
            letters = []
        if not letters and not timers:
            return 0
        await self._load(letters, timers)
        batch, taken = await self._decided(letters, timers, clock)
        await self._begin_writing(batch)
        return taken

    async def _decided(self, letters: list[Letter], timers: list[Timer], clock: Millis) -> tuple[Batch, int]:
        """Decide; as deciding changes nothing, it can be done over when something was missing or poisonous."""
        careful = False
        while True:
            try:
                return self._decide(letters, timers, clock, careful=careful)
            except NotLoaded as error:
                await self._read([error.key])
            except Exception:
                if careful:
                    raise
                careful = True

    async def _timers(self, clock: Millis) -> list[Timer]:
        """Take the timers due. The store must have all that was decided: some were armed, some are done."""
        if not self._is_due_at(clock):
            return []
        await self.finish()
        room = self._room() if self._is_due_at(clock) else 0
        return await self._store.due(self._shard, clock, room) if room else []

    def _room(self) -> int:
        return 0 if self.is_leaving else self._effects.room()

    def _is_due_at(self, clock: Millis) -> bool:
        return self._next_due is not None and self._next_due <= clock

    async def _load(self, letters: list[Letter], timers: list[Timer]) -> None:
        """Read the records that are needed and not known, until the known ones name no others."""
        items = [item for letter in letters for item in letter.items]
        base = {inbox_record(letter.message.producer) for letter in letters if letter.message} | {SEQUENCES}
        view = Batch(self._known)
        while missing := (base | self.handler.wanted(view, items, timers)) - self._known.keys():
            await self._read(list(missing))

    async def _read(self, names: list[str]) -> None:
        values = await self._store.load(self._shard, names)
        self._known.update(zip(names, map(self._decoded, names, values), strict=True))

    def _decoded(self, name: str, value: bytes | None) -> msgspec.Struct | None:
        return None if value is None else self._decoders[name.partition(":")[0]].decode(value)

    def _decide(
        self, letters: list[Letter], timers: list[Timer], clock: Millis, *, careful: bool
    ) -> tuple[Batch, int]:
        """Decide on timers, then on letters up to the one before which another timer falls due."""
        decider = Decider(self.handler, Batch(self._known, clock), careful=careful)
        decider.take_timers(timers)
        taken = 0
        for letter in letters[: 1 if timers else None]:
            moved = max(decider.batch.clock, letter.at)
            if taken and self._falls_due(decider.batch, moved):
                break
            decider.take_letter(letter, moved)
            taken += 1
        self.handler.finish(decider.batch)
        return decider.batch, taken

    def _falls_due(self, batch: Batch, clock: Millis) -> bool:
        return any(due is not None and due <= clock for due in (self._next_due, batch.earliest))

    async def _begin_writing(self, batch: Batch) -> None:
        """Write everything at once, after the batch before it. From here on it is what is known."""
        outbox, sequences = numbered(
            self._shard, batch.get(SEQUENCES, Sequences) or Sequences({}), batch.outgoing
        )
        if outbox:
            batch.put(SEQUENCES, sequences)
        commit = _commit_of(batch, outbox)
        self._known.update(batch.records)
        self._clock = batch.clock
        await self.finish()
        self._next_due = min(
            (due for due in (self._next_due, batch.earliest) if due is not None), default=None
        )
        self._writing = Writing(
            asyncio.create_task(self._write(commit)), batch.records, outbox, batch.actions
        )

    async def _write(self, commit: Commit) -> Millis | None:
        commit.sent, self._sent = self._sent, 0
        return await self._store.commit(self._shard, self._epoch, commit)

    async def _publish(self, outbox: list[tuple[str, Message]]) -> None:
        by_mailbox: dict[str, list[Message]] = {}
        for mailbox, message in outbox:
            by_mailbox.setdefault(mailbox, []).append(message)
        for mailbox, messages in by_mailbox.items():
            await self._broker.publish(mailbox, messages)
        self._sent += len(outbox)

    def _forget_oldest(self) -> None:
        """Bound the memory, between batches; what is not written yet cannot be read again, so it stays."""
        excess = len(self._known) - KNOWN_AT_MOST
        unwritten = self._writing.records if self._writing else {}
        for name in list(islice(self._known, max(0, excess))):
            if name not in unwritten:
                del self._known[name]


def _give_up(task: asyncio.Future[Any]) -> None:
    task.add_done_callback(_look_away)
    task.cancel()


def _look_away(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _commit_of(batch: Batch, outbox: list[tuple[str, Message]]) -> Commit:
    encode = _encoder.encode
    return Commit(
        records={name: None if value is None else encode(value) for name, value in batch.records.items()},
        timers=batch.timers,
        index=batch.index,
        lines=[(name, encode(line)) for name, line in batch.lines],
        dropped_logs=batch.dropped_logs,
        counters=batch.counters,
        outbox=outbox,
    )
