"""ServiceNow: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.servicenow import PASSWORD, FakeServiceNow, FakeServiceNowEvents
from adapters.http import Http
from adapters.tickets.servicenow import ServiceNowConfig
from adapters.tickets.servicenow_events import to_event
from adapters.tickets.servicenow_records import to_new
from domain.errors import PermanentError, Reason
from domain.ports import Capability, LinkKind, TicketSystem
from domain.priority import Level, Priority
from domain.ticket import Note, TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, serving, speaking
from tests.fakes.broken import Trouble, broken_app

LOGIN = {"basic": {"username": "tocsin", "password": PASSWORD}}


def config(url: str = "https://acme.example", **settings: Any) -> ServiceNowConfig:
    return ServiceNowConfig.model_validate({"type": "servicenow", "url": url, "auth": LOGIN, **settings})


def events(http: Http, url: str) -> TicketSystem:
    return config(url, table="em_event").build(http)


@pytest.fixture
def fake() -> FakeServiceNow:
    return FakeServiceNow()


@pytest.fixture
async def url(fake: FakeServiceNow) -> AsyncIterator[str]:
    async with serving(fake.app()) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture
def system(url: str, http: Http) -> TicketSystem:
    return config(url).build(http)


def test_a_new_incident_is_all_that_servicenow_needs() -> None:
    settings = config(teams={"payments": "0a1b"}, fields={"cmdb_ci": "{{ service }}"})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow"), is_problem=False) == {
        "correlation_id": "a1b2",
        "correlation_display": "Tocsin",
        "state": "1",
        "assignment_group": "0a1b",
        "short_description": "down now",
        "description": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        "impact": "1",
        "urgency": "2",
        "cmdb_ci": "checkout",
    }


@pytest.mark.parametrize(
    ("impact", "urgency", "priority", "expected"),
    [
        (Level.HIGH, Level.LOW, Priority.P3, ("1", "3")),
        (Level.LOW, Level.LOW, Priority.P1, ("1", "1")),
        (Level.LOW, Level.LOW, Priority.P4, ("2", "3")),
    ],
)
def test_impact_and_urgency_make_the_priority(
    impact: Level, urgency: Level, priority: Priority, expected: tuple[str, str]
) -> None:
    """The ticket's own where they do, others where rules set the priority by themselves."""
    ticket = a_ticket(impact=impact, urgency=urgency, priority=priority)

    assert config().pair(ticket) == expected


def test_a_site_may_have_its_own_table_of_priorities() -> None:
    settings = config(priorities={"P2": {"impact": "2", "urgency": "1"}})

    assert settings.pair(a_ticket()) == ("2", "1")


async def test_a_closed_incident_that_is_open_again_gets_another_once(
    fake: FakeServiceNow, system: TicketSystem
) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.CLOSED))
    again = await system.update(ref, replace(ticket, version=2), TicketAction.REOPEN)
    repeated = await system.update(ref, replace(ticket, version=2), TicketAction.REOPEN)

    assert again.id != ref.id
    assert repeated == again == await system.find(ticket.key)
    assert len(fake.ids()) == 2


async def test_problems_are_in_their_own_table(fake: FakeServiceNow, system: TicketSystem) -> None:
    problem = a_ticket(kind=TicketKind.PROBLEM)
    ref = await system.create(problem)
    incident = await system.create(a_ticket())
    await system.link(incident, ref, LinkKind.CAUSED_BY)
    await system.update(ref, replace(problem, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert ref.id.startswith("problem/")
    assert await system.find(problem.key) == ref
    assert fake.look(incident.id).links == (ref.id.removeprefix("problem/"),)
    assert fake.look(ref.id).state == "106"
    assert (await system.read(ref)).state is TicketState.RESOLVED


async def test_a_site_without_problems_has_incidents_only(url: str, http: Http) -> None:
    system = config(url, problem_table=None).build(http)
    ref = await system.create(a_ticket(kind=TicketKind.PROBLEM))

    assert Capability.PROBLEM not in system.capabilities
    assert "/" not in ref.id


async def test_what_a_site_wants_with_a_state_can_be_set(fake: FakeServiceNow, url: str, http: Http) -> None:
    fields = {"resolved": {"close_code": "Workaround provided", "close_notes": "{{ key }} is over"}}
    system = config(url, state_fields=fields).build(http)
    ticket = a_ticket("a1b2")
    ref = await system.create(ticket)
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
    shown = fake.look(ref.id).fields

    assert (shown["close_code"], shown["close_notes"]) == ("Workaround provided", "a1b2 is over")


async def test_an_instance_that_ignores_our_part_of_a_query_is_noticed(
    fake: FakeServiceNow, system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await system.create(a_ticket())
    monkeypatch.setattr("adapters.fakes.servicenow.COLUMNS", {"state": 40})
    with pytest.raises(PermanentError, match=r"glide\.invalid_query") as caught:
        await system.ping()

    assert caught.value.reason is Reason.BAD_ANSWER
    assert await system.find("abc") is None
    assert fake.ids() == [ref.id]


async def test_a_key_that_was_not_kept_is_told(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that our user may not write is left out without an error."""
    kept = {"short_description": 160, "description": 4000, "impact": 40, "urgency": 40, "state": 40}
    monkeypatch.setattr("adapters.fakes.servicenow.COLUMNS", kept)
    with pytest.raises(PermanentError, match="correlation_id") as caught:
        await system.create(a_ticket())

    assert not caught.value.unknown


async def test_a_state_that_was_not_kept_is_told(
    system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    monkeypatch.setattr("adapters.fakes.servicenow.COLUMNS", {"close_code": 40, "close_notes": 40})
    with pytest.raises(PermanentError, match="kept its state"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


async def test_a_note_is_no_html(fake: FakeServiceNow, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "[code]<b>bold</b>[/CODE]"))

    assert fake.look(ref.id).comments == ("[ code]<b>bold</b>[ /CODE]",)


async def test_a_file_is_attached(fake: FakeServiceNow, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    await system.attach(ref, "alerts.json", b"[]", "application/json")

    assert fake.files == [(ref.id, "alerts.json", b"[]")]


async def test_an_oauth_token_is_asked_for_once_and_again_when_it_ran_out(
    fake: FakeServiceNow, url: str, http: Http
) -> None:
    oauth = {"client_id": "tocsin", "client_secret": PASSWORD}
    system = config(url, auth={"oauth": oauth}).build(http)
    await system.create(a_ticket())
    await system.ping()
    assert fake.tokens == 1
    fake.tokens = 7
    await system.create(a_ticket())

    assert fake.tokens == 8
    assert len(fake.ids()) == 2


async def test_an_api_key_lets_us_in(url: str, http: Http) -> None:
    await config(url, auth={"api_key": PASSWORD}).build(http).ping()


async def test_an_event_that_was_not_taken_is_told() -> None:
    body = '{"result": {"Default Bulk Endpoint": "0 events were inserted"}}'
    async with speaking(
        lambda http, url: config(url, table="em_event").build(http), broken_app(Trouble(body=body))
    ) as one:
        with pytest.raises(PermanentError, match="took no event"):
            await one.create(a_ticket())


async def test_an_event_that_is_over_clears(http: Http) -> None:
    fake = FakeServiceNowEvents()
    async with serving(fake.app()) as url:
        system = config(url, table="em_event").build(http)
        ticket = a_ticket("a1b2")
        ref = await system.create(ticket)
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
        await system.create(ticket)

    assert fake.ids() == ["a1b2"]


def test_an_event_has_what_rules_can_use() -> None:
    event = to_event(
        config(table="em_event"), a_ticket("a1b2", state=TicketState.RESOLVED), 1_704_067_200_000
    )

    assert event["additional_info"] == (
        '{"priority":"P2","impact":"high","urgency":"medium","team":"payments","alerts":3,'
        '"url":"http://tocsin.example/incidents/1","environment":"production"}'
    )
    del event["additional_info"]
    assert event == {
        "source": "Tocsin",
        "message_key": "a1b2",
        "node": "checkout",
        "resource": "checkout",
        "type": "incident",
        "severity": "0",
        "resolution_state": "Closing",
        "description": "checkout is down\n\n3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        "time_of_event": "2024-01-01 00:00:00",
    }


@pytest.mark.parametrize(
    "mistake",
    [
        {"auth": {}},
        {"auth": {**LOGIN, "bearer": "x"}},
        {"table": "incident/../sys_user"},
        {"state_fields": {"resolved": {"close_notes": "{{ title"}}},
    ],
)
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)


def test_secrets_are_not_shown() -> None:
    assert PASSWORD not in repr(config())
