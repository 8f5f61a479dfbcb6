"""Freshservice: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.freshservice import API_KEY, FakeFreshservice
from adapters.http import Http
from adapters.tickets.freshservice import FreshserviceConfig, to_new
from domain.errors import PermanentError, Reason
from domain.ports import TicketSystem
from domain.ticket import TicketAction
from tests.contracts.tickets import a_ticket, speaking
from tests.fakes.broken import Trouble, broken_app


def config(url: str = "https://acme.example", **settings: Any) -> FreshserviceConfig:
    own = {"type": "freshservice", "url": url, "api_key": API_KEY, "requester": "alerts@example.org"}
    return FreshserviceConfig.model_validate(own | settings)


def plain(http: Http, url: str) -> TicketSystem:
    return config(url).build(http)


@pytest.fixture
def fake() -> FakeFreshservice:
    return FakeFreshservice(search_lag=0)


@pytest.fixture
async def system(fake: FakeFreshservice) -> AsyncIterator[TicketSystem]:
    async with speaking(plain, fake.app()) as one:
        yield one


def test_a_new_ticket_is_all_that_freshservice_needs() -> None:
    settings = config(teams={"payments": 42}, fields={"custom_fields": {"site": "{{ labels.environment }}"}})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow", description="<b>")) == {
        "email": "alerts@example.org",
        "type": "Incident",
        "source": 2,
        "status": 2,
        "tags": ["tocsin-a1b2"],
        "group_id": 42,
        "subject": "down now",
        "description": "&lt;b&gt;<br><br>http://tocsin.example/incidents/1",
        "priority": 3,
        "impact": 3,
        "urgency": 2,
        "custom_fields": {"site": "production"},
    }


async def test_what_the_form_requires_is_named(fake: FakeFreshservice, system: TicketSystem) -> None:
    fake.required = ("site", "floor")
    with pytest.raises(PermanentError, match="requires floor, site; set them in fields"):
        await system.ping()


async def test_what_fields_set_is_not_missing(fake: FakeFreshservice) -> None:
    fake.required = ("site",)

    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, fields={"custom_fields": {"site": "north"}}).build(http)

    async with speaking(speak, fake.app()) as system:
        await system.ping()


async def test_a_hit_without_our_tag_is_not_ours() -> None:
    """As a filter would answer that ignores the query."""
    body = '{"tickets": [{"id": 1}], "ticket": {"id": 1, "tags": ["tocsin-x"]}}'
    async with speaking(plain, broken_app(Trouble(body=body))) as system:
        assert await system.find("abc") is None


async def test_an_update_leaves_the_tags_of_people(fake: FakeFreshservice, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.tickets[int(ref.id)].data["tags"].append("vip")
    await system.update(ref, ticket, TicketAction.UPDATE)

    assert fake.look(ref.id).fields["tags"] == [f"tocsin-{ticket.key}", "vip"]


async def test_a_ticket_in_the_trash_is_gone(fake: FakeFreshservice, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(delete=True))
    with pytest.raises(PermanentError) as caught:
        await system.update(ref, ticket, TicketAction.UPDATE)

    assert caught.value.reason is Reason.NOT_FOUND
    assert await system.find(ticket.key) is None


async def test_a_name_is_asked_for_once(fake: FakeFreshservice, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    fake.act(ref.id, Deed(assignee="bob"))
    before = await system.read(ref)
    fake.agents.clear()

    assert (await system.read(ref)).assignee == before.assignee == "bob"


def test_a_mistake_in_the_settings_is_refused() -> None:
    with pytest.raises(ValidationError):
        config(tag_prefix="it's")
