"""Calendars of maintenance: read again and again, and told to the shards as the windows that they plan.

A shard reads no files and asks nobody; it is told of all windows of a calendar, in place of those before. While a
calendar cannot be read, what it said last holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import icalendar
import recurring_ical_events
import structlog

from config.settings import Settings
from correlation.maintenance_models import MaintenanceConfig
from domain.errors import TocsinError
from domain.events import OperatorAsked, encode
from domain.matching import texts_of
from domain.ports import Broker, Message, alerts_mailbox
from domain.suppression import PlannedWindow, PlanWindows
from domain.times import Millis

AHEAD = timedelta(days=14)
"""How far ahead windows are told of; a calendar is read far more often."""
WINDOWS_AT_MOST = 1_000
SIZE_AT_MOST = 16 << 20
PATIENCE = 30.0
"""Seconds for a calendar to arrive."""
PAUSE = 10.0
"""Seconds between looks at whether a calendar is to be read."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("calendars")


class CalendarUnreadable(Exception):
    """A calendar that cannot be fetched or understood; says why."""


class Calendars:
    """Reads the calendars of the settings in force."""

    def __init__(self, settings: Callable[[], Settings], broker: Broker, clock: Callable[[], Millis]) -> None:
        self._settings = settings
        self._broker = broker
        self._clock = clock
        self._read_at: dict[MaintenanceRead, Millis] = {}
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Read each when it is due, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(PAUSE)

    async def look(self) -> None:
        """Read those that are due, or that are new."""
        settings, now = self._settings(), self._clock()
        current = {_identity(rule): rule for rule in settings.calendars}
        self._read_at = {key: at for key, at in self._read_at.items() if key in current}
        for key, rule in current.items():
            if now - self._read_at.get(key, -rule.refresh) >= rule.refresh:
                self._read_at[key] = now
                await self._tell(rule, settings.partitions, now)

    async def _tell(self, rule: MaintenanceConfig, partitions: int, now: Millis) -> None:
        try:
            text = await read_calendar(rule.ical)
            windows = await asyncio.to_thread(windows_of, rule, text, now)
            event = OperatorAsked(now, f"calendar {rule.id}", "", PlanWindows(f"calendar:{rule.id}", windows))
            for partition in range(partitions):
                await self._broker.publish(
                    alerts_mailbox(partition), [Message("calendar", 0, encode([event]))]
                )
        except (CalendarUnreadable, TocsinError) as error:
            if rule.id not in self._failing:
                log.warning("calendar_not_read", rule=rule.id, error=str(error))
            self._failing.add(rule.id)
        else:
            self._failing.discard(rule.id)


MaintenanceRead = str
"""A rule as it is written: one that changed is another."""


def _identity(rule: MaintenanceConfig) -> MaintenanceRead:
    return rule.model_dump_json()


async def read_calendar(place: str) -> bytes:
    """Read a file or an address.

    Raises:
        CalendarUnreadable: it cannot be read.
    """
    try:
        if place.startswith(("http://", "https://")):
            return await _fetched(place)
        return await asyncio.to_thread(Path(place).read_bytes)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise CalendarUnreadable(f"cannot be read: {error!r}") from error


async def _fetched(url: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(url) as response,
    ):
        content = await response.content.read(SIZE_AT_MOST + 1)
        while len(content) <= SIZE_AT_MOST and (more := await response.content.read(SIZE_AT_MOST)):
            content += more
    if len(content) > SIZE_AT_MOST:
        raise CalendarUnreadable(f"it has more than {SIZE_AT_MOST >> 20} MiB")
    return content


def windows_of(rule: MaintenanceConfig, text: bytes, now: Millis) -> list[PlannedWindow]:
    """List the windows that a calendar plans from *now* on, the first ones first.

    Raises:
        CalendarUnreadable: it is no calendar.
    """
    begin = _EPOCH + timedelta(milliseconds=now)
    try:
        events = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(begin, begin + AHEAD)
        windows = [window for event in events for window in _windows(rule, event)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CalendarUnreadable(f"is no calendar of RFC 5545: {error}") from error
    return list(islice(sorted(windows, key=lambda each: (each.starts_at, each.id)), WINDOWS_AT_MOST))


def _windows(rule: MaintenanceConfig, event: Any) -> Iterator[PlannedWindow]:
    about = {label: _values(event, name) for name, label in rule.by.items()}
    start, end = _moment(event.start, rule.zone), _moment(event.end, rule.zone)
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or not all(about.values()) or end <= start:
        return
    summary = str(event.get("SUMMARY", ""))
    name = f"{rule.id}/{event.get('UID', summary)}/{start}"
    matchers = (*texts_of(rule.match), *texts_of(about))
    yield PlannedWindow(name, f"calendar:{rule.id}", matchers, start, end, summary or rule.reason)


def _values(event: Any, name: str) -> list[str]:
    found = event.get(name)
    if found is None:
        return []
    if name != "CATEGORIES":
        return [str(found)] if str(found) else []
    lists = found if isinstance(found, list) else [found]
    return [str(value) for each in lists for value in each.cats if str(value)]


def _moment(when: date | datetime, zone: str) -> Millis:
    """A day begins at midnight, and time without a zone counts in that of the rule."""
    moment = when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)  # noqa: DTZ001 - below
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return (aware - _EPOCH) // timedelta(milliseconds=1)
