"""Zendesk: what the contract does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.zendesk import EMAIL, TOKEN, FakeZendesk
from adapters.http import Http
from adapters.tickets.zendesk import ZendeskConfig
from adapters.tickets.zendesk_tickets import private, to_new
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.ports import Callback, LinkKind, TicketSystem
from domain.ticket import Note, TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, serving, speaking
from tests.fakes.broken import Trouble, broken_app


def config(url: str = "https://acme.example", **settings: Any) -> ZendeskConfig:
    return ZendeskConfig.model_validate(
        {"type": "zendesk", "url": url, "token": TOKEN, "email": EMAIL, **settings}
    )


def plain(http: Http, url: str) -> TicketSystem:
    return config(url, callback_secret="of-the-webhook").build(http)


@pytest.fixture
def fake() -> FakeZendesk:
    return FakeZendesk()


@pytest.fixture
async def system(fake: FakeZendesk) -> AsyncIterator[TicketSystem]:
    async with speaking(plain, fake.app()) as one:
        yield one


def test_a_new_ticket_is_all_that_zendesk_needs() -> None:
    custom = [{"id": 360001, "value": "{{ impact }}"}]
    settings = config(teams={"payments": 42}, fields={"custom_fields": custom})

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "external_id": "a1b2",
        "type": "incident",
        "comment": {
            "html_body": "3 alerts of checkout<br><br>http://tocsin.example/incidents/1",
            "public": False,
        },
        "tags": ["tocsin"],
        "group_id": 42,
        "subject": "down now",
        "priority": "high",
        "custom_fields": [{"id": 360001, "value": "high"}],
    }


async def test_a_closed_ticket_that_is_open_again_gets_one_follow_up(
    fake: FakeZendesk, system: TicketSystem
) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.CLOSED))
    again = await system.update(ref, replace(ticket, version=2), TicketAction.REOPEN)
    repeated = await system.update(ref, replace(ticket, version=2), TicketAction.REOPEN)

    assert again.id != ref.id
    assert repeated == again == await system.find(ticket.key)
    assert len(fake.ids()) == 2


async def test_nothing_is_written_to_a_closed_ticket(fake: FakeZendesk, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(state=TicketState.CLOSED))

    assert await system.update(ref, replace(ticket, title="new"), TicketAction.UPDATE) == ref
    assert fake.look(ref.id).title == "checkout is down"


async def test_the_same_create_twice_is_one_ticket(fake: FakeZendesk, system: TicketSystem) -> None:
    ticket = a_ticket()
    refs = [await system.create(ticket) for _ in range(2)]

    assert refs[0] == refs[1]
    assert len(fake.ids()) == 1


async def test_a_ticket_without_an_assignee_is_solved_by_us(fake: FakeZendesk, system: TicketSystem) -> None:
    ref = await system.create(a_ticket(state=TicketState.RESOLVED))

    assert fake.look(ref.id).fields["assignee_id"] == 7


async def test_a_person_who_is_assigned_stays_it(fake: FakeZendesk, system: TicketSystem) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.act(ref.id, Deed(assignee="bob"))
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert fake.look(ref.id).fields["assignee_id"] == 8


async def test_an_incident_names_its_problem(fake: FakeZendesk, system: TicketSystem) -> None:
    problem, incident = (
        await system.create(a_ticket(kind=TicketKind.PROBLEM)),
        await system.create(a_ticket()),
    )
    await system.link(incident, problem, LinkKind.CAUSED_BY)

    assert fake.look(problem.id).fields["type"] == "problem"
    assert fake.look(incident.id).links == (problem.id,)


async def test_our_own_comment_is_no_news(fake: FakeZendesk, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    fake.act(ref.id, Deed(comment="x"))
    fake.tickets[int(ref.id)].comments[-1]["author_id"] = 7
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, 0, headers))

    assert seen.comments == ()


async def test_an_event_of_another_kind_is_refused(fake: FakeZendesk, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    fake.tickets[int(ref.id)].event = "created"
    _, body = fake.callback_of(ref.id)
    with pytest.raises(CallbackRefused):
        await system.callback(Callback(body.replace(b"event-type:ticket", b"event-type:user"), 0, {}))


async def test_a_file_is_attached(fake: FakeZendesk, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    await system.attach(ref, "alerts.json", b"[]", "application/json")

    assert fake.tickets[int(ref.id)].files == ["up0"]
    assert fake.uploads == {"up0": b"[]"}


async def test_an_agent_that_may_not_list_changes_is_told_how_to_go_on(
    fake: FakeZendesk, system: TicketSystem
) -> None:
    fake.role = "agent"
    with pytest.raises(PermanentError, match="poll: null"):
        await system.ping()


async def test_an_agent_is_enough_where_nothing_is_polled(fake: FakeZendesk) -> None:
    fake.role = "agent"
    async with serving(fake.app()) as url:
        http = Http()
        await config(url, poll=None).build(http).ping()
        await http.close()


async def test_an_anonymous_user_is_not_taken_for_us() -> None:
    async with speaking(
        plain, broken_app(Trouble(body='{"user": {"id": null, "name": "Anonymous"}}'))
    ) as one:
        with pytest.raises(PermanentError) as caught:
            await one.ping()

    assert caught.value.reason is Reason.AUTHENTICATION


async def test_tickets_of_others_are_not_polled(fake: FakeZendesk, system: TicketSystem) -> None:
    begun = await system.poll("")
    ref = await system.create(a_ticket())
    fake.tickets[int(ref.id)].data["external_id"] = None

    assert not (await system.poll(begun.cursor)).seen


def test_marks_in_a_long_text_do_not_make_it_too_long() -> None:
    body = private("<" * 60_000)["html_body"]

    assert 50_000 < len(body.encode()) <= 60_000
    assert body.endswith("&lt;…")


async def test_a_note_is_for_agents_only(fake: FakeZendesk, system: TicketSystem) -> None:
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "a <b>"))

    assert fake.tickets[int(ref.id)].comments[-1]["html_body"] == "a &lt;b&gt;"


def test_a_mistake_in_the_settings_is_refused() -> None:
    with pytest.raises(ValidationError):
        config(teams={"payments": "Payments"})
