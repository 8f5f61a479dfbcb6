"""Znuny: what of its traps the contract suite does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from adapters.fakes.base import Deed
from adapters.fakes.znuny import PASSWORD, SECRET, FakeZnuny
from adapters.http import Http
from adapters.tickets.znuny import Routes, Znuny, ZnunyConfig, before, to_new
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.ports import Callback, Capability
from domain.ticket import Note, TicketAction, TicketKind, TicketState
from tests.contracts.tickets import a_ticket, serving
from tests.docs.pages import page

NOW = 1_772_000_000_000
_settings = TypeAdapter(ZnunyConfig)


@dataclass(frozen=True, slots=True)
class Desk:
    fake: FakeZnuny
    url: str
    http: Http

    def system(self, **changes: Any) -> Znuny:
        return config(self.url, **changes).build(self.http)


def config(url: str = "http://desk.example", **changes: Any) -> ZnunyConfig:
    return _settings.validate_python(FakeZnuny().settings(url) | changes)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake = FakeZnuny()
    async with serving(fake.app()) as url:
        http = Http()
        yield Desk(fake, url, http)
        await http.close()


def test_a_ticket_in_znunys_words() -> None:
    """Queue by team, type by kind, dynamic fields apart from the ticket's own."""
    settings = config(
        teams={"payments": "Network"},
        types={"problem": "Problem"},
        impact_field="ITSMImpact",
        fields={"Owner": "bob", "DynamicField_Room": "{{ service }}"},
    )
    ticket = a_ticket("abc", kind=TicketKind.PROBLEM, state=TicketState.ON_HOLD)

    assert to_new(settings, ticket) == {
        "Ticket": {
            "Title": "checkout is down",
            "Queue": "Network",
            "CustomerUser": "monitoring",
            "Priority": "4 high",
            "Type": "Problem",
            "State": "pending reminder",
            "PendingTime": {"Diff": 1440},
            "Owner": "bob",
        },
        "Article": {
            "CommunicationChannel": "Internal",
            "SenderType": "agent",
            "IsVisibleForCustomer": 0,
            "From": "Tocsin",
            "Subject": "checkout is down",
            "Body": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
            "ContentType": "text/plain; charset=utf8",
        },
        "DynamicField": [
            {"Name": "ITSMImpact", "Value": "5 very high"},
            {"Name": "Room", "Value": "checkout"},
            {"Name": "TocsinKey", "Value": "abc"},
        ],
    }


async def test_a_session_that_ended_is_renewed(desk: Desk) -> None:
    system = desk.system()
    first = await system.create(a_ticket())
    desk.fake.sessions.clear()
    second = await system.create(a_ticket())

    assert first != second
    assert len(desk.fake.sessions) == 1


async def test_neither_password_nor_session_is_told_of_a_failure(desk: Desk) -> None:
    """What is parked shows the request, without what lets one in."""
    with pytest.raises(PermanentError) as caught:
        await desk.system(queue="Nowhere").create(a_ticket())
    with pytest.raises(PermanentError) as login:
        await desk.system(username="guess").create(a_ticket())

    (session,) = desk.fake.sessions
    assert caught.value.reason is Reason.REJECTED
    assert session not in caught.value.request
    assert "Nowhere" in str(caught.value) or "Queue" in str(caught.value)
    assert PASSWORD not in login.value.request.replace("\\", "")


async def test_the_stock_web_service_is_told_by_ping_and_find(desk: Desk) -> None:
    """Its search ignores the filter: nothing that it finds is taken for ours."""
    system = desk.system()
    await system.create(a_ticket())
    desk.fake.filters_by_get = True
    with pytest.raises(PermanentError, match="import the web service"):
        await system.ping()

    assert await system.find("abc") is None
    for _ in range(11):
        await system.create(a_ticket())
    with pytest.raises(PermanentError, match="more than 10 tickets"):
        await system.find("abc")


async def test_a_missing_dynamic_field_is_told(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="DynamicField"):
        await desk.system(key_field="Other").create(a_ticket())


async def test_an_urgency_goes_apart_from_the_article(desk: Desk) -> None:
    """Beside an article Znuny takes dynamic fields for the article's own."""
    system = desk.system(urgency_field="Room")
    ticket = a_ticket()
    ref = await system.create(ticket)
    desk.fake.tickets[1].dynamic["Room"] = "wrong"
    done = replace(ticket, state=TicketState.RESOLVED)
    await system.update(ref, done, TicketAction.RESOLVE)
    shown = desk.fake.look(ref.id)

    assert shown.fields["DynamicField_Room"] == "3 normal"
    assert len(shown.comments) == 1
    assert shown.state == "closed successful"


async def test_a_file_is_attached(desk: Desk) -> None:
    system = desk.system()
    ref = await system.create(a_ticket())
    await system.attach(ref, "graph.png", b"\x89PNG", "image/png")

    (file,) = desk.fake.tickets[1].articles[-1]["Attachment"]
    assert file == {"Content": "iVBORw==", "ContentType": "image/png", "Filename": "graph.png"}


async def test_problem_is_only_for_servers_with_types(desk: Desk) -> None:
    assert Capability.PROBLEM not in desk.system().capabilities
    assert Capability.PROBLEM in desk.system(types={"problem": "Problem"}).capabilities


async def test_a_merged_ticket_is_gone(desk: Desk) -> None:
    """Znuny does not tell where it went."""
    system = desk.system()
    ref = await system.create(a_ticket())
    desk.fake.tickets[1].values["State"] = "merged"

    assert (await system.read(ref)).is_deleted
    with pytest.raises(PermanentError) as caught:
        await system.update(ref, a_ticket(), TicketAction.UPDATE)
    assert caught.value.reason is Reason.NOT_FOUND


async def test_a_callback_by_header_and_our_own_article(desk: Desk) -> None:
    """The secret may be in a header; what we wrote is nobody's comment."""
    system = desk.system()
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "ours"))
    _, body = desk.fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, NOW, {"x-tocsin-secret": SECRET}))

    assert seen.comments == ()
    with pytest.raises(CallbackRefused, match="callback_secret"):
        await desk.system(callback_secret=None).callback(Callback(body, NOW, {"x-tocsin-secret": SECRET}))


async def test_times_are_the_servers(desk: Desk) -> None:
    """Its zone is a setting: it does not tell."""
    berlin, utc = desk.system(time_zone="Europe/Berlin"), desk.system()
    ref = await utc.create(a_ticket())
    apart = (await utc.read(ref)).at - (await berlin.read(ref)).at

    assert apart in {3_600_000, 7_200_000}
    with pytest.raises(ValidationError, match="no time zone"):
        config(time_zone="Mars")


async def test_more_than_a_page_in_one_second(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor would not move: the page grows instead."""
    monkeypatch.setattr("adapters.fakes.znuny._now", lambda: "2026-01-01 00:00:00")
    system = desk.system()
    begun = await system.poll("")
    made = {(await system.create(a_ticket())).id for _ in range(130)}
    first = await system.poll(begun.cursor)
    polled = await system.poll(first.cursor)

    assert {seen.id for seen in polled.seen} == made


async def test_polls_leave_out_tickets_of_others(desk: Desk) -> None:
    system = desk.system()
    await system.create(a_ticket())
    await system.create(a_ticket())
    begun = await system.poll("")
    desk.fake.tickets[1].dynamic.clear()
    desk.fake.act("1", Deed(state=TicketState.RESOLVED))

    assert [seen.id for seen in (await system.poll(begun.cursor)).seen] == ["2"]


def test_the_web_service_of_the_documentation_has_our_routes() -> None:
    service = yaml.safe_load(page("docs/destinations/znuny-webservice.yml").read_text())
    mapping = service["Provider"]["Transport"]["Config"]["RouteOperationMapping"]

    assert {one["Route"] for one in mapping.values()} == set(Routes().model_dump().values())
    assert all(one["RequestMethod"] == ["POST"] for one in mapping.values())
    assert mapping.keys() == service["Provider"]["Operation"].keys()


def test_before_goes_back_over_midnight() -> None:
    assert before("2026-03-01 00:00:02") == "2026-02-28 23:59:57"
