"""iTop: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.itop import TOKEN, FakeItop
from adapters.http import Http
from adapters.tickets.itop import ItopConfig
from adapters.tickets.itop_objects import to_new, way
from domain.errors import PermanentError, Reason
from domain.ports import LinkKind, TicketSystem
from domain.ticket import TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, speaking
from tests.fakes.broken import Trouble, broken_app

AGENT = {"agent": "agent@example.org", "team": "Payments L2"}


def config(url: str = "https://itop.example", **settings: Any) -> ItopConfig:
    own = {"type": "itop", "url": url, "token": TOKEN, "organization": "Acme", "caller": "alerts@example.org"}
    return ItopConfig.model_validate(own | settings)


def bare(http: Http, url: str) -> TicketSystem:
    return config(url).build(http)


def staffed(http: Http, url: str) -> TicketSystem:
    return config(url, **AGENT).build(http)


@pytest.fixture
def fake() -> FakeItop:
    return FakeItop()


@pytest.fixture
async def system(fake: FakeItop) -> AsyncIterator[TicketSystem]:
    async with speaking(staffed, fake.app()) as one:
        yield one


def test_a_new_incident_is_all_that_itop_needs() -> None:
    settings = config(fields={"service_id": "SELECT Service WHERE name='{{ service }}'"})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow", description="<b>"), "Incident") == {
        "org_id": "SELECT Organization WHERE name = 'Acme'",
        "caller_id": "SELECT Person WHERE email = 'alerts@example.org'",
        "origin": "monitoring",
        "title": "down now",
        "description": "<p>&lt;b&gt;<br><br>http://tocsin.example/incidents/1</p><p>Tocsin: a1b2</p>",
        "impact": "2",
        "urgency": "2",
        "service_id": "SELECT Service WHERE name='checkout'",
    }


def test_a_field_of_ones_own_holds_the_key_alone() -> None:
    new = to_new(config(key_field="tocsin_key"), a_ticket("a1b2"), "Problem")

    assert new["tocsin_key"] == "a1b2"
    assert "a1b2" not in new["description"]


@pytest.mark.parametrize(
    ("status", "wanted", "can_assign", "expected"),
    [
        ("new", TicketState.IN_PROGRESS, True, ["ev_assign"]),
        ("new", TicketState.IN_PROGRESS, False, None),
        ("new", TicketState.ON_HOLD, True, ["ev_assign", "ev_pending"]),
        ("assigned", TicketState.ON_HOLD, False, ["ev_pending"]),
        ("pending", TicketState.IN_PROGRESS, True, ["ev_assign"]),
        ("new", TicketState.RESOLVED, False, ["ev_autoresolve"]),
        ("assigned", TicketState.CLOSED, False, ["ev_resolve", "ev_close"]),
        ("resolved", TicketState.CLOSED, False, ["ev_close"]),
        ("closed", TicketState.CLOSED, False, []),
        ("resolved", TicketState.OPEN, False, ["ev_reopen"]),
        ("pending", TicketState.OPEN, False, []),
    ],
)
def test_the_way_through_the_life_of_an_incident(
    status: str, wanted: TicketState, can_assign: bool, expected: list[str] | None
) -> None:
    assert way(status, wanted, kind="Incident", can_assign=can_assign) == expected


async def test_an_agent_who_had_the_ticket_keeps_it(fake: FakeItop, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.ON_HOLD, assignee="bob"))
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert fake.look(ref.id).state == "resolved"
    assert fake.look(ref.id).fields["agent_id"] == 9


async def test_without_an_agent_an_incident_resolves_by_itself(fake: FakeItop) -> None:
    async with speaking(bare, fake.app()) as system:
        ticket = a_ticket()
        ref = await system.create(ticket)
        await system.update(ref, replace(ticket, state=TicketState.IN_PROGRESS), TicketAction.TRANSITION)
        before = fake.look(ref.id).state
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert (before, fake.look(ref.id).state) == ("new", "resolved")


async def test_without_an_agent_a_problem_says_what_to_set(fake: FakeItop) -> None:
    async with speaking(bare, fake.app()) as system:
        ticket = a_ticket(kind=TicketKind.PROBLEM)
        ref = await system.create(ticket)
        with pytest.raises(PermanentError, match="set agent"):
            await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


@pytest.mark.parametrize("kind", TicketKind)
async def test_what_cannot_be_reopened_gets_another_once(
    fake: FakeItop, system: TicketSystem, kind: TicketKind
) -> None:
    ticket = a_ticket(kind=kind)
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.CLOSED))
    again = [await system.update(ref, ticket, TicketAction.REOPEN) for _ in range(2)]

    assert again[0] == again[1] != ref
    assert await system.find(ticket.key) == again[0]
    assert len(fake.ids()) == 2


async def test_an_incident_names_its_problem(fake: FakeItop, system: TicketSystem) -> None:
    incident, problem = (
        await system.create(a_ticket()),
        await system.create(a_ticket(kind=TicketKind.PROBLEM)),
    )
    await system.link(incident, problem, LinkKind.CAUSED_BY)

    assert fake.look(incident.id).links == (problem.id,)


async def test_what_tickets_name_must_exist(fake: FakeItop) -> None:
    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, organization="Acne", agent="nobody@example.org").build(http)

    async with speaking(speak, fake.app()) as system:
        with pytest.raises(PermanentError, match=r"no organization 'Acne', no agent 'nobody@example\.org'"):
            await system.ping()


async def test_a_200_with_a_code_is_an_error_with_its_words() -> None:
    body = '{"code": 100, "message": "Error: title: too long", "objects": null}'
    async with speaking(bare, broken_app(Trouble(body=body))) as system:
        with pytest.raises(PermanentError, match="code 100: Error: title: too long") as caught:
            await system.create(a_ticket())

    assert caught.value.reason is Reason.REJECTED
    assert not caught.value.unknown


async def test_code_1_is_a_matter_of_credentials() -> None:
    body = '{"code": 1, "message": "Error: Invalid login"}'
    async with speaking(bare, broken_app(Trouble(body=body))) as system:
        with pytest.raises(PermanentError) as caught:
            await system.find("abc")

    assert caught.value.reason is Reason.AUTHENTICATION


@pytest.mark.parametrize(
    "mistake", [{"token": None}, {"organization": "O'Neil"}, {"time_zone": "Mars"}, {"key_field": "a b"}]
)
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)


def test_secrets_are_not_shown() -> None:
    assert TOKEN not in repr(config())
