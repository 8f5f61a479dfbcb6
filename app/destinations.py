"""The ticketing tools of a process: their adapters, and all that is done with them beside deciding."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog
from aiolimiter import AsyncLimiter

from adapters.delivery.calls import Calls
from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.hearing import Owner, Owners
from adapters.delivery.reconcile import Pace
from adapters.http import Http
from adapters.tickets import DestinationConfig
from adapters.tickets.dry_run import DryRun
from app.callbacks import Callbacks
from app.drift import Drift
from app.metered import DeliveryMeter
from app.polling import Poller
from app.reads import ReadModel
from app.shard.loop import Ports, Shard
from app.tasks import Tasks
from config.settings import Settings
from correlation.rules import DAY
from domain.errors import TocsinError
from domain.events import ParkedAsked, encode
from domain.ports import Capability, Message, TicketSystem, tickets_mailbox
from routing.router import IncidentRouter

REQUESTS_A_CALL = 4
"""Requests that an adapter may need for one change of a ticket, each with its own time-out."""

log = structlog.get_logger("destinations")


class Destinations:
    """All destinations, each with connections of its own, which are closed by *stack*."""

    def __init__(
        self, settings: Settings, ports: Ports, meter: DeliveryMeter, tasks: Tasks, stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._tasks = tasks
        self._systems = {
            name: meter.around(name, built(name, config, stack))
            for name, config in settings.destinations.items()
        }
        self._reads = ReadModel(
            ports.store, settings.partitions, tuple(settings.destinations), IncidentRouter(settings.routing)
        )

    def callbacks(self) -> Callbacks:
        """Make what takes callbacks in."""
        return Callbacks(self._able(Capability.CALLBACK), self._ports.broker, self._ports.clock)

    def drift(self) -> Drift:
        """Make what compares tickets with what they should show."""
        systems = {name: (each, self._owners(name)) for name, each in self._able(Capability.READ).items()}
        return Drift(self._reads, systems, self._ports.broker, self._ports.clock)

    def deliver(self, start: Callable[[Shard], None]) -> None:
        """Work the shards of all destinations, and look after their tickets."""
        drift = self.drift()
        for name, config in self._settings.destinations.items():
            shard = self._shard(name, config)
            start(shard)
            self._look_after(name, config, shard, drift)

    def _shard(self, name: str, config: DestinationConfig) -> Shard:
        system = self._systems[name]
        calls = Calls(
            system,
            most=config.concurrency,
            patience=config.timeout_seconds * REQUESTS_A_CALL,
            budget=_budget(config),
            clock=self._ports.clock,
        )
        keep = self._settings.correlation.keep_resolved + DAY
        handler = DeliveryHandler(name, _pace(name, config, system), keep, self._owners(name))
        return Shard(tickets_mailbox(name), handler, calls, self._ports)

    def _look_after(self, name: str, config: DestinationConfig, shard: Shard, drift: Drift) -> None:
        def is_owner() -> bool:
            """Only who works the shard asks the tool: one process of all."""
            return shard.is_worked

        system, ports = self._systems[name], self._ports
        if config.poll is not None and Capability.POLL in system.capabilities:
            poller = Poller(name, system, ports.broker, ports.store, is_owner=is_owner, clock=ports.clock)
            self._tasks.start(poller.run(config.poll / 1000), f"poll.{name}")
        if config.check_every is not None and name in drift.destinations:
            self._tasks.start(drift.run(name, config.check_every / 1000, is_owner), f"check.{name}")
        if config.retry_parked:
            self._tasks.start(self._retry_parked(name), f"retry.{name}")

    async def _retry_parked(self, name: str) -> None:
        """Give all parked tickets another chance, once."""
        try:
            page = await self._reads.parked([name], limit=self._reads.bound)
            keys = [record.desired.key for _, record in page.items]
            if keys:
                asked = ParkedAsked(self._ports.clock(), keys)
                await self._ports.broker.publish(
                    tickets_mailbox(name), [Message("start", 0, encode([asked]))]
                )
        except TocsinError as error:
            log.warning("parked_not_retried", destination=name, error=str(error))

    def _able(self, capability: Capability) -> dict[str, TicketSystem]:
        return {name: each for name, each in self._systems.items() if capability in each.capabilities}

    def _owners(self, name: str) -> Owners:
        ownership = self._settings.destinations[name].ownership
        return Owners(ownership.state, ownership.priority, self._systems[name].reads_as)


def built(name: str, config: DestinationConfig, stack: AsyncExitStack) -> TicketSystem:
    """Make a destination with connections of its own, which are closed by *stack*."""
    proxy = str(config.proxy) if config.proxy else None
    http = Http(tls=config.tls.context() if config.tls else None, proxy=proxy)
    stack.push_async_callback(http.close)
    system: TicketSystem = config.build(http)
    stack.push_async_callback(system.close)
    return DryRun(name, system) if config.dry_run else system


def _pace(name: str, config: DestinationConfig, system: TicketSystem) -> Pace:
    return Pace(
        config.min_interval,
        round(system.search_lag * 1000),
        comments=Capability.COMMENT in system.capabilities,
        destination=name,
        links=bool({Capability.LINK, Capability.COMMENT} & system.capabilities),
        state_is_theirs=config.ownership.state is Owner.TOOL,
    )


def _budget(config: DestinationConfig) -> AsyncLimiter | None:
    """Turn requests a minute into a token bucket that holds a burst."""
    rate = config.rate
    return AsyncLimiter(rate.burst, rate.burst * 60 / rate.per_minute) if rate else None
