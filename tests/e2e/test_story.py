"""The life of an incident, from the first webhook to the ticket's reopening, with the issue's own example."""

from __future__ import annotations

from app.shard.loop import HEARTBEAT
from tests.e2e.alerts import example, firing, minutes_ago, resolved
from tests.e2e.conftest import Deploy
from tests.e2e.looks import outcomes, the_incident
from tests.e2e.serve import eventually
from tests.e2e.sink import Sink

FIELDS = {
    "title",
    "description",
    "priority",
    "impact",
    "urgency",
    "state",
    "team",
    "service",
    "labels",
    "alerts",
    "url",
}


async def test_an_incident_lives(deploy: Deploy, sink: Sink):
    """The example works as it stands: one ticket is created, updated, resolved and reopened."""
    first, second = firing("checkout", "one"), firing("checkout", "two", severity="warning")
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        answer = await tocsin.post([first])
        assert (answer.status, answer.json["accepted"]) == (202, 1)
        incident = await the_incident(tocsin, shows=1)
        await tocsin.post([first, second])
        await the_incident(tocsin, shows=2)
        await tocsin.post([resolved(first), resolved(second)])
        incident = await the_incident(tocsin, shows=4)
        assert (incident["state"], incident["tickets"][0]["state"]) == ("resolved", "resolved")
        await tocsin.post([firing("checkout", "one", starts_at=minutes_ago(1))])
        incident = await the_incident(tocsin, shows=5)
        assert (incident["state"], incident["tickets"][0]["state"]) == ("open", "open")
        stats = await tocsin.stats()
    assert sink.actions() == ["create", "update", "resolve", "reopen"]
    assert outcomes(stats) == {"opened": 1, "duplicate": 1, "joined": 1, "resolved": 2, "reopened": 1}
    assert (stats["accepted"], stats["in_flight"]) == (6, 0)
    assert stats["destinations"]["noc"] == {
        "pending": 0,
        "parked": 0,
        "breaker": "closed",
        "quarantined": 0,
        "timers_failed": 0,
    }


async def test_the_webhook_is_the_contract_to_the_letter(deploy: Deploy, sink: Sink):
    """Each field of the contract is there and no other, and the same name is sent as Idempotency-Key."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        incident = await the_incident(tocsin, shows=1)
    [create] = sink.posted
    key = incident["id"]
    assert create.headers["Idempotency-Key"] == f"{key}:1"
    assert create.headers["Content-Type"] == "application/json"
    assert "webhook-signature" not in create.headers
    ticket = create.json["ticket"]
    assert ticket.keys() == FIELDS
    assert "Service: checkout\nPriority: P1" in ticket.pop("description")
    assert create.json == {
        "action": "create",
        "key": key,
        "version": 1,
        "ticket": {
            "title": "[P1] checkout answers with errors",
            "priority": "P1",
            "impact": "high",
            "urgency": "high",
            "state": "open",
            "team": "payments",
            "service": "checkout",
            "labels": firing("checkout")["labels"],
            "alerts": 1,
            "url": f"http://127.0.0.1:8080/api/v1/incidents/{key}",
        },
    }
    assert incident["tickets"] == [
        {
            "destination": "noc",
            "id": f"T-{key}",
            "url": f"{sink.url}/T-{key}",
            "state": "open",
            "version": 1,
        }
    ]


async def test_each_service_has_its_incident_and_priority(deploy: Deploy, sink: Sink):
    """Criticality and severity make the priority, the catalogue names the team; services do not mix."""
    posted = [firing("checkout"), firing("search"), firing("unknown", severity="warning")]
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post(posted)

        async def check() -> dict[str, tuple[str, str]]:
            assert len(sink.tickets) == len(posted)
            return {i["service"]: (i["priority"], i["team"]) for i in await tocsin.incidents()}

        judged = await eventually(check)
        p1 = await tocsin.incidents(priority="P1")
    assert judged == {"checkout": ("P1", "payments"), "search": ("P3", "search"), "unknown": ("P3", "")}
    assert [each["service"] for each in p1] == ["checkout"]


async def test_the_timeline_tells_why(deploy: Deploy, sink: Sink):
    """Every decision with its reason, and every ticket action, in order."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        incident = await the_incident(tocsin, shows=1)
        story = await tocsin.timeline(incident["id"])
    assert [entry["verdict"] for entry in story] == ["opened", "prioritised", "ticket_create"]
    assert all(entry["reason"] for entry in story[:2])
    assert story[-1]["destination"] == "noc"


async def test_what_is_done_is_acknowledged_at_once(deploy: Deploy, sink: Sink):
    """No mailbox holds what was handled until the next message comes, which may be a heartbeat later."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing("checkout")])
        await the_incident(tocsin, shows=1)

        async def check() -> None:
            assert set((await tocsin.stats())["mailboxes"].values()) == {0}

        await eventually(check, within=HEARTBEAT / 2)


async def test_a_wrong_token_opens_nothing(deploy: Deploy, sink: Sink):
    """Who is not let in leaves no trace but the answer."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        answer = await tocsin.post([firing("checkout")], token="another-token")
        assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")
        stats = await tocsin.stats()
    assert (stats["accepted"], outcomes(stats), sink.posted) == (0, {}, [])


async def test_many_incidents_come_in_pages(deploy: Deploy, sink: Sink):
    """Pages of a list together hold each incident once."""
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        await tocsin.post([firing(f"service-{n}") for n in range(25)])

        async def check() -> None:
            assert (await tocsin.stats())["outcomes"]["opened"] == 25

        await eventually(check)
        first = await tocsin.get("/api/v1/incidents", limit="10")
        paged = await tocsin.incidents(limit="10")
    assert (len(first["items"]), bool(first["next"])) == (10, True)
    assert sorted(each["service"] for each in paged) == sorted(f"service-{n}" for n in range(25))
