"""What operators ask of incidents over the API: answered once durable, done once, told in tickets."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from domain.events import Tick, encode
from domain.ports import Message, alerts_mailbox
from domain.ticket import TicketState
from tests.app.api.world import World
from tests.builders import MINUTE, NOON, firing

WHO = {"actor": "dana", "reason": "planned work"}


@pytest.fixture
async def opened(world: World) -> World:
    """A world with one incident."""
    await world.post(firing())
    await world.run()
    world.now = NOON + MINUTE
    return world


async def incident(world: World) -> Any:
    (found,) = (await world.get("/api/v1/incidents"))["items"]
    return found


async def ask(
    world: World, verb: str, body: Any = WHO, status: int = 202, headers: dict[str, str] | None = None
) -> Any:
    id_ = (await incident(world))["id"]
    path = f"/api/v1/incidents/{id_}/{verb}"
    async with world.client.post(path, json=body, headers=headers) as response:
        assert response.status == status, await response.text()
        answer = await response.json()
    await world.run()
    world.now += MINUTE
    await world.boxes.publish(alerts_mailbox(0), [Message("tick", 0, encode([Tick(world.now)]))])
    await world.run()
    return answer


def ticket(world: World) -> Any:
    (found,) = world.tickets.tickets.values()
    return found


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("acknowledge", TicketState.ACKNOWLEDGED),
        ("start", TicketState.IN_PROGRESS),
        ("hold", TicketState.ON_HOLD),
        ("resolve", TicketState.RESOLVED),
        ("close", TicketState.CLOSED),
    ],
)
async def test_what_is_asked_for_reaches_the_ticket(opened: World, verb: str, state: TicketState) -> None:
    """The ticket gets the state and is told who and why; so is the timeline."""
    answer = await ask(opened, verb)

    assert answer["asked"] == verb
    assert ticket(opened).state is state
    assert ticket(opened).notes[-1].text.endswith("by dana: planned work")
    told = (await opened.get(f"/api/v1/incidents/{answer['id']}/timeline"))["items"]
    assert "by dana: planned work" in [each["reason"] for each in told]


async def test_resolved_then_reopened(opened: World) -> None:
    await ask(opened, "resolve")
    await ask(opened, "reopen")

    shown = await incident(opened)
    assert (shown["state"], shown["stage"]) == ("open", "in_progress")


async def test_assigned(opened: World) -> None:
    await ask(opened, "assign", {**WHO, "assignee": "bob"})

    assert (await incident(opened))["assignee"] == "bob"
    assert ticket(opened).notes[-1].text == "Assigned to bob by dana: planned work"


async def test_a_copy_of_a_comment_is_told_once(opened: World) -> None:
    """The key names the request, however often it comes."""
    answers = [await ask(opened, "comment", headers={"Idempotency-Key": "k1"}) for _ in range(3)]

    assert {answer["request"] for answer in answers} == {"k1"}
    assert [note.text for note in ticket(opened).notes] == ["Comment by dana: planned work"]


async def test_what_cannot_be_done_is_refused_with_the_reason(opened: World) -> None:
    """Closed is final."""
    await ask(opened, "close")

    problem = await ask(opened, "reopen", status=409)
    assert problem["type"] == "urn:tocsin:problem:cannot-be-done"
    assert "closed, which is final" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "what"),
    [({"why": "x"}, "`why`"), ({"reason": 5}, "$.reason"), ([], "expected `object`".lower())],
)
async def test_a_body_that_is_not_understood_is_refused_with_its_place(
    opened: World, body: Any, what: str
) -> None:
    problem = await ask(opened, "acknowledge", body, 400)

    assert what in problem["detail"].lower()


async def test_a_comment_has_to_say_something(opened: World) -> None:
    assert "reason" in (await ask(opened, "comment", {"actor": "dana"}, 400))["detail"]


async def test_a_body_that_is_no_json_is_refused(opened: World) -> None:
    id_ = (await incident(opened))["id"]
    async with opened.client.post(f"/api/v1/incidents/{id_}/resolve", data=b"{") as response:
        assert (response.status, (await response.json())["type"].rpartition(":")[2]) == (400, "bad-body")


async def test_a_body_that_is_too_large_is_refused(opened: World) -> None:
    id_ = (await incident(opened))["id"]
    async with opened.client.post(
        f"/api/v1/incidents/{id_}/resolve", data=BytesIO(b" " * (2 << 20))
    ) as response:
        assert response.status == 413
        assert response.content_type == "application/problem+json"


async def test_an_incident_that_nobody_knows(opened: World) -> None:
    async with opened.client.post("/api/v1/incidents/0000/close", json=WHO) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_two_incidents_become_one(opened: World) -> None:
    """The list of alerts and the counts of events have those of both; the ticket of the first is resolved."""
    await opened.post(firing("A", service="cart"), firing("A", service="cart"), at=NOON + MINUTE)
    await opened.run()
    cart, checkout = (each["id"] for each in (await opened.get("/api/v1/incidents"))["items"])
    async with opened.client.post(
        f"/api/v1/incidents/{cart}/merge", json={**WHO, "into": checkout}
    ) as response:
        assert response.status == 202
    await opened.run()

    shown = await opened.get(f"/api/v1/incidents/{checkout}")
    assert (shown["alerts"], shown["events"]) == (2, 3)
    assert shown["related"] == [{"kind": "merged", "incident": cart}]
    first = await opened.get(f"/api/v1/incidents/{checkout}/alerts?limit=1")
    rest = await opened.get(f"/api/v1/incidents/{checkout}/alerts?limit=1&cursor={first['next']}")
    assert [each["key"] for each in first["items"] + rest["items"]] == ["prom/CPU", "prom/A"]
    assert opened.tickets.tickets["TKT-2"].state is TicketState.RESOLVED


async def test_a_merge_that_makes_no_sense_is_answered_so(opened: World) -> None:
    id_ = (await incident(opened))["id"]
    same = await ask(opened, "merge", {**WHO, "into": id_}, 409)
    assert "are the same" in same["detail"]
    await ask(opened, "merge", {**WHO, "into": "feed"}, 404)
    await ask(opened, "split", {**WHO, "alerts": []}, 400)


async def test_alerts_are_split_off(opened: World) -> None:
    await ask(opened, "split", {**WHO, "alerts": ["prom/CPU"]})

    new, old = (await opened.get("/api/v1/incidents"))["items"]
    assert (new["alerts"], new["related"]) == (1, [{"kind": "split_from", "incident": old["id"]}])
    assert (old["alerts"], old["state"]) == (0, "resolved")
