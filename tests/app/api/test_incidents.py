"""What is answered about incidents, filled by the real handlers."""

from __future__ import annotations

from typing import Any

import pytest

from domain.alert import Severity
from domain.errors import PermanentError, Reason
from tests.app.api.world import World, opened_world
from tests.builders import MINUTE, NOON, firing, resolved


async def test_an_incident_shows_everything_that_is_known_of_it(world: World):
    await world.post(firing("CPU"), firing("Disk", severity=Severity.LOW))
    await world.post(firing("CPU"), at=NOON + 1)
    await world.run()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    assert incident.pop("id") == world.tickets.tickets["TKT-1"].key
    assert incident == {
        "state": "open",
        "stage": "new",
        "assignee": "",
        "title": "[P1] CPU is bad",
        "service": "checkout",
        "services": ["checkout"],
        "cause": "",
        "priority": "P1",
        "impact": "high",
        "urgency": "high",
        "team": "payments",
        "severity": "critical",
        "alerts": 2,
        "flapping": 0,
        "events": 3,
        "labels": {"service": "checkout"},
        "rule": "by-service",
        "group": "service=checkout",
        "opened_at": "2024-01-01T12:00:00.000Z",
        "changed_at": "2024-01-01T12:00:00.000Z",
        "resolved_at": None,
        "closed_at": None,
        "related": [],
        "merged_into": None,
        "major": None,
        "revision": 2,
        "sla": [],
        "on_call": "",
        "escalated": [],
        "problem": None,
        "workaround": None,
        "suspects": [],
        "tickets": [
            {
                "destination": "noc",
                "id": "TKT-1",
                "url": "memory:TKT-1",
                "state": "open",
                "version": 2,
            }
        ],
    }


async def test_one_incident_is_the_same_as_in_the_list(world: World):
    await world.post(firing())
    await world.run()
    (listed,) = (await world.get("/api/v1/incidents"))["items"]
    assert await world.get(f"/api/v1/incidents/{listed['id']}") == listed


async def test_a_title_is_that_of_the_latest_revision(world: World):
    await world.post(firing("Disk", severity=Severity.LOW))
    await world.run()
    assert [i["title"] for i in (await world.get("/api/v1/incidents"))["items"]] == ["[P3] Disk is bad"]
    await world.post(firing("CPU"), at=NOON + 1)
    await world.run()
    assert [i["title"] for i in (await world.get("/api/v1/incidents"))["items"]] == ["[P1] CPU is bad"]


async def test_a_ticket_is_pending_until_its_tool_answers(world: World):
    await world.post(firing())
    await world.correlate()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    pending = {"destination": "noc", "id": None, "url": None, "state": "pending", "version": 0}
    assert incident["tickets"] == [pending]


async def test_a_ticket_that_the_tool_refused_is_parked_and_the_timeline_says_why(world: World):
    world.tickets.fail_next(PermanentError("no such queue", Reason.REJECTED))
    await world.post(firing())
    await world.run()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    assert [(ticket["id"], ticket["state"]) for ticket in incident["tickets"]] == [(None, "parked")]
    (*_, last) = (await world.get(f"/api/v1/incidents/{incident['id']}/timeline"))["items"]
    assert (last["destination"], last["reason"]) == ("noc", "rejected: no such queue")


async def test_the_timeline_tells_the_story_from_its_beginning(world: World):
    await world.post(firing())
    await world.run()
    await world.post(resolved(), at=NOON + MINUTE)
    world.now += MINUTE
    await world.run()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    assert (incident["state"], incident["resolved_at"]) == ("resolved", "2024-01-01T12:01:00.000Z")
    told = (await world.get(f"/api/v1/incidents/{incident['id']}/timeline"))["items"]
    assert [line["verdict"] for line in told] == [
        "opened",
        "prioritised",
        "ticket_create",
        "resolved",
        "ticket_resolve",
    ]
    assert told[0] == {
        "at": "2024-01-01T12:00:00.000Z",
        "verdict": "opened",
        "reason": "first of by-service|service=checkout",
        "alert": "prom/CPU",
        "destination": None,
        "rules": None,
    }


@pytest.mark.parametrize("what", ["timeline", "alerts"])
async def test_a_log_is_paged_without_gap_or_repeat(world: World, what: str):
    await world.post(*(firing(f"A{n}") for n in range(7)))
    await world.run()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    address = f"/api/v1/incidents/{incident['id']}/{what}"
    whole = await world.get(address)
    assert whole["next"] is None
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.get(f"{address}?limit=3{cursor and '&cursor='}{cursor}")
        items += page["items"]
        cursor = page["next"]
    assert items == whole["items"]
    assert len(items) >= 7


async def test_alerts_of_an_incident_are_shown_as_they_are_now(world: World):
    await world.post(firing("CPU"), firing("Disk"))
    await world.post(resolved("Disk"), at=NOON + MINUTE)
    await world.run()
    (incident,) = (await world.get("/api/v1/incidents"))["items"]
    alerts = (await world.get(f"/api/v1/incidents/{incident['id']}/alerts"))["items"]
    assert [(alert["key"], alert["state"], alert["count"]) for alert in alerts] == [
        ("prom/CPU", "firing", 1),
        ("prom/Disk", "resolved", 2),
    ]
    assert {alert["incident"] for alert in alerts} == {incident["id"]}


async def test_incidents_are_found_by_state_service_and_priority(world: World):
    await world.post(
        firing("CPU"), firing("Slow", service="search", severity=Severity.LOW), firing("Old", service="cart")
    )
    await world.post(resolved("Old", service="cart"), at=NOON + MINUTE)
    await world.run()

    async def services(query: str) -> list[str]:
        return sorted(i["service"] for i in (await world.get(f"/api/v1/incidents?{query}"))["items"])

    assert await services("") == ["cart", "checkout", "search"]
    assert await services("state=open") == ["checkout", "search"]
    assert await services("state=resolved") == ["cart"]
    assert await services("service=search") == ["search"]
    assert await services("priority=P1") == ["checkout"]
    assert await services("state=open&priority=P5") == ["search"]
    assert await services("service=unheard-of") == []


async def test_an_incident_is_found_in_whatever_partition_it_is():
    async with opened_world(partitions=3) as world:
        await world.post(firing("CPU"), partition=2)
        await world.post(firing("Slow", service="search"), partition=1, producer="b", at=NOON + 1)
        await world.run()
        items = (await world.get("/api/v1/incidents"))["items"]
        assert [incident["service"] for incident in items] == ["search", "checkout"]
        for incident in items:
            assert await world.get(f"/api/v1/incidents/{incident['id']}") == incident
            assert (await world.get(f"/api/v1/incidents/{incident['id']}/alerts"))["items"]
            assert (await world.get(f"/api/v1/incidents/{incident['id']}/timeline"))["items"]


@pytest.mark.parametrize("id_", ["0123456789abcdef", "na%C3%AFve", "%ED%A0%80", "%FF", "%00", "a%2Fb"])
@pytest.mark.parametrize("rest", ["", "/timeline", "/alerts"])
async def test_an_incident_that_is_not_there_is_a_problem_not_an_error(world: World, id_: str, rest: str):
    problem = await world.get(f"/api/v1/incidents/{id_}{rest}", 404)
    assert problem["type"] == "urn:tocsin:problem:unknown-incident"
    assert "there is no incident" in problem["detail"]
