"""The ticketing tools of a process: their adapters, and all that is done with them beside deciding."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

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
from app.tasks import GRACE, Tasks
from config.settings import Settings
from correlation.rules import DAY
from domain.errors import TocsinError
from domain.events import ParkedAsked, encode
from domain.ports import Capability, Message, TicketSystem, tickets_mailbox
from domain.times import Millis

REQUESTS_A_CALL = 4
"""Requests that an adapter may need for one change of a ticket, each with its own time-out."""

log = structlog.get_logger("destinations")


@dataclass(slots=True)
class Destination:
    """A destination as this process has it."""

    name: str
    config: DestinationConfig
    keep: Millis
    """How long its tickets are kept."""
    system: TicketSystem
    owners: Owners
    """Whose word counts."""
    shard: Shard
    stack: AsyncExitStack
    """Ends what is done with it, then closes its connections."""


class Destinations:
    """All destinations, each with connections of its own."""

    def __init__(self, ports: Ports, meter: DeliveryMeter, tasks: Tasks, reads: ReadModel) -> None:
        self._ports = ports
        self._meter = meter
        self._tasks = tasks
        self._reads = reads
        self._known: dict[str, Destination] = {}
        self._callbacks: dict[str, TicketSystem] = {}
        self._readable: dict[str, tuple[TicketSystem, Owners]] = {}
        self._delivers = False
        self.shards: list[Shard] = []
        """Those of all destinations; it changes with them."""
        self.callbacks = Callbacks(self._callbacks, ports.broker, ports.clock)
        self.drift = Drift(reads, self._readable, ports.broker, ports.clock)

    async def adopt(self, settings: Settings) -> None:
        """Take up what is new, and put down what is gone or changed; the others go on undisturbed."""
        keep = settings.correlation.keep_resolved + DAY
        wanted = {name: (config, keep) for name, config in settings.destinations.items()}
        going = [each for each in self._known.values() if (each.config, each.keep) != wanted.get(each.name)]
        staying = self._known.keys() - {each.name for each in going}
        coming = [self._made(name, *with_) for name, with_ in wanted.items() if name not in staying]
        await asyncio.gather(*map(self._put_down, going))
        for each in coming:
            self._take_up(each)

    async def close(self) -> None:
        """Put all down, the last first."""
        for each in reversed(list(self._known.values())):
            await self._put_down(each)

    def deliver(self) -> None:
        """Work the shards, from now on."""
        self._delivers = True
        for each in self._known.values():
            self._work(each)

    def _made(self, name: str, config: DestinationConfig, keep: Millis) -> Destination:
        stack = AsyncExitStack()
        system = self._meter.around(name, built(name, config, stack))
        owners = Owners(config.ownership.state, config.ownership.priority, system.reads_as)
        calls = Calls(
            system,
            most=config.concurrency,
            patience=config.timeout_seconds * REQUESTS_A_CALL,
            budget=_budget(config),
            clock=self._ports.clock,
        )
        handler = DeliveryHandler(name, _pace(name, config, system), keep, owners)
        shard = Shard(tickets_mailbox(name), handler, calls, self._ports)
        return Destination(name, config, keep, system, owners, shard, stack)

    def _take_up(self, destination: Destination) -> None:
        self._known[destination.name] = destination
        self.shards.append(destination.shard)
        if Capability.CALLBACK in destination.system.capabilities:
            self._callbacks[destination.name] = destination.system
        if Capability.READ in destination.system.capabilities:
            self._readable[destination.name] = (destination.system, destination.owners)
        if self._delivers:
            self._work(destination)

    async def _put_down(self, destination: Destination) -> None:
        """End what is done with it; its tickets wait in its mailbox."""
        del self._known[destination.name]
        self.shards.remove(destination.shard)
        self._callbacks.pop(destination.name, None)
        self._readable.pop(destination.name, None)
        await destination.stack.aclose()

    def _work(self, destination: Destination) -> None:
        task = self._tasks.start(destination.shard.run(), destination.shard.name)

        async def stop() -> None:
            destination.shard.stop()
            await self._tasks.finish(task, GRACE)

        destination.stack.push_async_callback(stop)
        self._look_after(destination)

    def _look_after(self, destination: Destination) -> None:
        def is_owner() -> bool:
            """Only who works the shard asks the tool: one process of all."""
            return destination.shard.is_worked

        name, config, system, ports = destination.name, destination.config, destination.system, self._ports
        if config.poll is not None and Capability.POLL in system.capabilities:
            poller = Poller(name, system, ports.broker, ports.store, is_owner=is_owner, clock=ports.clock)
            self._beside(destination, poller.run(config.poll / 1000), f"poll.{name}")
        if config.check_every is not None and name in self._readable:
            self._beside(
                destination, self.drift.run(name, config.check_every / 1000, is_owner), f"check.{name}"
            )
        if config.retry_parked:
            self._beside(destination, self._retry_parked(name), f"retry.{name}")

    def _beside(self, destination: Destination, work: Coroutine[Any, Any, None], name: str) -> None:
        destination.stack.callback(self._tasks.start(work, name).cancel)

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
