"""ServiceDesk Plus: what of its traps the contract suite does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.servicedesk_plus import CLIENT, FakeServiceDeskPlus, FakeServiceDeskPlusCloud
from adapters.http import Http
from adapters.tickets.servicedesk_plus import ServiceDeskPlus, ServiceDeskPlusConfig, to_new
from domain.errors import PermanentError, Reason
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import a_ticket, serving

_settings = TypeAdapter(ServiceDeskPlusConfig)


@dataclass(frozen=True, slots=True)
class Desk:
    fake: FakeServiceDeskPlusCloud
    url: str
    http: Http

    def system(self, **changes: Any) -> ServiceDeskPlus:
        return _settings.validate_python(self.fake.settings(self.url) | changes).build(self.http)


def config(**changes: Any) -> ServiceDeskPlusConfig:
    return _settings.validate_python(FakeServiceDeskPlus().settings("http://desk.example") | changes)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake = FakeServiceDeskPlusCloud()
    async with serving(fake.app()) as url:
        http = Http()
        yield Desk(fake, url, http)
        await http.close()


def test_a_ticket_in_the_desks_words() -> None:
    """Names in objects, HTML in the description, additional fields apart."""
    settings = config(
        requester="monitoring",
        template="Outage",
        teams={"payments": "Payments"},
        fields={"level": {"name": "Tier 1"}, "udf_sline_room": "{{ service }}"},
    )

    assert to_new(settings, a_ticket("abc", description="a < b")) == {
        "subject": "checkout is down",
        "description": "a &lt; b<br><br>http://tocsin.example/incidents/1",
        "priority": {"name": "Medium"},
        "impact": {"name": "Affects Business"},
        "urgency": {"name": "Normal"},
        "status": {"name": "Open"},
        "requester": {"name": "monitoring"},
        "template": {"name": "Outage"},
        "group": {"name": "Payments"},
        "level": {"name": "Tier 1"},
        "udf_fields": {"udf_sline_room": "checkout", "udf_sline_tocsin": "abc"},
    }


def test_a_word_for_two_priorities_tells_neither() -> None:
    """Else our own P5 would come back as a P4 that somebody set."""
    assert set(config().read_priorities()) == {"high", "medium", "normal"}


def test_one_login_is_needed() -> None:
    with pytest.raises(ValidationError, match="one of token"):
        config(token=None)


async def test_a_token_that_ended_is_renewed(desk: Desk) -> None:
    """One login for many calls: Zoho gives out ten tokens in ten minutes."""
    system = desk.system()
    await system.create(a_ticket())
    await system.create(a_ticket())
    assert len(desk.fake.tokens) == 1
    desk.fake.tokens.clear()
    await system.create(a_ticket())

    assert len(desk.fake.tokens) == 1
    assert len(desk.fake.requests) == 3


async def test_no_secret_is_told_of_a_failed_login(desk: Desk) -> None:
    """Also not as it stands in a form, percent signs and all."""
    zoho = {**desk.system()._config.zoho.model_dump(), "client_id": "1000.XYZ"}  # type: ignore[union-attr]
    with pytest.raises(PermanentError, match="invalid_code") as caught:
        await desk.system(zoho=zoho).create(a_ticket())

    assert caught.value.reason is Reason.AUTHENTICATION
    assert not caught.value.unknown
    assert CLIENT["client_secret"] not in str(caught.value) + caught.value.request


async def test_a_status_that_was_not_taken_is_told(desk: Desk) -> None:
    """A closing rule may keep a request open though the answer says success."""
    system = desk.system()
    ticket = a_ticket()
    ref = await system.create(ticket)
    desk.fake.closing_rule = "Resolved"
    with pytest.raises(PermanentError, match="closing rules"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


async def test_what_the_desk_refuses_is_told_in_its_words(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="EXTRA_KEY_FOUND_IN_JSON") as caught:
        await desk.system(key_field="udf_sline_other").create(a_ticket())

    assert caught.value.reason is Reason.REJECTED
    assert "input_data=" in caught.value.request


async def test_polls_leave_out_requests_of_others(desk: Desk) -> None:
    system = desk.system()
    refs = [await system.create(a_ticket()) for _ in range(2)]
    begun = await system.poll("")
    for ref in refs:
        desk.fake.act(ref.id, Deed(state=TicketState.RESOLVED))
    desk.fake.requests[refs[0].id].values["udf_fields"] = {}

    assert [seen.id for seen in (await system.poll(begun.cursor)).seen] == [refs[1].id]


async def test_a_request_in_the_trash_is_not_written(desk: Desk) -> None:
    system = desk.system()
    ref = await system.create(a_ticket())
    desk.fake.act(ref.id, Deed(delete=True))
    with pytest.raises(PermanentError, match="trash") as caught:
        await system.update(ref, a_ticket(), TicketAction.UPDATE)

    assert caught.value.reason is Reason.NOT_FOUND
