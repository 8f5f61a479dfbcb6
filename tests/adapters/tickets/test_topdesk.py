"""TOPdesk: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.topdesk import LISTS, PASSWORD, USER, FakeTopdesk
from adapters.http import Http
from adapters.tickets.topdesk import Incident, Named, TopdeskConfig, state_in, to_new
from domain.errors import PermanentError
from domain.ports import LinkKind, TicketSystem
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import a_ticket, speaking
from tests.fakes.broken import Trouble, broken_app


def config(url: str = "https://acme.example", **settings: Any) -> TopdeskConfig:
    own = {"type": "topdesk", "url": url, "username": USER, "password": PASSWORD}
    return TopdeskConfig.model_validate(own | settings)


def plain(http: Http, url: str) -> TicketSystem:
    return config(url).build(http)


@pytest.fixture
def fake() -> FakeTopdesk:
    return FakeTopdesk()


@pytest.fixture
async def system(fake: FakeTopdesk) -> AsyncIterator[TicketSystem]:
    async with speaking(plain, fake.app()) as one:
        yield one


def test_a_new_incident_is_all_that_topdesk_needs() -> None:
    settings = config(
        teams={"payments": "g1"}, caller_email="alerts@example.org", fields={"category": {"name": "IT"}}
    )

    assert to_new(settings, a_ticket("a1b2", title="down\nnow", description="<b>")) == {
        "callerLookup": {"email": "alerts@example.org"},
        "externalNumber": "a1b2",
        "request": "&lt;b&gt;<br><br>http://tocsin.example/incidents/1",
        "processingStatus": {"name": "Logged"},
        "operatorGroup": {"id": "g1"},
        "briefDescription": "down now",
        "impact": {"name": "Organization"},
        "urgency": {"name": "Partially able to work"},
        "priority": {"name": "P2"},
        "category": {"name": "IT"},
    }


async def test_names_that_do_not_exist_are_told_with_those_that_do(
    system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LISTS, "impacts", ["Organisation", "Person"])
    with pytest.raises(
        PermanentError, match="impacts has no Department, Organization, only Organisation, Person"
    ):
        await system.ping()


async def test_no_content_is_no_incident_and_an_empty_page_is_trouble(
    fake: FakeTopdesk, system: TicketSystem
) -> None:
    assert await system.find("abc") is None
    async with speaking(plain, broken_app(Trouble(body=""))) as broken:
        with pytest.raises(PermanentError):
            await broken.find("abc")


async def test_a_change_of_state_tells_the_description_again(fake: FakeTopdesk, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    await system.update(ref, replace(ticket, description="second"), TicketAction.UPDATE)
    done = replace(ticket, description="third", state=TicketState.RESOLVED)
    await system.update(ref, done, TicketAction.RESOLVE)

    assert [text.split("\n")[0] for text in fake.look(ref.id).comments] == ["third"]


async def test_a_parent_becomes_a_major_incident(fake: FakeTopdesk, system: TicketSystem) -> None:
    child, parent = await system.create(a_ticket()), await system.create(a_ticket())
    await system.link(child, parent, LinkKind.CHILD_OF)

    assert fake.look(parent.id).fields["majorCall"] is True


def test_an_end_by_another_name_is_an_end() -> None:
    done = Incident("1", processing_status=Named("Solved by cat"), completed=True)

    assert state_in(config(), done) is TicketState.RESOLVED
    assert (
        state_in(config(), Incident("1", processing_status=Named("Other"), closed=True)) is TicketState.CLOSED
    )
    assert state_in(config(), Incident("1", processing_status=Named("Other"))) is None


async def test_incidents_of_others_are_not_polled(fake: FakeTopdesk, system: TicketSystem) -> None:
    begun = await system.poll("")
    ref = await system.create(a_ticket())
    fake.incidents[ref.id].data["externalNumber"] = ""
    fake.act(ref.id, Deed(comment="x"))

    assert not (await system.poll(begun.cursor)).seen


def test_a_mistake_in_the_settings_is_refused() -> None:
    with pytest.raises(ValidationError):
        config(states={"done": "Completed"})
