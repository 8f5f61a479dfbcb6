"""From a body to alerts on durable storage, and to the quarantine with what could not be understood."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Protocol

import msgspec
import structlog

from domain.errors import StorageFull, TocsinError, Unavailable
from domain.events import AlertsReceived, ChangesReceived, Quarantined, QuarantineSettled
from domain.times import Millis
from ingest.identity_lint import IdentityLint
from ingest.pulse import Pulse
from ingest.quarantine import to_keep
from ingest.source import Source
from ingest.sources import BadBody, Fault, Parsed, Post
from ingest.sources.post import Reply
from ingest.understanding import understand

EXPECT_AGAIN = 1.0
"""Seconds until it is tried again to have sources expected."""
TOLD_AT_MOST = 20
"""Faults that are told of one body."""


log = structlog.get_logger("ingest")


class Accepts(Protocol):
    """What makes alerts durable."""

    producer: str

    async def publish(self, event: AlertsReceived) -> None:
        """Return once *event* is on durable storage."""
        ...

    async def file(self, event: Quarantined | QuarantineSettled) -> None:
        """Return once *event* is on durable storage."""
        ...

    async def announce(self, event: ChangesReceived) -> None:
        """Return once *event* is on durable storage, for each partition."""
        ...


class Taken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a request, as its sender is told."""

    id: str
    accepted: int
    nothing: str = ""
    """Why there was no alert in it."""
    faults: Sequence[Fault] = ()
    quarantine: str = ""
    """Id in quarantine of what could not be understood."""
    reply: Reply | None = None
    fault: BadBody | None = None
    """Of a body with nothing good in it."""
    changes: int = 0
    """What it told of changes, on durable storage."""


class Intake:
    """Takes in what was posted and may be."""

    def __init__(self, publisher: Accepts, max_depth: int) -> None:
        self._publisher = publisher
        self.max_depth = max_depth
        self._numbers = count(1)
        self.alerts: Counter[str] = Counter()
        """Source → alerts accepted."""
        self.changes: Counter[str] = Counter()
        """Source → news of changes accepted."""
        self._noticing: Counter[str] = Counter()
        """What is noticed of the request being read; empty in between, and most requests leave it so."""
        self.noticed: Counter[tuple[str, str]] = Counter()
        """(source, what) → how often something worth a look was seen: few and fixed words."""

    async def take(self, source: Source, post: Post) -> Taken:
        """Take in a request; return once all of it is on durable storage.

        Raises:
            Refusal: if there is too much in it.
            StorageFull: there is no room; some may be in.
            Unavailable: it is unknown what is in.
        """
        id_ = f"{self._publisher.producer}-{next(self._numbers):x}"
        try:
            parsed = self.read(source, post)
        except BadBody as error:
            await self._quarantine(id_, post, str(error), error.path, 0)
            return Taken(id_, 0, quarantine=id_, fault=error)
        event = AlertsReceived(id_, post.received_at, list(parsed.alerts))
        if source.pulse:
            accepted = await self._heard(source, source.pulse, event)
        else:
            accepted = await self.accept(source, event)
        changes = await self._take_changes(source, post, parsed, id_) if parsed.changes else 0
        if not (parsed.faults or parsed.nothing or parsed.reply or changes):
            return Taken(id_, accepted)
        faults = parsed.faults[:TOLD_AT_MOST]
        if faults:
            self.noticed[source.name, "fault"] += len(parsed.faults)
            await self._quarantine(id_, post, faults[0].message, faults[0].path, accepted)
        if parsed.nothing:
            self.noticed[source.name, f"nothing_{parsed.nothing}"] += 1
        kept = id_ if faults else ""
        return Taken(id_, accepted, parsed.nothing, faults, kept, parsed.reply, changes=changes)

    async def _take_changes(self, source: Source, post: Post, parsed: Parsed, id_: str) -> int:
        """Make what is told of changes durable, for every partition."""
        await self._publisher.announce(ChangesReceived(id_, post.received_at, list(parsed.changes)))
        self.changes[source.name] += len(parsed.changes)
        return len(parsed.changes)

    def read(self, source: Source, post: Post) -> Parsed:
        """Parse and treat; see ``understand``."""
        noticed = self._noticing
        try:
            parsed = understand(source, post, noticed, self.max_depth)
            if source.lint is not None:
                _lint(source.name, source.lint, parsed)
            return parsed
        finally:
            if noticed:
                self._note(source.name, noticed)

    def _note(self, source: str, noticed: Counter[str]) -> None:
        for what, how_often in noticed.items():
            self.noticed[source, what] += how_often
        noticed.clear()

    async def accept(self, source: Source, event: AlertsReceived) -> int:
        """Make alerts durable, and count them."""
        if event.alerts:
            await self._publisher.publish(event)
        self.alerts[source.name] += len(event.alerts)
        return len(event.alerts)

    async def _heard(self, source: Source, pulse: Pulse, event: AlertsReceived) -> int:
        """Accept alerts, with a sign of life among them; it is not counted as one that was sent."""
        beat = pulse.beat(event.received_at)
        if beat is None:
            return await self.accept(source, event)
        try:
            await self._publisher.publish(msgspec.structs.replace(event, alerts=[*event.alerts, beat]))
        except TocsinError:
            pulse.missed()
            raise
        self.alerts[source.name] += len(event.alerts)
        return len(event.alerts)

    async def expect(self, sources: Iterable[Source], now: Callable[[], Millis]) -> None:
        """Have the silence of sources count, also of those never heard of; return once that is durable."""
        expected = [source.pulse.expected() for source in sources if source.pulse]
        while expected:
            id_ = f"{self._publisher.producer}-{next(self._numbers):x}"
            try:
                await self._publisher.publish(AlertsReceived(id_, now(), expected))
            except (StorageFull, Unavailable):
                await asyncio.sleep(EXPECT_AGAIN)
            else:
                return

    async def _quarantine(self, id_: str, post: Post, reason: str, path: str, accepted: int) -> None:
        self.noticed[post.source, "quarantined"] += 1
        await self._publisher.file(await to_keep(post, id_, reason, path, accepted))

    async def settle(self, event: QuarantineSettled) -> None:
        """Have something leave the quarantine."""
        await self._publisher.file(event)


def _lint(source: str, lint: IdentityLint, parsed: Parsed) -> None:
    """Look at the identities; what is wrong with them is said once."""
    lint.see(parsed.alerts)
    for fault in lint.news():
        log.warning("identity_unfit", source=source, fault=fault)
