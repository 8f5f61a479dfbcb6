"""A ticketing tool in memory, behind the real delivery handler: it answers at once, unless it is told to be down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.hearing import Owner, Owners
from adapters.delivery.reconcile import Pace
from adapters.delivery.state import Breaker, Call, Failure, Outcome
from adapters.tickets import DestinationConfig
from app.rehearsal.shard import MemoryShard
from domain.batch import Batch
from domain.errors import Reason
from domain.incident import Note, TicketRef
from domain.ports import tickets_mailbox
from domain.ticket import DesiredTicket, TicketAction
from domain.times import Millis

KEEP: Millis = 366 * 24 * 3_600_000
"""How long a ticket that is over is remembered: longer than any test takes."""
DOWN = Failure("it is down", Reason.UNREACHABLE, permanent=False, unknown=False)


@dataclass(slots=True)
class Ticket:
    """A ticket as it stands in the tool."""

    id: str
    shows: DesiredTicket
    notes: list[Note] = field(default_factory=list)
    links: set[str] = field(default_factory=set)


class Desk:
    """One destination."""

    def __init__(self, name: str, config: DestinationConfig) -> None:
        self.name = name
        self.tickets: dict[str, Ticket] = {}
        self.is_down = False
        self.until: Millis = 0
        """No call before this moment: the breaker is open."""
        self._numbers = count(1)
        owners = Owners(config.ownership.state, config.ownership.priority)
        theirs = config.ownership.state is Owner.TOOL
        pace = Pace(
            config.min_interval, 0, comments=True, destination=name, state_is_theirs=theirs, links=True
        )
        self.shard = MemoryShard(tickets_mailbox(name), DeliveryHandler(name, pace, KEEP, owners))

    def next_due(self) -> Millis | None:
        """Say when something can be done next."""
        due = self.shard.timers.next_due()
        return None if due is None else max(due, self.until)

    def answered(self, batch: Batch, now: Millis) -> list[Outcome]:
        """Do what a batch of the delivery handler asks for."""
        return list(self._answers(batch, now))

    def ticket_of(self, incident: str) -> Ticket | None:
        """Find the ticket of an incident."""
        return next((each for each in self.tickets.values() if each.shows.key == incident), None)

    def _answers(self, batch: Batch, now: Millis) -> Iterator[Outcome]:
        for action in batch.actions:
            if isinstance(action, Breaker):
                self.until = action.until
            elif isinstance(action, Call):
                yield self._answer(action, now)

    def _answer(self, call: Call, now: Millis) -> Outcome:
        if self.is_down:
            return Outcome(now, call, failure=DOWN)
        if call.action is TicketAction.FIND:
            found = self.ticket_of(call.ticket.key)
            return Outcome(now, call, TicketRef(found.id) if found else None)
        ref = call.ref or TicketRef(f"{self.name.upper()}-{next(self._numbers)}")
        ticket = self.tickets.setdefault(ref.id, Ticket(ref.id, call.ticket))
        if call.action is TicketAction.COMMENT:
            ticket.notes += call.notes
        elif call.link is not None and call.action is TicketAction.LINK:
            ticket.links.add(call.link.ref.id)
        else:
            ticket.shows = call.ticket
        return Outcome(now, call, ref)
