"""What is answered about alerts."""

from __future__ import annotations

from tests.app.api.world import World
from tests.builders import MINUTE, NOON, firing, resolved


async def test_an_alert_shows_everything_that_is_known_of_it(world: World):
    await world.post(firing("CPU"))
    await world.post(firing("CPU"), at=NOON + MINUTE)
    await world.run()
    (alert,) = (await world.get("/api/v1/alerts"))["items"]
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    assert alert == {
        "key": "prom/CPU",
        "source": "prom",
        "fingerprint": "CPU",
        "state": "firing",
        "severity": "critical",
        "name": "CPU",
        "summary": "CPU is bad",
        "service": "checkout",
        "labels": {"alertname": "CPU", "service": "checkout"},
        "annotations": {},
        "starts_at": "2024-01-01T12:00:00.000Z",
        "ends_at": None,
        "first_seen": "2024-01-01T12:00:00.000Z",
        "last_seen": "2024-01-01T12:01:00.000Z",
        "count": 2,
        "incident": incident["id"],
        "url": "",
        "suppressed_by": None,
    }


async def test_a_resolve_that_came_first_is_ahead_and_belongs_to_no_incident(world: World):
    await world.post(resolved("CPU"))
    await world.run()
    (alert,) = (await world.get("/api/v1/alerts"))["items"]
    assert (alert["state"], alert["incident"], alert["ends_at"]) == (
        "ahead",
        None,
        "2024-01-01T12:01:00.000Z",
    )


async def test_alerts_are_found_by_state_service_and_source(world: World):
    await world.post(firing("A"), firing("B", service="search"), firing("C"))
    await world.post(resolved("C"), at=NOON + MINUTE)
    await world.run()

    async def names(query: str) -> list[str]:
        return sorted(alert["name"] for alert in (await world.get(f"/api/v1/alerts?{query}"))["items"])

    assert await names("state=firing") == ["A", "B"]
    assert await names("state=resolved") == ["C"]
    assert await names("service=search") == ["B"]
    assert await names("source=prom&service=checkout") == ["A", "C"]
    assert await names("source=zabbix") == []


async def test_the_one_first_seen_last_comes_first(world: World):
    await world.post(firing("A"))
    await world.post(firing("B"), at=NOON + 1)
    await world.post(firing("A"), at=NOON + 2)
    await world.run()
    assert [alert["name"] for alert in (await world.get("/api/v1/alerts"))["items"]] == ["B", "A"]
