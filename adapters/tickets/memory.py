"""A ticketing tool in the process itself, for tests and for a first look. It forgets all when it ends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from adapters.http import Http
from adapters.tickets.base import Adapter, DestinationOptions
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Capability
from domain.ticket import DesiredTicket, TicketAction

KEPT_ACTIONS = 10_000


class MemoryConfig(DestinationOptions):
    """Settings of an in-process ticketing tool."""

    type: Literal["memory"]

    def build(self, http: Http) -> Memory:  # noqa: ARG002 - every destination is built alike
        """Make an empty one."""
        return Memory()


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done."""

    action: TicketAction
    id: str
    ticket: DesiredTicket


@dataclass(frozen=True, slots=True)
class Trouble:
    """What shall happen to a write."""

    error: DeliveryError
    done: bool
    """Whether the ticket is written before the error is raised."""


class Memory(Adapter):
    """Tickets in a dictionary. Like most tools it makes a second ticket for the same key when told to."""

    capabilities = frozenset({Capability.FIND, Capability.UPDATE, Capability.REOPEN, Capability.PING})

    def __init__(self) -> None:
        self.tickets: dict[str, DesiredTicket] = {}
        self.actions: deque[Done] = deque(maxlen=KEPT_ACTIONS)
        self._numbered = 0
        self._troubles: deque[Trouble] = deque()

    def fail_next(self, error: DeliveryError) -> None:
        """Make the next write that has no trouble ahead of it raise *error*, with nothing done."""
        self._troubles.append(Trouble(error, done=False))

    def lose_next_answer(self) -> None:
        """Make the next write that has no trouble ahead of it be done, and its answer not arrive."""
        error = TemporaryError("the answer was lost", Reason.TIMEOUT, unknown=True)
        self._troubles.append(Trouble(error, done=True))

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest ticket of *key*."""
        return next((_ref(id_) for id_, ticket in self.tickets.items() if ticket.key == key), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open the next ticket."""
        return self._write(TicketAction.CREATE, f"TKT-{self._numbered + 1}", ticket)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Replace what the ticket shows."""
        if ref.id not in self.tickets:
            raise PermanentError(f"there is no ticket {ref.id}", Reason.NOT_FOUND)
        return self._write(action, ref.id, ticket)

    async def ping(self) -> None:
        """Always there."""

    def _write(self, action: TicketAction, id_: str, ticket: DesiredTicket) -> TicketRef:
        trouble = self._troubles.popleft() if self._troubles else None
        if trouble is None or trouble.done:
            self._numbered += action is TicketAction.CREATE
            self.tickets[id_] = ticket
            self.actions.append(Done(action, id_, ticket))
        if trouble is not None:
            raise trouble.error
        return _ref(id_)


def _ref(id_: str) -> TicketRef:
    return TicketRef(id_, f"memory:{id_}")
