"""Calendars of maintenance: read from files and addresses, told to every partition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from app.calendars import Calendars, CalendarUnreadable, read_calendar, windows_of
from config.load import load
from config.settings import Settings
from correlation.maintenance_models import MaintenanceConfig
from correlation.windows import WINDOWS
from domain.events import OperatorAsked, decode
from domain.incident import Incident
from domain.suppression import PlanWindows
from tests.app.api.world import Boxes
from tests.builders import DAY, HOUR, MINUTE, NOON, correlation_core, firing, received

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//ops//EN
BEGIN:VEVENT
UID:disks
DTSTART;TZID=Europe/Berlin:20240101T140000
DTEND;TZID=Europe/Berlin:20240101T160000
SUMMARY:new disks
CATEGORIES:checkout,cart
LOCATION:ams
END:VEVENT
BEGIN:VEVENT
UID:nights
DTSTART:20231201T230000Z
DURATION:PT2H
RRULE:FREQ=WEEKLY;BYDAY=WE
EXDATE:20240110T230000Z
SUMMARY:patches
CATEGORIES:search
END:VEVENT
BEGIN:VEVENT
UID:day
DTSTART;VALUE=DATE:20240105
SUMMARY:nobody is here
END:VEVENT
BEGIN:VEVENT
UID:off
STATUS:CANCELLED
DTSTART:20240102T120000Z
DTEND:20240102T130000Z
CATEGORIES:cart
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()
BY_CATEGORY = MaintenanceConfig(id="ops", ical="ops.ics", by={"CATEGORIES": "service", "LOCATION": "site"})


def rule(**more: Any) -> MaintenanceConfig:
    return MaintenanceConfig(**{"id": "ops", "ical": "ops.ics", "match": {"team": "a"}, **more})


def test_events_are_windows_with_their_recurrences_and_exceptions() -> None:
    windows = windows_of(rule(zone="Europe/Berlin"), CALENDAR, NOON)

    assert [(each.reason, each.starts_at, each.ends_at) for each in windows] == [
        ("new disks", NOON + HOUR, NOON + 3 * HOUR),
        ("patches", NOON + 2 * DAY + 11 * HOUR, NOON + 2 * DAY + 13 * HOUR),
        ("nobody is here", NOON + 3 * DAY + 11 * HOUR, NOON + 4 * DAY + 11 * HOUR),
    ]
    assert {each.matchers for each in windows} == {('team="a"',)}


def test_what_an_event_is_about_is_in_its_categories_and_its_location() -> None:
    """Events that lack one of them are no windows."""
    (window,) = windows_of(BY_CATEGORY, CALENDAR, NOON)

    assert window.matchers == ('service=~"checkout|cart"', 'site="ams"')


@pytest.mark.parametrize("text", [b"", b"BEGIN:VCALENDAR\r\n", b"<html>login</html>"])
def test_what_is_no_calendar_is_told(text: bytes) -> None:
    with pytest.raises(CalendarUnreadable, match="calendar"):
        windows_of(rule(), text, NOON)


async def test_an_address_is_read_and_one_that_fails_is_told() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=CALENDAR) if request.path == "/ops.ics" else web.Response(status=503)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with TestServer(app) as server:
        assert await read_calendar(str(server.make_url("/ops.ics"))) == CALENDAR
        with pytest.raises(CalendarUnreadable, match="503"):
            await read_calendar(str(server.make_url("/other.ics")))


def settings(folder: Path) -> Settings:
    text = """
correlation: {partitions: 2, partition_by: [tenant]}
maintenance:
- {id: ops, ical: ops.ics, by: {CATEGORIES: service}, refresh: 10m}
"""
    (folder / "tocsin.yaml").write_text(text)
    return load(folder / "tocsin.yaml", {})


def told(boxes: Boxes) -> list[OperatorAsked]:
    events = [
        decode(message.body) for name in ("alerts.0", "alerts.1") for message in boxes.messages.pop(name, [])
    ]
    return [event for (event,) in events if isinstance(event, OperatorAsked)]


async def test_every_partition_is_told_when_a_calendar_is_due(tmp_path: Path) -> None:
    (tmp_path / "ops.ics").write_bytes(CALENDAR)
    configured, boxes, now = settings(tmp_path), Boxes(), [NOON]
    calendars = Calendars(lambda: configured, boxes, lambda: now[0])  # type: ignore[arg-type]

    await calendars.look()
    first, second = told(boxes)
    assert first == second
    assert isinstance(first.action, PlanWindows)
    assert (first.action.origin, len(first.action.windows)) == ("calendar:ops", 2)

    now[0] += 10 * MINUTE - 1
    await calendars.look()
    assert told(boxes) == []
    now[0] += 1
    await calendars.look()
    assert len(told(boxes)) == 2


async def test_what_a_calendar_plans_keeps_alerts_quiet(tmp_path: Path) -> None:
    """From the file to the incident that opens at the end of its event."""
    (tmp_path / "ops.ics").write_bytes(CALENDAR)
    configured, boxes = settings(tmp_path), Boxes()
    await Calendars(lambda: configured, boxes, lambda: NOON).look()  # type: ignore[arg-type]
    core = correlation_core(configured.correlation)
    core.tell(told(boxes)[0])

    core.tell(received(firing(), at=NOON + HOUR))
    assert (core.all(Incident), core.outcomes()) == ([], {"suppressed": 1})
    core.pass_time(NOON + 3 * HOUR)

    assert core.all(Incident)[0].opened_at == NOON + 3 * HOUR
    assert len(core.get(WINDOWS).items) == 2


async def test_a_calendar_that_is_away_is_told_of_once_and_changes_nothing(tmp_path: Path) -> None:
    configured, boxes, now = settings(tmp_path), Boxes(), [NOON]
    calendars = Calendars(lambda: configured, boxes, lambda: now[0])  # type: ignore[arg-type]

    with capture_logs() as logs:
        for _ in range(3):
            await calendars.look()
            now[0] += HOUR

    assert [line["event"] for line in logs] == ["calendar_not_read"]
    assert told(boxes) == []
