"""Redmine: what the contract does not cover, and the contract on a real one, where the distribution has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Shown
from adapters.fakes.redmine import KEY, FakeRedmine
from adapters.http import Http
from adapters.tickets.redmine import Redmine, RedmineConfig
from adapters.tickets.redmine_issues import PRIORITIES, to_new
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, LinkKind
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketKind, TicketState
from tests.contracts.tickets import TicketSystemContract, Tool, a_ticket, serving, speaking
from tests.fakes.broken import Trouble, broken_app
from tests.services import redmine as real

OVER = {3, 5, 6}


@dataclass(frozen=True, slots=True)
class Desk:
    """A Redmine, and the hands of a person in front of it."""

    base: dict[str, Any]
    http: Http

    def system(self, **changes: Any) -> Redmine:
        return RedmineConfig.model_validate({**self.base, **changes}).build(self.http)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        url, headers = f"{self.base['url']}{path}", {"X-Redmine-API-Key": KEY}
        async with self.http.session().request(method, url, json=body, headers=headers) as reply:
            return await reply.json() if reply.status == 200 and method == "GET" else reply.status

    async def look(self, ref: TicketRef) -> Shown:
        issue = (await self.call("GET", f"/issues/{ref.id}.json?include=journals"))["issue"]
        notes = tuple(unescape(one["notes"]) for one in issue["journals"] if one["notes"])
        text, priority = unescape(issue["description"]).replace("\r\n", "\n"), str(issue["priority"]["id"])
        return Shown(issue["subject"], text, issue["status"]["id"] not in OVER, priority, comments=notes)


class RedmineContract(TicketSystemContract):
    """What only Redmine does; a subclass gives the fixture ``desk``."""

    @pytest.fixture
    def tool(self, desk: Desk) -> Tool:
        shown = {priority: str(number) for priority, number in PRIORITIES.items()}
        return Tool(desk.system(), desk.look, shown, longest=60_000)

    async def test_a_status_that_is_passed_over_is_an_error_though_it_answers_204(self, desk: Desk) -> None:
        system, ticket = desk.system(states={"resolved": 99}), a_ticket()
        ref = await system.create(ticket)
        done = replace(ticket, version=2, state=TicketState.RESOLVED)
        with pytest.raises(PermanentError, match=r"kept its status 'New'") as caught:
            await system.update(ref, done, TicketAction.RESOLVE)

        assert caught.value.reason is Reason.REJECTED

    async def test_a_field_that_is_not_there_makes_no_search_believable(self, desk: Desk) -> None:
        """Redmine ignores the filter, and every issue would be ours."""
        ticket = a_ticket()
        await desk.system().create(ticket)
        wrong = desk.system(key_field=99)
        with pytest.raises(PermanentError, match="custom field 99 does not filter"):
            await wrong.ping()
        with pytest.raises(PermanentError, match="without our key"):
            await wrong.create(a_ticket())

        assert await wrong.find(ticket.key) is None

    async def test_a_deleted_issue_reads_as_deleted(self, desk: Desk) -> None:
        assert (await desk.system().read(TicketRef("99999"))).is_deleted

    async def test_states_read_back(self, desk: Desk) -> None:
        system, ticket = desk.system(), a_ticket()
        ref = await system.create(ticket)
        read = []
        for state in (TicketState.IN_PROGRESS, TicketState.ON_HOLD):
            await system.update(ref, replace(ticket, version=2, state=state), TicketAction.TRANSITION)
            read.append((await system.read(ref)).state)

        assert read == [TicketState.IN_PROGRESS, TicketState.ON_HOLD]

    async def test_a_link_may_be_made_twice_and_a_note_is_shown(self, desk: Desk) -> None:
        system = desk.system()
        child, parent = (
            await system.create(a_ticket()),
            await system.create(a_ticket(kind=TicketKind.PROBLEM)),
        )
        for _ in range(2):
            await system.link(child, parent, LinkKind.CAUSED_BY)
        await system.comment(child, Note("1", "a *known* error"))
        known = (await desk.call("GET", f"/issues/{child.id}/relations.json"))["relations"]

        assert len(known) == 1
        assert (await desk.look(child)).comments == ("a *known* error",)

    async def test_a_poll_sees_what_changed_and_not_our_own_notes(self, desk: Desk) -> None:
        system = desk.system()
        begun = await system.poll("")
        ref = await system.create(a_ticket())
        await system.comment(ref, Note("1", "ours"))
        await desk.call("PUT", f"/issues/{ref.id}.json", {"issue": {"priority_id": 5, "status_id": 3}})
        polled = await system.poll(begun.cursor)
        (seen,) = [one for one in polled.seen if one.id == ref.id]

        assert (seen.state, seen.priority, seen.comments) == (TicketState.RESOLVED, Priority.P1, ())

    async def test_a_wrong_key_is_told(self, desk: Desk) -> None:
        with pytest.raises(PermanentError) as caught:
            await desk.system(api_key="f" * 40).ping()

        assert caught.value.reason is Reason.AUTHENTICATION


class TestFakeRedmine(RedmineContract):
    @pytest.fixture
    async def desk(self) -> AsyncIterator[Desk]:
        fake, http = FakeRedmine(), Http()
        async with serving(fake.app()) as url:
            yield Desk(fake.settings(url), http)
            await http.close()


if real.is_expected():

    @pytest.mark.services
    @pytest.mark.xdist_group("redmine")
    class TestRealRedmine(RedmineContract):
        @pytest.fixture
        async def desk(self, redmine: real.Redmine) -> AsyncIterator[Desk]:
            http = Http()
            base = {"type": "redmine", "url": redmine.url, "api_key": KEY, "project": "ops"}
            yield Desk({**base, **redmine.numbers}, http)
            await http.close()


def config(**changes: Any) -> RedmineConfig:
    settings = {
        "type": "redmine",
        "url": "https://redmine.example",
        "api_key": "k-e-y",
        "project": "ops",
        "tracker": 4,
        "key_field": 1,
        **changes,
    }
    return RedmineConfig.model_validate(settings)


def test_a_new_issue_is_all_that_redmine_needs() -> None:
    settings = config(
        impact_field=2, teams={"payments": 7}, priorities={"P2": 9}, fields={"cf_3": "{{ service }}"}
    )

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "project_id": "ops",
        "tracker_id": 4,
        "status_id": 1,
        "assigned_to_id": 7,
        "subject": "down now",
        "description": "3 alerts of checkout\n\nhttp://tocsin.example/incidents/1",
        "priority_id": 9,
        "custom_fields": [
            {"id": 2, "value": "high"},
            {"id": 3, "value": "checkout"},
            {"id": 1, "value": "a1b2"},
        ],
    }


def test_a_problem_has_its_own_tracker_where_one_is_set() -> None:
    problem = a_ticket(kind=TicketKind.PROBLEM)

    assert to_new(config(), problem)["tracker_id"] == 4
    assert to_new(config(problem_tracker=5), problem)["tracker_id"] == 5


async def test_an_issue_with_another_key_is_not_ours() -> None:
    """As a Redmine answers that ignores the filter."""
    field = '{"id": 1, "value": "x"}'
    issue = f'{{"id": 1, "status": {{"id": 1}}, "updated_on": "2024-01-01T00:00:00Z", "custom_fields": [{field}]}}'
    answer = broken_app(Trouble(body=f'{{"issues": [{issue}], "total_count": 1}}'))
    async with speaking(lambda http, url: config(url=url).build(http), answer) as system:
        assert await system.find("abc") is None


async def test_a_callback_without_a_secret_names_the_setting() -> None:
    with pytest.raises(CallbackRefused, match="set callback_secret"):
        await config().build(Http()).callback(Callback(b"{}", 0))


@pytest.mark.parametrize("mistake", [{"tracker": "Incident"}, {"key_field": 0}, {"states": {"open": "New"}}])
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)
