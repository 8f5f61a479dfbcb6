"""The delivery shard: takes in what tickets should show and how calls ended, and says what to call next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from adapters.delivery import breaker
from adapters.delivery.hearing import DEFAULT_OWNERS, Owners, hear, set_right, shown_priority
from adapters.delivery.reconcile import (
    Pace,
    Standing,
    Step,
    begun,
    ended,
    interrupted,
    readiness,
    reconcile,
    unlinked,
    unparked,
    untold,
    wished,
)
from adapters.delivery.state import (
    BREAKER,
    CURSOR,
    IN_FLIGHT,
    PARKED,
    PENDING,
    QUARANTINE,
    RECORD_KINDS,
    TICKETS,
    Breaker,
    Call,
    Cursor,
    Outcome,
    RefRecord,
    TicketRecord,
    ref_record,
    ticket_record,
)
from domain.batch import Batch
from domain.events import Delivered, ParkedAsked, TicketNews, TicketReported, TicketsDesired, TicketsSeen
from domain.ports import Message, Timer
from domain.ticket import DesiredTicket, TicketAction, TicketSeen
from domain.times import Millis


@dataclass(frozen=True, slots=True)
class Wish:
    """One ticket of a delivery of wishes."""

    at: Millis
    ticket: DesiredTicket
    reply_to: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A call that was under way when the last owner died."""

    at: Millis
    key: str


class Quarantined(msgspec.Struct, frozen=True, array_like=True):
    """What could not be decided on."""

    at: Millis
    item: str
    error: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The shard has a new owner, who does not know yet whether the tool is to be left alone."""

    at: Millis


@dataclass(frozen=True, slots=True)
class Seen:
    """How one ticket stands in the tool."""

    at: Millis
    ticket: TicketSeen
    is_check: bool = False


@dataclass(frozen=True, slots=True)
class Polled:
    """A poll got as far as this."""

    at: Millis
    cursor: str


@dataclass(frozen=True, slots=True)
class Asked:
    """An operator gives a parked ticket another chance, or gives it up."""

    at: Millis
    key: str
    drop: bool


Item = Wish | Outcome | Interrupted | TakenOver | Seen | Polled | Asked


class DeliveryHandler:
    """Reconciles the tickets of one destination. Reads and changes nothing but its batch."""

    record_kinds: Mapping[str, type[msgspec.Struct]] = RECORD_KINDS
    interrupted = IN_FLIGHT

    def __init__(self, destination: str, pace: Pace, keep: Millis, owners: Owners = DEFAULT_OWNERS) -> None:
        self._destination = destination
        self._pace = pace
        self._keep = keep
        self._owners = owners

    def read(self, events: Sequence[Delivered]) -> list[Item]:
        """Split what concerns several tickets into one item for each."""
        return [item for event in events for item in _items(event)]

    def resume(self, keys: list[str], at: Millis) -> list[Item]:
        """Tell of the take-over itself, and of calls whose end nobody will tell of."""
        return [TakenOver(at), *(Interrupted(at, key) for key in keys)]

    def wanted(self, batch: Batch, items: list[Item], due: list[Timer]) -> set[str]:
        """Name the records of the tickets concerned."""
        wanted = {BREAKER, *(timer.id for timer in due)}
        for item in items:
            wanted.update(_wanted_by(item, batch.known))
        return wanted

    def advance(self, batch: Batch) -> None:
        """Time alone changes nothing here."""

    def handle(self, batch: Batch, item: Item) -> None:
        """Take in a wish, or how a call ended."""
        if isinstance(item, TakenOver):
            batch.actions += [known] if (known := batch.get(BREAKER, Breaker)) else []
            return
        if isinstance(item, Polled):
            batch.put(CURSOR, Cursor(item.cursor))
            return
        key = _key_of(item, batch)
        record = batch.get(ticket_record(key), TicketRecord) if key else None
        if isinstance(item, Wish):
            self._on_wish(batch, item, record)
        elif record is None:
            return
        elif isinstance(item, Outcome):
            self._on_outcome(batch, item, record)
        elif isinstance(item, Seen):
            self._on_seen(batch, item, record)
        elif isinstance(item, Asked):
            self._on_asked(batch, item, record)
        else:
            batch.file(IN_FLIGHT, item.key, None)
            self._store(batch, record, interrupted(record))

    def _on_seen(self, batch: Batch, item: Seen, record: TicketRecord) -> None:
        """Tell the incident what people did."""
        after, news = hear(record, item.ticket, self._owners)
        if item.is_check:
            after = set_right(after, item.ticket, self._owners)
        if after is not record:
            self._store(batch, record, after)
        for one in news:
            batch.count("news")
            batch.send(
                record.reply_to,
                TicketNews(record.desired.key, self._destination, item.at, one.kind, one.actor, one.detail),
            )

    def _on_asked(self, batch: Batch, item: Asked, record: TicketRecord) -> None:
        if not record.parked:
            return
        if item.drop:
            self._forget(batch, record)
        else:
            self._store(batch, record, unparked(record))

    def _on_wish(self, batch: Batch, wish: Wish, record: TicketRecord | None) -> None:
        news = wished(record, wish.ticket, wish.reply_to)
        if news is not None:
            self._store(batch, record, news)

    def _on_outcome(self, batch: Batch, outcome: Outcome, record: TicketRecord) -> None:
        batch.file(IN_FLIGHT, record.desired.key, None)
        known = batch.get(BREAKER, Breaker) or Breaker()
        judged = breaker.after_call(known, outcome.failure, outcome.at)
        if judged != known:
            batch.put(BREAKER, judged)
            batch.actions.append(judged)
        after = ended(record, outcome)
        self._store(batch, record, after)
        if _is_news(record, after, outcome):
            batch.send(record.reply_to, self._report(after, outcome))

    def due(self, batch: Batch, timer: Timer) -> None:
        """Begin what is due."""
        batch.arm(timer.id, None)
        record = batch.get(timer.id, TicketRecord)
        if record is None:
            return
        step = reconcile(record, batch.clock, self._pace)
        if step.standing is Standing.ACT and step.action is not None:
            self._begin(batch, record, step.action)
        elif record.calling is not None and batch.clock >= step.due:
            self._store(batch, record, interrupted(record))
        elif step.standing is Standing.IN_SYNC:
            self._forget(batch, record)
        else:
            self._store(batch, record, record)

    def _begin(self, batch: Batch, record: TicketRecord, action: TicketAction) -> None:
        ref = record.observed.ref if record.observed else None
        ticket = replace(record.desired, priority=shown_priority(record))
        batch.actions.append(
            Call(action, ticket, ref, untold(record, self._pace), unlinked(record, self._pace))
        )
        batch.file(IN_FLIGHT, record.desired.key, batch.clock)
        self._store(batch, record, begun(record, action, batch.clock))

    def _store(self, batch: Batch, before: TicketRecord | None, after: TicketRecord) -> None:
        """Remember a ticket; put it where it is found by how it stands."""
        key = after.desired.key
        batch.put(ticket_record(key), after)
        _point(batch, before, after)
        step = reconcile(after, batch.clock, self._pace)
        batch.arm(ticket_record(key), self._look_again(after, step, batch.clock))
        if before is None:
            batch.file(TICKETS, key, after.desired.opened_at)
        pending = step.standing in {Standing.ACT, Standing.WAIT}
        if pending is not (before is not None and self._is_pending(before)):
            batch.file(PENDING, key, int(after.desired.priority.value[1:]) if pending else None)
        if bool(after.parked) is not (before is not None and bool(before.parked)):
            batch.file(PARKED, key, batch.clock if after.parked else None)

    def _is_pending(self, record: TicketRecord) -> bool:
        return reconcile(record, 0, self._pace).standing in {Standing.ACT, Standing.WAIT}

    def _look_again(self, record: TicketRecord, step: Step, now: Millis) -> Millis | None:
        match step.standing:
            case Standing.ACT if step.action is not None:
                return readiness(record.desired.priority, step.action, now)
            case Standing.WAIT:
                return step.due
            case Standing.IN_SYNC if record.desired.state.is_over:
                return now + self._keep
            case _:
                return None

    def _forget(self, batch: Batch, record: TicketRecord) -> None:
        key = record.desired.key
        batch.put(ticket_record(key), None)
        batch.arm(ticket_record(key), None)
        batch.file(TICKETS, key, None)
        if record.observed is not None:
            batch.put(ref_record(record.observed.ref.id), None)
        if record.parked:
            batch.file(PARKED, key, None)

    def _report(self, record: TicketRecord, outcome: Outcome) -> TicketReported:
        observed = record.observed
        return TicketReported(
            incident=record.desired.key,
            destination=self._destination,
            at=outcome.at,
            action=outcome.call.action,
            state=_shown_state(record),
            version=observed.version if observed else 0,
            ref=observed.ref if observed else None,
            detail=record.error,
        )

    def reject(self, batch: Batch, item: Item | Message, error: str, now: Millis) -> None:
        """Put what could not be decided on, or not even read, into quarantine with the traceback."""
        batch.count("quarantined")
        batch.log(QUARANTINE, Quarantined(now, repr(item), error))

    def finish(self, batch: Batch) -> None:
        """Nothing is done once a batch."""


def _items(event: Delivered) -> Iterator[Item]:
    if isinstance(event, TicketsDesired):
        yield from (Wish(event.at, ticket, event.reply_to) for ticket in event.tickets)
    elif isinstance(event, TicketsSeen):
        yield from (Seen(event.at, ticket, event.is_check) for ticket in event.tickets)
        if event.cursor:
            yield Polled(event.at, event.cursor)
    elif isinstance(event, ParkedAsked):
        yield from (Asked(event.at, key, event.drop) for key in event.keys)


def _wanted_by(item: Item, known: Mapping[str, msgspec.Struct | None]) -> Iterator[str]:
    if isinstance(item, Seen):
        name = ref_record(item.ticket.id)
        yield name
        pointer = known.get(name)
        if isinstance(pointer, RefRecord):
            yield ticket_record(pointer.key)
    elif not isinstance(item, TakenOver | Polled):
        yield ticket_record(_named(item))


def _named(item: Wish | Outcome | Interrupted | Asked) -> str:
    match item:
        case Wish():
            return item.ticket.key
        case Outcome():
            return item.call.ticket.key
        case Interrupted() | Asked():
            return item.key


def _key_of(item: Wish | Outcome | Interrupted | Asked | Seen, batch: Batch) -> str:
    """Name the ticket; empty for one in the tool that is not ours."""
    if not isinstance(item, Seen):
        return _named(item)
    pointer = batch.get(ref_record(item.ticket.id), RefRecord)
    return pointer.key if pointer else ""


def _point(batch: Batch, before: TicketRecord | None, after: TicketRecord) -> None:
    """Have the ticket found by the tool's own id."""
    old = before.observed.ref.id if before is not None and before.observed else ""
    new = after.observed.ref.id if after.observed else ""
    if old == new:
        return
    if old:
        batch.put(ref_record(old), None)
    if new:
        batch.put(ref_record(new), RefRecord(after.desired.key))


def _is_news(before: TicketRecord, after: TicketRecord, outcome: Outcome) -> bool:
    """Tell the incident what was done, and of a failure when it begins or changes, not at each attempt."""
    return (
        outcome.failure is None or after.parked != before.parked or _kind(after.error) != _kind(before.error)
    )


def _kind(error: str) -> str:
    return error.partition(":")[0]


def _shown_state(record: TicketRecord) -> str:
    if record.parked:
        return "parked"
    if record.failures:
        return "retrying"
    return record.observed.state.value if record.observed and record.observed.state else "pending"
