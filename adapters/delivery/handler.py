"""The delivery shard: takes in what tickets should show and how calls ended, and says what to call next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from adapters.delivery import breaker
from adapters.delivery.reconcile import (
    Pace,
    Standing,
    Step,
    begun,
    ended,
    interrupted,
    readiness,
    reconcile,
    wished,
)
from adapters.delivery.state import (
    BREAKER,
    IN_FLIGHT,
    PARKED,
    PENDING,
    QUARANTINE,
    RECORD_KINDS,
    Breaker,
    Call,
    Outcome,
    TicketRecord,
    ticket_record,
)
from domain.batch import Batch
from domain.events import Event, TicketReported, TicketsDesired
from domain.ports import Message, Timer
from domain.ticket import DesiredTicket, TicketAction, TicketState
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


Item = Wish | Outcome | Interrupted | TakenOver


class DeliveryHandler:
    """Reconciles the tickets of one destination. Reads and changes nothing but its batch."""

    record_kinds: Mapping[str, type[msgspec.Struct]] = RECORD_KINDS
    interrupted = IN_FLIGHT

    def __init__(self, destination: str, pace: Pace, keep: Millis) -> None:
        self._destination = destination
        self._pace = pace
        self._keep = keep

    def read(self, events: list[Event]) -> list[Item]:
        """Split wishes into one for each ticket."""
        return [
            Wish(event.at, ticket, event.reply_to)
            for event in events
            if isinstance(event, TicketsDesired)
            for ticket in event.tickets
        ]

    def resume(self, keys: list[str], at: Millis) -> list[Item]:
        """Tell of the take-over itself, and of calls whose end nobody will tell of."""
        return [TakenOver(at), *(Interrupted(at, key) for key in keys)]

    def wanted(self, batch: Batch, items: list[Item], due: list[Timer]) -> set[str]:  # noqa: ARG002 - the port's
        """Name the records of the tickets concerned."""
        tickets = {ticket_record(_key_of(item)) for item in items if not isinstance(item, TakenOver)}
        return {BREAKER, *tickets, *(timer.id for timer in due)}

    def advance(self, batch: Batch) -> None:
        """Time alone changes nothing here."""

    def handle(self, batch: Batch, item: Item) -> None:
        """Take in a wish, or how a call ended."""
        if isinstance(item, TakenOver):
            batch.actions += [known] if (known := batch.get(BREAKER, Breaker)) else []
            return
        name = ticket_record(_key_of(item))
        record = batch.get(name, TicketRecord)
        if isinstance(item, Wish):
            self._on_wish(batch, item, record)
        elif record is None:
            return
        elif isinstance(item, Outcome):
            self._on_outcome(batch, item, record)
        else:
            batch.file(IN_FLIGHT, item.key, None)
            self._store(batch, record, interrupted(record))

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
        batch.actions.append(Call(action, record.desired, ref))
        batch.file(IN_FLIGHT, record.desired.key, batch.clock)
        self._store(batch, record, begun(record, action, batch.clock))

    def _store(self, batch: Batch, before: TicketRecord | None, after: TicketRecord) -> None:
        """Remember a ticket; put it where it is found by how it stands."""
        key = after.desired.key
        batch.put(ticket_record(key), after)
        step = reconcile(after, batch.clock, self._pace)
        batch.arm(ticket_record(key), self._look_again(after, step, batch.clock))
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
            case Standing.IN_SYNC if record.desired.state is TicketState.RESOLVED:
                return now + self._keep
            case _:
                return None

    def _forget(self, batch: Batch, record: TicketRecord) -> None:
        batch.put(ticket_record(record.desired.key), None)

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


def _key_of(item: Wish | Outcome | Interrupted) -> str:
    match item:
        case Wish():
            return item.ticket.key
        case Outcome():
            return item.call.ticket.key
        case Interrupted():
            return item.key


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
