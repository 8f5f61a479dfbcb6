"""Jira Service Management's alerts and Opsgenie's: exactly what is written, and what becomes of it later."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.fakes import jsm_ops as fakes
from adapters.fakes.base import Answer, Deed
from adapters.fakes.jsm_ops import SECRET, FakeJsmOps, FakeOpsgenie
from adapters.http import Http
from adapters.tickets import jsm_ops
from adapters.tickets.jsm_ops import JsmOps, JsmOpsConfig, Opsgenie
from adapters.tickets.jsm_ops_alerts import to_alert
from domain.errors import CallbackRefused, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import a_ticket
from tests.contracts.two_way import NOW


def config(**changes: Any) -> JsmOpsConfig:
    return JsmOpsConfig.model_validate({"type": "jsm_ops", "api_key": "k", **changes})


@pytest.fixture(params=[FakeJsmOps, FakeOpsgenie])
def fake(request: pytest.FixtureRequest) -> FakeJsmOps:
    made: FakeJsmOps = request.param()
    return made


@pytest.fixture
async def system(fake: FakeJsmOps) -> AsyncIterator[JsmOps]:
    http = Http()
    async with fake.serving() as url:
        yield JsmOpsConfig.model_validate(fake.settings(url)).build(http)
    await http.close()


def test_an_alert_is_made_of() -> None:
    teams = {"payments": "0f3d6a4e-6c3c-4f4e-9a53-0a3c7ee4f9d1"}

    assert to_alert(config(teams=teams, fields={"actions": ["Restart {{ service }}"]}), a_ticket("abc")) == {
        "message": "checkout is down",
        "description": "3 alerts of checkout",
        "priority": "P2",
        "alias": "abc",
        "entity": "checkout",
        "source": "Tocsin",
        "user": "Tocsin",
        "tags": ["tocsin"],
        "details": {"url": "http://tocsin.example/incidents/1"},
        "responders": [{"type": "team", "id": "0f3d6a4e-6c3c-4f4e-9a53-0a3c7ee4f9d1"}],
        "actions": ["Restart checkout"],
    }
    assert to_alert(config(team="SRE"), a_ticket())["responders"] == [{"type": "team", "name": "SRE"}]
    assert "responders" not in to_alert(config(), a_ticket())
    assert len(to_alert(config(), a_ticket(title="x" * 500))["message"]) == 130


def test_each_product_has_its_address_and_its_abilities() -> None:
    assert type(config().build(Http())) is JsmOps
    assert type(config(product="opsgenie").build(Http())) is Opsgenie


async def test_a_repeated_create_joins_the_open_alert(system: JsmOps, fake: FakeJsmOps) -> None:
    ticket = a_ticket()

    assert await system.create(ticket) == await system.create(ticket)
    assert len(fake.alerts) == 1


async def test_what_is_back_gets_another_alert_and_only_one(system: JsmOps, fake: FakeJsmOps) -> None:
    ticket = a_ticket()
    first = await system.create(ticket)
    await system.update(first, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
    second = await system.update(first, ticket, TicketAction.REOPEN)
    again = await system.update(first, ticket, TicketAction.REOPEN)

    assert first != second == again
    assert [one.status for one in fake.alerts.values()] == ["closed", "open"]


async def test_what_a_person_closed_stays_closed(system: JsmOps, fake: FakeJsmOps) -> None:
    """Neither an error, nor another call."""
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.CLOSED))
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
    await system.update(ref, replace(ticket, state=TicketState.ON_HOLD), TicketAction.TRANSITION)
    await system.update(ref, replace(ticket, priority=Priority.P1), TicketAction.UPDATE)

    assert [one.status for one in fake.alerts.values()] == ["closed"]


async def test_work_is_acknowledged_once(system: JsmOps, fake: FakeJsmOps) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    for state in (TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS):
        await system.update(ref, replace(ticket, state=state), TicketAction.TRANSITION)

    assert fake.look(ref.id).state == "acked"


async def test_opsgenie_can_take_an_acknowledgement_back() -> None:
    fake, http, ticket = FakeOpsgenie(), Http(), a_ticket(state=TicketState.ACKNOWLEDGED)
    async with fake.serving() as url:
        system = JsmOpsConfig.model_validate(fake.settings(url)).build(http)
        ref = await system.create(ticket)
        await system.update(ref, replace(ticket, state=TicketState.OPEN), TicketAction.TRANSITION)
        fake.act(ref.id, Deed(state=TicketState.CLOSED))
        found = await system.find(ticket.key)
        await http.close()

    assert not fake.alerts[ref.id].acknowledged
    assert found == ref  # closed meanwhile, and not to be opened again


async def test_a_note_on_what_is_gone_is_told(system: JsmOps) -> None:
    """It was accepted with a 202."""
    with pytest.raises(PermanentError, match="Alert does not exist") as caught:
        await system.comment(TicketRef("gone"), Note("1", "hello"))

    assert caught.value.reason is Reason.NOT_FOUND


async def test_a_create_that_an_integrations_rules_ignore_is_told(
    system: JsmOps, fake: FakeJsmOps, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = json.dumps({"data": {"isSuccess": False, "status": "Ignored by a rule"}})
    monkeypatch.setattr(jsm_ops, "WAITS", (0.0,))
    fake.hazards.answers.append(Answer(202, '{"requestId": "r"}'))
    fake.hazards.answers.append(Answer(200, ignored))
    with pytest.raises(PermanentError, match="Ignored by a rule") as caught:
        await system.create(a_ticket())

    assert not caught.value.unknown


async def test_what_is_not_done_in_time_is_unknown(system: JsmOps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsm_ops, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(fakes, "PROCESSING", 5.0)
    with pytest.raises(TemporaryError) as caught:
        await system.create(a_ticket())

    assert caught.value.reason is Reason.TIMEOUT
    assert caught.value.unknown


def posted(action: str, **alert: Any) -> Callback:
    body = {"action": action, "alert": {"alertId": "1", **alert}, "source": {"name": "", "type": "web"}}
    return Callback(json.dumps(body).encode(), NOW, {"x-tocsin-secret": SECRET})


async def test_webhooks_tell(system: JsmOps) -> None:
    """Moments are in nanoseconds, as Opsgenie has them, or in milliseconds, or not there."""
    at = {"updatedAt": 1_704_067_200_000_000_000, "username": "ann@example.org"}
    (taken,) = await system.callback(posted("Acknowledge", **at))
    (owned,) = await system.callback(posted("AssignOwnership", owner="bob@example.org", **at))
    (noted,) = await system.callback(posted("AddNote", note="on it"))
    (gone,) = await system.callback(posted("Delete"))

    assert (taken.at, taken.state, taken.actor) == (
        1_704_067_200_000,
        TicketState.ACKNOWLEDGED,
        "ann@example.org",
    )
    assert owned.assignee == "bob@example.org"
    assert (noted.at, noted.comments[0].text) == (NOW, "on it")
    assert gone.is_deleted


async def test_our_own_note_and_other_actions_are_no_news(system: JsmOps) -> None:
    (noted,) = await system.callback(posted("AddNote", note="priority is P1", username="Tocsin"))

    assert noted.comments == ()
    assert list(await system.callback(posted("AddTags"))) == []


async def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(CallbackRefused, match="callback_secret"):
        await config().build(Http()).callback(posted("Close"))
