"""All shards of a Tocsin together, in memory, and the time that passes in them."""

from __future__ import annotations

from collections import deque

import msgspec

from app.partitions import partitioner
from app.rehearsal.desk import Desk
from app.rehearsal.shard import MemoryShard
from config.settings import Settings
from correlation.handler import CorrelationHandler
from correlation.router import Router
from correlation.state import LISTENING, Listening, incident_record, problem_record, timeline_log
from domain.alert import Alert, AlertRecord
from domain.batch import Batch
from domain.events import AlertsReceived, Event, moment
from domain.incident import Incident, TimelineEntry
from domain.ports import alerts_mailbox
from domain.problem import Problem
from domain.times import Millis
from routing.router import IncidentRouter

MOST_STEPS = 1_000_000
"""Batches between two moments; more are a circle without an end."""


class NeverQuiet(Exception):
    """The shards keep each other busy without time going on: a defect of the core."""


class World:
    """Partitions of alerts, and destinations. Time goes on only as it is told, timers act in their order."""

    def __init__(self, settings: Settings, start: Millis) -> None:
        self.settings = settings
        self.clock = start
        self.router: Router = IncidentRouter(settings.routing)
        names = [alerts_mailbox(number) for number in range(settings.partitions)]
        self.partitions = {name: self._partition(name) for name in names}
        self.desks = {name: Desk(name, config) for name, config in settings.destinations.items()}
        self._by_mailbox = {desk.shard.name: desk for desk in self.desks.values()}
        self._place = partitioner(settings.partition_by, settings.partitions)
        self._post: deque[tuple[str, Event]] = deque()

    def _partition(self, name: str) -> MemoryShard:
        return MemoryShard(name, CorrelationHandler(name, self.settings.correlation, self.router))

    def receive(self, alert: Alert) -> str:
        """Take one alert in now; return its verdict."""
        number = self._place(alert) if self.settings.partitions > 1 else 0
        name = alerts_mailbox(number)
        batch = self._tell(name, AlertsReceived("rehearsal", self.clock, [alert]))
        self._settle()
        outcomes = [each for each in batch.counters if each.startswith("outcome.")]
        return outcomes[0].removeprefix("outcome.") if outcomes else ""

    def tell(self, mailbox: str, event: Event) -> None:
        """Put something else into a mailbox now."""
        self._tell(mailbox, event)
        self._settle()

    def pass_time(self, until: Millis) -> None:
        """Let time go on to *until*, each timer acting when it is due."""
        while (due := self._next_due()) is not None and max(due, self.clock) <= until:
            self._move(max(due, self.clock))
            self._act()
        self._move(max(self.clock, until))

    def _move(self, clock: Millis) -> None:
        """Have it known that the shards were listening all the time, as the ticks of their owners would tell."""
        self.clock = clock
        for shard in self.partitions.values():
            known = shard.records.get(LISTENING)
            if isinstance(known, Listening):
                shard.records[LISTENING] = Listening(known.since, clock)

    def incidents(self) -> list[Incident]:
        """List all incidents, in the order in which they opened."""
        found = [each for each in self._all() if isinstance(each, Incident)]
        return sorted(found, key=lambda each: (each.opened_at, each.id))

    def alerts(self) -> list[AlertRecord]:
        """List what is remembered of alerts, in the order in which they came."""
        found = [each for each in self._all() if isinstance(each, AlertRecord)]
        return sorted(found, key=lambda each: (each.first_seen, each.key))

    def problems(self) -> list[Problem]:
        """List all problems, in the order in which they opened."""
        found = [each for each in self._all() if isinstance(each, Problem)]
        return sorted(found, key=lambda each: (each.opened_at, each.id))

    def timeline(self, about: Incident | Problem) -> list[TimelineEntry]:
        """List what happened to an incident or a problem."""
        name = problem_record(about.id) if isinstance(about, Problem) else incident_record(about.id)
        lines = self.home(name).logs.get(timeline_log(about.id), [])
        return [line for line in lines if isinstance(line, TimelineEntry)]

    def home(self, name: str) -> MemoryShard:
        """Find the partition that keeps a record."""
        return next(shard for shard in self.partitions.values() if name in shard.records)

    def _all(self) -> list[msgspec.Struct]:
        return [record for shard in self.partitions.values() for record in shard.records.values()]

    def _next_due(self) -> Millis | None:
        dues = [shard.timers.next_due() for shard in self.partitions.values()]
        dues += [desk.next_due() for desk in self.desks.values()]
        return min((due for due in dues if due is not None), default=None)

    def _act(self) -> None:
        """Act on the timers that are due: of alerts first, so that tickets show what came of them."""
        for shard in self.partitions.values():
            if _is_due(shard.timers.next_due(), self.clock):
                self._send(shard.act(self.clock))
                shard.forget()
        self._settle()

    def _settle(self) -> None:
        """Deliver what was sent, and have the destinations act, until nothing is left to do at this moment."""
        for _ in range(MOST_STEPS):
            if self._post:
                self._tell(*self._post.popleft())
                continue
            desk = next((each for each in self.desks.values() if _is_due(each.next_due(), self.clock)), None)
            if desk is None:
                return
            self._follow(desk, desk.shard.act(self.clock))
            desk.shard.forget()
        raise NeverQuiet(f"still busy after {MOST_STEPS} steps")

    def _tell(self, mailbox: str, event: Event) -> Batch:
        desk = self._by_mailbox.get(mailbox)
        shard = desk.shard if desk else self.partitions[mailbox]
        batch = shard.tell(shard.handler.read([event]), max(self.clock, moment(event)))
        if desk:
            self._follow(desk, batch)
        else:
            self._send(batch)
        return batch

    def _follow(self, desk: Desk, batch: Batch) -> None:
        """Send what a destination says, and let it hear how its calls ended."""
        self._send(batch)
        while outcomes := desk.answered(batch, self.clock):
            batch = desk.shard.tell(outcomes, self.clock)
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        for mailbox, events in batch.outgoing.items():
            if mailbox in self._by_mailbox or mailbox in self.partitions:
                self._post.extend((mailbox, event) for event in events)


def _is_due(due: Millis | None, clock: Millis) -> bool:
    return due is not None and due <= clock
