"""One configuration's replay: the real decisions over memory, tickets made at once, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from app.backtest.shelf import IN_MEMORY, Shelf
from app.backtest.tally import Tally
from app.backtest.traffic import Recorded
from app.partitions import partitioner
from app.rehearsal.shard import MemoryShard
from app.shard.deciding import Letter
from config.settings import Settings
from correlation.handler import CorrelationHandler
from correlation.state import alert_record, incident_record, timeline_log
from domain.alert import Alert, AlertRecord, Phase
from domain.batch import Batch
from domain.events import (
    AlertsReceived,
    AlertsSealed,
    ChangesReceived,
    Delivered,
    Event,
    OperatorAsked,
    Quarantined,
    QuarantineSettled,
    TicketNews,
    TicketReported,
    TicketsDesired,
    read_alert,
)
from domain.incident import Incident, TicketRef, TimelineEntry
from domain.ports import alerts_mailbox, tickets_mailbox
from domain.ticket import DesiredTicket, TicketAction, TicketState
from domain.times import Millis
from ingest.problems import Refusal
from ingest.sources import BadBody
from ingest.understanding import understand
from routing.router import UNJUDGED, IncidentRouter

TIMELINE = timeline_log("")
OUTCOME = "outcome."
TICKETS = tickets_mailbox("")

OF_THE_LIVE_ONE = TicketReported | TicketNews | OperatorAsked | Quarantined | QuarantineSettled
"""What is about incidents and tickets as they were; what of it matters here, ``hear`` is told."""
Touch = tuple[Millis, str, str]
"""When, the key of an alert, and the incident that it joined or changed."""


class Wordless(IncidentRouter):
    """Routes as always, but writes no texts: nobody reads them."""

    def render(self, incident: Incident) -> DesiredTicket:
        """Say what a ticket shows, without its texts."""
        judged = incident.assessment or UNJUDGED
        return DesiredTicket(
            key=incident.id,
            version=incident.revision,
            title="",
            description="",
            priority=judged.priority,
            impact=judged.impact,
            urgency=judged.urgency,
            state=TicketState.OPEN if incident.is_open else TicketState.RESOLVED,
            team=judged.team,
            service="",
            labels={},
            alerts=incident.alerts,
            url="",
            opened_at=incident.opened_at,
        )


class ReplayShard(MemoryShard):
    """Keeps no logs; nobody reads them."""

    def keep_lines(self, batch: Batch) -> None:
        """Forget them."""


class Side:
    """Replays traffic under one configuration."""

    def __init__(self, settings: Settings, in_memory: int = IN_MEMORY) -> None:
        self.settings = settings
        self.tally = Tally()
        self.unread: Counter[str] = Counter()
        """Requests that could not be read, by source."""
        router = Wordless(settings.routing)
        self._shards = [self._shard(number, router, in_memory) for number in range(settings.partitions)]
        self._place = partitioner(settings.partition_by, settings.partitions)
        self._sources = {name: each.build(name) for name, each in settings.sources.items()}
        self._reports: list[TicketReported] = []
        self._touched: list[Touch] = []

    def _shard(self, number: int, router: IncidentRouter, in_memory: int) -> ReplayShard:
        name = alerts_mailbox(number)
        handler = CorrelationHandler(name, self.settings.correlation, router)
        return ReplayShard(name, handler, Shelf(handler.record_kinds, in_memory // self.settings.partitions))

    def read(self, recorded: Recorded) -> Sequence[Delivered]:
        """Read a request as this configuration does; what was read already is given back."""
        post = recorded.post
        if post is None:
            return recorded.events
        source = self._sources.get(post.source)
        try:
            parsed = understand(source, post, Counter()) if source else None
        except (BadBody, Refusal):
            parsed = None
        if parsed is None:
            self.unread[post.source] += 1
            return ()
        events: list[Delivered] = [AlertsReceived("backtest", recorded.at, list(parsed.alerts))]
        if parsed.changes:
            events.append(ChangesReceived("backtest", recorded.at, list(parsed.changes)))
        return events

    def letters(self, at: Millis, events: Sequence[Delivered]) -> Iterator[tuple[int, Letter]]:
        """Give what the partitions are told."""
        told = [event for event in events if not isinstance(event, OF_THE_LIVE_ONE)]
        if len(self._shards) == 1:
            yield 0, Letter(None, list(self._shards[0].handler.read(told)), at)
            return
        placed: dict[int, list[Alert]] = {number: [] for number in range(len(self._shards))}
        others = [event for event in told if not isinstance(event, AlertsReceived | AlertsSealed)]
        for event in told:
            for alert in event.alerts if isinstance(event, AlertsReceived | AlertsSealed) else ():
                opened = alert if isinstance(alert, Alert) else read_alert(alert)
                placed[self._place(opened)].append(opened)
        for number, alerts in placed.items():
            items = self._shards[number].handler.read([*others, AlertsReceived("backtest", at, alerts)])
            yield number, Letter(None, list(items), at)

    def touched(self) -> list[Touch]:
        """Tell which alerts touched which incidents since this was asked."""
        touched, self._touched = self._touched, []
        return touched

    def decide(self, partition: int, letters: list[Letter]) -> None:
        """Decide on what a partition is told, with the timers in between."""
        shard = self._shards[partition]
        while letters:
            due = shard.timers.next_due()
            if due is not None and due <= max(shard.clock, letters[0].at):
                self._note(shard.act(due))
            else:
                batch, taken = shard.tell_all(letters)
                del letters[:taken]
                self._note(batch)
            if self._reports:
                letters.insert(0, Letter(None, list(self._reports), shard.clock))
                self._reports.clear()
        shard.forget()

    def hear(self, event: TicketNews | OperatorAsked, incident: str) -> None:
        """Hear what a person did to *incident*."""
        name = incident_record(incident)
        for number, shard in enumerate(self._shards):
            if shard.records.get(name) is not None:
                self._tell(number, event)

    def hear_all(self, event: TicketNews | OperatorAsked) -> None:
        """Hear in every partition what a person did that is not about one incident."""
        for number in range(len(self._shards)):
            self._tell(number, event)

    def _tell(self, partition: int, event: TicketNews | OperatorAsked) -> None:
        items = self._shards[partition].handler.read([event])
        self.decide(partition, [Letter(None, list(items), event.at)])

    def incident(self, id_: str) -> Incident | None:
        """Find an incident that is not forgotten."""
        for shard in self._shards:
            record = shard.records.get(incident_record(id_))
            if isinstance(record, Incident):
                return record
        return None

    def incident_of(self, key: str) -> str:
        """Name the incident that an alert belongs to; empty for none, and while it is held back."""
        for shard in self._shards:
            record = shard.records.get(alert_record(key))
            if isinstance(record, AlertRecord):
                return "" if record.phase is Phase.WAITING else record.incident
        return ""

    def _note(self, batch: Batch) -> None:
        """Keep what the comparison will ask for."""
        for record in batch.records.values():
            if isinstance(record, Incident):
                self.tally.note(record)
        for log, line in batch.lines:
            if isinstance(line, TimelineEntry) and line.alert:
                self._touched.append((line.at, line.alert, log.removeprefix(TIMELINE)))
        self.tally.outcomes.update(
            {name[len(OUTCOME) :]: n for name, n in batch.counters.items() if name.startswith(OUTCOME)}
        )
        for mailbox, event in _sent(batch):
            if isinstance(event, TicketsDesired):
                self._make(mailbox.removeprefix(TICKETS), event, batch.clock)

    def _make(self, destination: str, wish: TicketsDesired, now: Millis) -> None:
        """Make the ticket that is wished for, if there is none."""
        for ticket in wish.tickets:
            summary = self.tally.incidents.get(ticket.key)
            if summary is not None and destination not in summary.destinations:
                summary.destinations.add(destination)
                self._reports.append(
                    TicketReported(
                        ticket.key,
                        destination,
                        now,
                        TicketAction.CREATE,
                        "open",
                        ticket.version,
                        TicketRef(ticket.key),
                    )
                )


def _sent(batch: Batch) -> Iterator[tuple[str, Event]]:
    for mailbox, events in batch.outgoing.items():
        for event in events:
            yield mailbox, event
