"""Alloy Navigator: what of its traps the contract suite does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter

from adapters.fakes.alloy import CREATE, KEY, NOTE, RESOLVE, FakeAlloy
from adapters.fakes.base import Deed
from adapters.http import Http
from adapters.tickets.alloy import Alloy, AlloyConfig, to_new
from adapters.tickets.alloy_objects import created_id, rows_of
from domain.errors import PermanentError, Reason
from domain.ports import Capability
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import a_ticket, serving

_settings = TypeAdapter(AlloyConfig)


@dataclass(frozen=True, slots=True)
class Desk:
    fake: FakeAlloy
    url: str
    http: Http

    def system(self, **changes: Any) -> Alloy:
        return _settings.validate_python(self.fake.settings(self.url) | changes).build(self.http)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake = FakeAlloy()
    async with serving(fake.app()) as url:
        http = Http()
        yield Desk(fake, url, http)
        await http.close()


def test_a_ticket_on_the_create_actions_form() -> None:
    """Labels and words are settings; a label of null is left out."""
    settings = FakeAlloy().settings("http://desk.example")
    labels = {"title": "Subject", "urgency": None, "team": "Assignee_Group"}
    config = _settings.validate_python(
        settings | {"labels": labels, "teams": {"payments": "Payments"}, "fields": {"Room": "{{ service }}"}}
    )

    assert to_new(config, a_ticket("abc", description="a < b")) == {
        "Subject": "checkout is down",
        "Description": "a &lt; b<br><br>http://tocsin.example/incidents/1",
        "Priority": "High",
        "Impact": "Organization",
        "Assignee_Group": "Payments",
        "Room": "checkout",
        KEY: "abc",
    }


def test_what_it_can_is_what_has_an_action() -> None:
    settings = FakeAlloy().settings("http://desk.example")
    bare = settings | {"actions": {"create": 1, "update": 2, "states": {"resolved": 3}}}
    capabilities = _settings.validate_python(bare).build(Http()).capabilities

    assert not capabilities & {Capability.COMMENT, Capability.REOPEN, Capability.TRANSITION}


async def test_a_form_without_our_field_is_told(desk: Desk) -> None:
    """Alloy drops what is not on the form; such a ticket would never be found again."""
    desk.fake.forms[CREATE].remove(KEY)
    with pytest.raises(PermanentError, match="put that field on the form") as caught:
        await desk.system().create(a_ticket())

    assert caught.value.unknown


async def test_an_action_that_leads_elsewhere_is_told(desk: Desk) -> None:
    actions = desk.fake.settings("")["actions"]
    wrong = actions | {"states": actions["states"] | {"resolved": NOTE}}
    system = desk.system(actions=wrong)
    ticket = a_ticket()
    ref = await system.create(ticket)
    with pytest.raises(PermanentError, match="shows 'New' after action"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


async def test_fields_of_an_actions_form_are_filled(desk: Desk) -> None:
    system = desk.system(state_fields={"resolved": {"Resolution": "{{ title }} is over"}})
    ticket = a_ticket()
    ref = await system.create(ticket)
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert desk.fake.look(ref.id).fields["Resolution"] == "checkout is down is over"
    assert RESOLVE in desk.fake.forms


async def test_closed_without_an_action_of_its_own_is_resolved(desk: Desk) -> None:
    system = desk.system(actions={"create": CREATE, "update": 102, "states": {"resolved": RESOLVE}})
    ticket = a_ticket()
    ref = await system.create(ticket)
    await system.update(ref, replace(ticket, state=TicketState.CLOSED), TicketAction.RESOLVE)

    assert desk.fake.look(ref.id).state == "Resolved"


async def test_a_token_that_ended_is_renewed(desk: Desk) -> None:
    system = desk.system()
    await system.create(a_ticket())
    assert len(desk.fake.tokens) == 1
    desk.fake.tokens.clear()
    await system.ping()

    assert len(desk.fake.tokens) == 1


async def test_polls_leave_out_objects_of_others(desk: Desk) -> None:
    system = desk.system()
    refs = [await system.create(a_ticket()) for _ in range(2)]
    begun = await system.poll("")
    desk.fake.act(refs[1].id, Deed(state=TicketState.RESOLVED))
    desk.fake.objects[refs[0].id].values[KEY] = ""

    assert [seen.id for seen in (await system.poll(begun.cursor)).seen] == [refs[1].id]


def test_an_action_that_did_not_run_is_told() -> None:
    """A success may hold a failure."""
    with pytest.raises(PermanentError, match="Summary is mandatory") as caught:
        created_id({"Succeed": False, "ErrorText": "Summary is mandatory"})

    assert caught.value.reason is Reason.REJECTED
    assert created_id({"Succeed": True, "ObjectId": "{8C2A}"}) == ""


def test_columns_may_be_written_in_lower_case() -> None:
    table = {"Fields": [{"name": "Ticket"}, {"name": "Status"}], "Data": [["T000001", None]]}

    assert rows_of(table) == [{"Ticket": "T000001", "Status": ""}]
