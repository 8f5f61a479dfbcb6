"""A destination that sends nothing: what it would do goes into the log. Around any other adapter."""

from __future__ import annotations

import structlog

from adapters.tickets.base import Adapter
from domain.incident import TicketRef
from domain.ports import Capability, TicketSystem
from domain.ticket import DesiredTicket, TicketAction

log = structlog.get_logger("dry_run")


class DryRun(Adapter):
    """Stands in for *system*, which is only pinged."""

    capabilities = frozenset({Capability.UPDATE, Capability.REOPEN, Capability.PING})

    def __init__(self, destination: str, system: TicketSystem) -> None:
        self._destination = destination
        self._system = system

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Tell of a ticket that would be made."""
        self._tell(TicketAction.CREATE, ticket)
        return TicketRef(f"dry-run-{ticket.key}")

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Tell of a change that would be made."""
        self._tell(action, ticket)
        return ref

    async def ping(self) -> None:
        """Check the tool itself: nothing is written by that."""
        await self._system.ping()

    async def close(self) -> None:
        """Let go of the tool's connections."""
        await self._system.close()

    def _tell(self, action: TicketAction, ticket: DesiredTicket) -> None:
        log.info(
            "would_send",
            destination=self._destination,
            action=action.value,
            key=ticket.key,
            version=ticket.version,
            title=ticket.title,
            priority=ticket.priority.value,
            state=ticket.state.value,
            team=ticket.team,
        )
