"""What can be read of Tocsin's state: for the HTTP API, the command line and the demo alike.

Reads need no ownership of a shard. Each sees one moment of one shard; several may see different moments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import msgspec

from adapters.delivery.breaker import state_at
from adapters.delivery.state import BREAKER, PARKED, PENDING, TICKETS, Breaker, TicketRecord, ticket_record
from app.pages import IndexSource, Line, LogSource, LogsSource, Page, Place, collect
from correlation.audit import audit_log
from correlation.filing import Member
from correlation.homes import whole
from correlation.quarantine import QUARANTINED, Body, quarantined_record
from correlation.router import Router
from correlation.state import (
    ALERTS,
    INCIDENTS,
    OPEN_INCIDENTS,
    alert_record,
    incident_record,
    members_log,
    seen_record,
    timeline_log,
)
from domain.alert import AlertRecord, Phase, Sightings
from domain.events import Audited, Quarantined
from domain.incident import Incident, IncidentState, TimelineEntry
from domain.ports import StateStore, alerts_mailbox, tickets_mailbox
from domain.priority import Priority
from domain.times import Millis

T = TypeVar("T", bound=msgspec.Struct)

BOUND = 10_000
"""Entries that one request looks at, so that a filter nothing matches cannot keep the service busy."""
TITLES_AT_MOST = 10_000
RENDERED_AT_ONCE = 20
"""Titles made before others get their turn in this process: some milliseconds."""

_member = msgspec.msgpack.Decoder(Member).decode
_audited = msgspec.msgpack.Decoder(Audited).decode
_timeline_entry = msgspec.msgpack.Decoder(TimelineEntry).decode


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted; None wants all."""

    state: IncidentState | None = None
    service: str | None = None
    """One of the services hit."""
    priority: Priority | None = None

    def wants(self, incident: Incident) -> bool:
        """Tell whether *incident* is one of them."""
        judged = incident.assessment
        return (
            (self.state is None or incident.state is self.state)
            and (self.service is None or self.service in incident.services)
            and (self.priority is None or (judged is not None and judged.priority is self.priority))
        )


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted; None wants all."""

    state: Phase | None = None
    service: str | None = None
    source: str | None = None

    def wants(self, record: AlertRecord) -> bool:
        """Tell whether *record* is one of them."""
        return (
            (self.state is None or record.phase is self.state)
            and (self.service is None or record.alert.service == self.service)
            and (self.source is None or record.alert.source == self.source)
        )


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which requests in quarantine are wanted; None wants all."""

    source: str | None = None

    def wants(self, kept: Quarantined) -> bool:
        """Tell whether *kept* is one of them."""
        return self.source is None or kept.source == self.source


@dataclass(frozen=True, slots=True)
class ShownIncident:
    """An incident with what is kept or made apart from it."""

    incident: Incident
    events: int
    """How often its alerts were heard of."""
    title: str


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert with how often it was heard of."""

    record: AlertRecord
    seen: Sightings


class DestinationFigures(msgspec.Struct, frozen=True):
    """How delivery to a destination stands."""

    pending: int
    """Tickets that do not show yet what they should."""
    parked: int
    """Tickets given up until a person, or a change of the incident, gives them another chance."""
    breaker: str
    quarantined: int
    """Wishes and answers that could not be decided on."""
    timers_failed: int
    """Timers that raised, and were dropped."""


@dataclass(slots=True)
class ReadModel:
    """Everything that is read from the store, decoded."""

    store: StateStore
    partitions: int
    destinations: tuple[str, ...]
    router: Router
    """Gives incidents their titles."""
    bound: int = BOUND
    _titles: dict[tuple[str, int], str] = field(default_factory=dict, repr=False, compare=False)

    def adopt(self, destinations: tuple[str, ...], router: Router) -> None:
        """Read by other rules from now on."""
        self.destinations = destinations
        self.router = router
        self._titles.clear()

    @property
    def shards(self) -> tuple[str, ...]:
        """Name the correlation shards, in the order of their partitions."""
        return tuple(map(alerts_mailbox, range(self.partitions)))

    async def records(self, shard: str, keys: Sequence[str], kind: type[T]) -> list[T | None]:
        """Read records of one kind, in the order of *keys*."""
        decode = _decoder(kind)
        return [value and decode(value) for value in await self.store.load(shard, keys)]  # type: ignore[misc]

    async def incidents(
        self, wanted: IncidentFilter, *, limit: int, after: Place | None = None
    ) -> Page[ShownIncident, Place]:
        """List incidents, the one opened last first."""

        async def load(places: list[Place]) -> list[tuple[int, Incident] | None]:
            """Read the incidents of these places."""
            found = await self.load(places, incident_record, Incident)
            return [
                (place.partition, incident) if incident and wanted.wants(incident) else None
                for place, incident in zip(places, found, strict=True)
            ]

        index = OPEN_INCIDENTS if wanted.state is IncidentState.OPEN else INCIDENTS
        source = IndexSource(self.store, self.shards, index)
        page = await collect(source, load, limit=limit, after=after, bound=self.bound)
        return Page(await self._shown_incidents(page.items), page.next)

    async def incident(self, id_: str) -> ShownIncident | None:
        """Find an incident in whatever partition it is."""
        found = await self._find(id_)
        return (await self._shown_incidents([found]))[0] if found else None

    async def whereabouts(self, id_: str) -> tuple[int, Incident] | None:
        """Find an incident and the partition it is in."""
        return await self._find(id_)

    async def timeline(self, id_: str, *, limit: int, start: int = 0) -> Page[TimelineEntry, int] | None:
        """Read what was decided and done about an incident, the oldest first; None if there is no such."""
        found = await self._find(id_)
        if found is None:
            return None
        source = LogSource(self.store, alerts_mailbox(found[0]), timeline_log(id_))
        lines, _ = await source.read(Line(start), limit + 1)
        entries = [_timeline_entry(line.text) for line in lines[:limit]]
        return Page(entries, start + limit if len(lines) > limit else None)

    async def audited(self, month: str, *, limit: int, start: int = 0) -> Page[Audited, int]:
        """Read what was asked for in a month, the oldest first."""
        source = LogSource(self.store, alerts_mailbox(0), audit_log(month))
        lines, _ = await source.read(Line(start), limit + 1)
        found = [_audited(line.text) for line in lines[:limit]]
        return Page(found, start + limit if len(lines) > limit else None)

    async def members(self, id_: str, *, limit: int, start: int = 0) -> Page[ShownAlert, int] | None:
        """List the alerts that joined an incident, as they are now; None if there is no such incident."""
        found = await self._find(id_)
        if found is None:
            return None
        shard = alerts_mailbox(found[0])
        told: set[str] = set()

        async def load(lines: list[Line]) -> list[AlertRecord | None]:
            """Read the alerts that these lines name."""
            keys = [_member(line.text).alert for line in lines]
            records = await self.records(shard, list(map(alert_record, keys)), AlertRecord)
            return [record if record and _is_new(record.key, told) else None for record in records]

        source = LogsSource(self.store, shard, list(map(members_log, whole(found[1]))))
        page = await collect(source, load, limit=limit, after=Line(start), bound=self.bound)
        alerts = await self._shown_alerts([(found[0], record) for record in page.items])
        return Page(alerts, page.next.number if page.next else None)

    async def alerts(
        self, wanted: AlertFilter, *, limit: int, after: Place | None = None
    ) -> Page[ShownAlert, Place]:
        """List alerts, the one first seen last first."""

        async def load(places: list[Place]) -> list[tuple[int, AlertRecord] | None]:
            """Read the alerts of these places."""
            found = await self.load(places, alert_record, AlertRecord)
            return [
                (place.partition, record) if record and wanted.wants(record) else None
                for place, record in zip(places, found, strict=True)
            ]

        source = IndexSource(self.store, self.shards, ALERTS)
        page = await collect(source, load, limit=limit, after=after, bound=self.bound)
        return Page(await self._shown_alerts(page.items), page.next)

    async def quarantined(
        self, wanted: QuarantineFilter, *, limit: int, after: Place | None = None
    ) -> Page[Quarantined, Place]:
        """List what could not be understood, without bodies, the last received first."""

        async def load(places: list[Place]) -> list[Quarantined | None]:
            """Read what is at these places."""
            found = await self.load(places, quarantined_record, Quarantined)
            return [kept if kept and wanted.wants(kept) else None for kept in found]

        source = IndexSource(self.store, self.shards[:1], QUARANTINED)  # the first partition keeps all
        return await collect(source, load, limit=limit, after=after, bound=self.bound)

    async def quarantine_size(self) -> int:
        """Count the requests in quarantine."""
        return await self.store.size(alerts_mailbox(0), QUARANTINED)

    async def in_quarantine(self, id_: str) -> Quarantined | None:
        """Find a request in quarantine, with its body."""
        if not id_.isascii():
            return None
        name, shard = quarantined_record(id_), alerts_mailbox(0)
        (kept,), lines = await asyncio.gather(
            self.records(shard, [name], Quarantined), self.store.lines(shard, name)
        )
        if kept is None or not lines:
            return None
        line = _decoder(Body)(lines[-1])
        return msgspec.structs.replace(kept, body=line.body, packed=line.packed)

    async def parked(
        self, destinations: Sequence[str], *, limit: int, after: Place | None = None
    ) -> Page[tuple[str, TicketRecord], Place]:
        """List parked tickets with their destinations, the one parked last first."""
        mailboxes = list(map(tickets_mailbox, destinations))

        async def load(places: list[Place]) -> list[tuple[str, TicketRecord] | None]:
            """Read the tickets at these places."""
            found = [await self.ticket(destinations[place.partition], place.member) for place in places]
            return [
                (destinations[place.partition], record) if record and record.parked else None
                for place, record in zip(places, found, strict=True)
            ]

        if not destinations:
            return Page([], None)
        source = IndexSource(self.store, mailboxes, PARKED)
        return await collect(source, load, limit=limit, after=after, bound=self.bound)

    async def tickets(
        self, destination: str, *, limit: int, after: Place | None = None
    ) -> Page[TicketRecord, Place]:
        """List the tickets of open incidents that are there, the one of the latest incident first."""
        mailbox = tickets_mailbox(destination)

        async def load(places: list[Place]) -> list[TicketRecord | None]:
            """Read the tickets at these places."""
            found = await self.records(mailbox, [ticket_record(each.member) for each in places], TicketRecord)
            return [
                each
                if each and each.observed and not each.parked and not each.desired.state.is_over
                else None
                for each in found
            ]

        source = IndexSource(self.store, [mailbox], TICKETS)
        return await collect(source, load, limit=limit, after=after, bound=self.bound)

    async def ticket(self, destination: str, key: str) -> TicketRecord | None:
        """Read what is known of a ticket at a destination."""
        if not key.isascii():
            return None
        (record,) = await self.records(tickets_mailbox(destination), [ticket_record(key)], TicketRecord)
        return record

    async def counters(self) -> list[Mapping[str, int]]:
        """Read the counters of every correlation shard, each as of one moment."""
        return await asyncio.gather(*map(self.store.counters, self.shards))

    async def destination(self, name: str, now: Millis) -> DestinationFigures:
        """Tell how delivery to a destination stands."""
        shard = tickets_mailbox(name)
        pending, parked, (breaker,), counters = await asyncio.gather(
            self.store.size(shard, PENDING),
            self.store.size(shard, PARKED),
            self.records(shard, [BREAKER], Breaker),
            self.store.counters(shard),
        )
        return DestinationFigures(
            pending,
            parked,
            state_at(breaker or Breaker(), now).value,
            counters.get("quarantined", 0),
            counters.get("timers_failed", 0),
        )

    async def _find(self, id_: str) -> tuple[int, Incident] | None:
        if not id_.isascii():
            return None
        keys = [incident_record(id_)]
        found = await asyncio.gather(*(self.records(shard, keys, Incident) for shard in self.shards))
        return next(((n, incident) for n, (incident,) in enumerate(found) if incident), None)

    async def load(
        self, places: Sequence[Place], name: Callable[[str], str], kind: type[T]
    ) -> list[T | None]:
        """Read the record of each place, with one question to each partition."""
        keys: dict[int, list[str]] = {}
        for place in places:
            keys.setdefault(place.partition, []).append(name(place.member))
        loaded = await asyncio.gather(*(self.records(alerts_mailbox(n), keys[n], kind) for n in keys))
        values = dict(zip(keys, map(iter, loaded), strict=True))
        return [next(values[place.partition]) for place in places]

    async def _seen(self, keys: Sequence[tuple[int, str]]) -> list[Sightings | None]:
        return await self.load([Place(0, key, partition) for partition, key in keys], seen_record, Sightings)

    async def _shown_incidents(self, found: Sequence[tuple[int, Incident]]) -> list[ShownIncident]:
        counted = iter(await self._seen([(n, id_) for n, incident in found for id_ in whole(incident)]))
        shown = []
        for number, (_, incident) in enumerate(found):
            seen = [next(counted) for _ in whole(incident)]
            if number % RENDERED_AT_ONCE == RENDERED_AT_ONCE - 1:
                await asyncio.sleep(0)
            events = sum(each.count for each in seen if each)
            shown.append(ShownIncident(incident, events, self._title(incident)))
        return shown

    async def _shown_alerts(self, found: Sequence[tuple[int, AlertRecord]]) -> list[ShownAlert]:
        seen = await self._seen([(partition, record.key) for partition, record in found])
        return [
            ShownAlert(record, each or Sightings(1, record.first_seen))
            for (_, record), each in zip(found, seen, strict=True)
        ]

    def _title(self, incident: Incident) -> str:
        """Render it once for each revision: templates are a hundred times as slow as all else here."""
        key = (incident.id, incident.revision)
        title = self._titles.get(key)
        if title is None:
            title = self._titles[key] = self.router.render(incident).title
            if len(self._titles) > TITLES_AT_MOST:
                del self._titles[next(iter(self._titles))]
        return title


@lru_cache
def _decoder(kind: type[T]) -> Callable[[bytes], T]:
    return msgspec.msgpack.Decoder(kind).decode


def _is_new(key: str, told: set[str]) -> bool:
    """An alert that left an incident and came back is in its list twice."""
    if key in told:
        return False
    told.add(key)
    return True
