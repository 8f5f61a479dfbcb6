"""GLPI: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.glpi import APP_TOKEN, SECRET, USER_TOKEN, FakeGlpi
from adapters.http import Http
from adapters.tickets.glpi import GlpiConfig
from adapters.tickets.glpi_items import Item, has_key, plain, to_new, to_seen
from domain.errors import PermanentError
from domain.ports import Callback, Capability, LinkKind, TicketSystem
from domain.ticket import TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, serving, speaking


def config(url: str = "https://glpi.example", **settings: Any) -> GlpiConfig:
    own = {
        "type": "glpi",
        "url": url,
        "user_token": USER_TOKEN,
        "app_token": APP_TOKEN,
        "callback_secret": SECRET,
    }
    return GlpiConfig.model_validate(own | settings)


def plainly(http: Http, url: str) -> TicketSystem:
    return config(url).build(http)


@pytest.fixture
def fake() -> FakeGlpi:
    return FakeGlpi()


@pytest.fixture
async def system(fake: FakeGlpi) -> AsyncIterator[TicketSystem]:
    async with speaking(plainly, fake.app()) as one:
        yield one


def test_a_new_ticket_is_all_that_glpi_needs() -> None:
    settings = config(teams={"payments": 7}, entity=3, fields={"itilcategories_id": 12})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow", description="<b>"), is_problem=False) == {
        "type": 1,
        "entities_id": 3,
        "_groups_id_assign": 7,
        "name": "down now",
        "content": "<p>&lt;b&gt;<br><br>http://tocsin.example/incidents/1</p><p>Tocsin: a1b2</p>",
        "impact": 5,
        "urgency": 3,
        "priority": 5,
        "itilcategories_id": 12,
    }


async def test_a_session_that_ran_out_is_renewed(fake: FakeGlpi, system: TicketSystem) -> None:
    await system.create(a_ticket())
    fake.sessions = 7
    await system.create(a_ticket())

    assert len(fake.ids()) == 2


async def test_a_group_does_not_look_like_a_persons_work(fake: FakeGlpi) -> None:
    """GLPI itself puts an assigned ticket into status 2."""

    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, group=7).build(http)

    async with speaking(speak, fake.app()) as system:
        ref = await system.create(a_ticket())
        seen = await system.read(ref)

    assert fake.look(ref.id).state == "2"
    assert seen.state is TicketState.OPEN


def test_a_site_may_take_assigned_for_acknowledged() -> None:
    assert config(states={"acknowledged": 2, "in_progress": 3}).state(2) is TicketState.ACKNOWLEDGED


async def test_a_resolved_ticket_has_a_solution(fake: FakeGlpi) -> None:
    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, state_fields={"resolved": {"solutiontypes_id": 4}}).build(http)

    async with speaking(speak, fake.app()) as system:
        ref = await system.create(a_ticket(state=TicketState.RESOLVED))
    solution = fake.look(ref.id).fields["solution"]

    assert (solution["solutiontypes_id"], solution["itemtype"], solution["items_id"]) == (4, "Ticket", 1)


async def test_problems_are_items_of_their_own(fake: FakeGlpi, system: TicketSystem) -> None:
    problem, incident = a_ticket(kind=TicketKind.PROBLEM), a_ticket()
    cause, ref = await system.create(problem), await system.create(incident)
    for _ in range(2):
        await system.link(ref, cause, LinkKind.CAUSED_BY)
    await system.update(cause, replace(problem, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert cause.id == "problem/1"
    assert await system.find(problem.key) == cause
    assert fake.look(ref.id).links == ("problem/1",)
    assert (await system.read(cause)).state is TicketState.RESOLVED


async def test_a_user_without_problems_sees_tickets_only(fake: FakeGlpi) -> None:
    async with serving(fake.app()) as url:
        http = Http()
        system = config(url, problems=False).build(http)
        ref = await system.create(a_ticket(kind=TicketKind.PROBLEM))
        await http.close()

    assert Capability.PROBLEM not in system.capabilities
    assert ref.id == "1"


async def test_a_webhook_for_problems_says_so_in_its_address(fake: FakeGlpi, system: TicketSystem) -> None:
    ref = await system.create(a_ticket(kind=TicketKind.PROBLEM))
    fake.act(ref.id, Deed(state=TicketState.RESOLVED))
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, 0, headers, {"itemtype": "Problem"}))

    assert seen.id == "problem/1"


async def test_a_change_that_was_refused_is_told(fake: FakeGlpi) -> None:
    def speak(http: Http, url: str) -> TicketSystem:
        return config(url, fields={"location": "x"}).build(http)

    async with speaking(speak, fake.app()) as system:
        ticket = a_ticket()
        ref = await system.create(ticket)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("adapters.fakes.glpi.COLUMNS", {"name"})
            with pytest.raises(PermanentError, match="unknown column"):
                await system.update(ref, ticket, TicketAction.UPDATE)


def test_times_are_in_the_zone_of_the_user() -> None:
    row = {"2": 1, "12": 1, "19": "2024-01-01 01:00:00"}

    assert to_seen(config(time_zone="Europe/Berlin"), row, is_problem=False).at == 1_704_067_200_000


def test_a_key_is_found_among_marks_and_not_in_a_longer_one() -> None:
    assert has_key(Item(1, "<p>x</p><p>Tocsin: a1</p>"), "a1")
    assert has_key(Item(1, "&lt;p&gt;Tocsin: a1&lt;/p&gt;"), "a1")
    assert not has_key(Item(1, "<p>Tocsin: a1b</p>"), "a1")
    assert plain("<p>a &lt;b&gt;</p>") == "a <b>"


@pytest.mark.parametrize("mistake", [{"user_token": None}, {"time_zone": "Mars"}, {"group": "network"}])
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)


def test_secrets_are_not_shown() -> None:
    assert not [one for one in (USER_TOKEN, APP_TOKEN, SECRET) if one in repr(config())]
