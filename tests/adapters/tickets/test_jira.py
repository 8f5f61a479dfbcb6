"""Jira: what the contract does not cover, and the contract on a double that somebody else wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Shown
from adapters.fakes.jira import FakeJiraCloud, rendered
from adapters.http import Http
from adapters.tickets.jira import Jira, JiraConfig
from adapters.tickets.jira_issues import PRIORITIES, to_new
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, LinkKind
from domain.ticket import Note, TicketAction, TicketKind, TicketState
from tests.contracts.tickets import TicketSystemContract, Tool, a_ticket, serving
from tests.services import jira as real


def config(url: str = "https://acme.example", **changes: Any) -> JiraConfig:
    settings = {"type": "jira", "url": url, "token": "t", "project": "OPS", "user": "a@b.example", **changes}
    return JiraConfig.model_validate(settings)


def data_center(url: str, **changes: Any) -> JiraConfig:
    return config(url, **{"deployment": "data_center", "issue_type": "Bug", "search_lag": 0, **changes})


@pytest.mark.services
@pytest.mark.xdist_group("jira")
class TestDouble(TicketSystemContract):
    @pytest.fixture
    async def tool(self, jira: real.Jira) -> AsyncIterator[Tool]:
        http = Http()

        async def look(ref: TicketRef) -> Shown:
            async with http.session().get(f"{jira.url}/rest/api/2/issue/{ref.id}") as reply:
                fields = (await reply.json())["fields"]
            is_open = fields["status"]["statusCategory"]["key"] != "done"
            links = [one.get("inwardIssue", one.get("outwardIssue"))["key"] for one in fields["issuelinks"]]
            text = rendered(fields["description"])
            return Shown(fields["summary"], text, is_open, fields["priority"]["name"], links=tuple(links))

        system = data_center(jira.url, link_types={"caused_by": "Blocks"}).build(http)
        yield Tool(system, look, PRIORITIES, longest=30_000)
        await http.close()

    async def test_a_ping_is_answered(self, tool: Tool) -> None:
        """The double does not know permissions; that is told and not passed over."""
        with pytest.raises(PermanentError, match="/mypermissions answered 404"):
            await tool.system.ping()

    async def test_links_and_notes_are_shown(self, tool: Tool) -> None:
        one, other = await tool.system.create(a_ticket()), await tool.system.create(a_ticket())
        await tool.system.link(one, other, LinkKind.CAUSED_BY)
        await tool.system.comment(one, Note("1", "known error"))

        assert (await tool.look(one)).links == (other.id,)

    async def test_a_ticket_reads_as_it_was_written(self, tool: Tool) -> None:
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        opened = await tool.system.read(ref)
        working = replace(ticket, version=2, state=TicketState.IN_PROGRESS)
        await tool.system.update(ref, working, TicketAction.TRANSITION)
        begun = await tool.system.read(ref)
        gone = await tool.system.read(TicketRef("OPS-99999"))

        assert (opened.state, opened.priority) == (TicketState.OPEN, ticket.priority)
        assert begun.state is TicketState.IN_PROGRESS
        assert gone.is_deleted

    async def test_a_poll_sees_a_new_issue(self, tool: Tool) -> None:
        begun = await tool.system.poll("")
        ref = await tool.system.create(a_ticket())

        assert ref.id in {seen.id for seen in (await tool.system.poll(begun.cursor)).seen}


@pytest.fixture
async def cloud() -> AsyncIterator[tuple[FakeJiraCloud, dict[str, Any], Http]]:
    fake = FakeJiraCloud()
    async with serving(fake.app()) as url:
        http = Http()
        yield fake, fake.settings(url), http
        await http.close()


Cloud = tuple[FakeJiraCloud, dict[str, Any], Http]


def test_a_new_issue_is_all_that_cloud_needs() -> None:
    settings = config(
        impact_field="customfield_1", teams={"payments": "Payments"}, priorities={"P2": "Major"}
    )

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "project": {"key": "OPS"},
        "issuetype": {"name": "[System] Incident"},
        "labels": ["tocsin-a1b2"],
        "components": [{"name": "Payments"}],
        "summary": "down now",
        "description": {
            "version": 1,
            "type": "doc",
            "content": [
                {"type": "paragraph", "content": [{"type": "text", "text": "3 alerts of checkout"}]},
                {
                    "type": "paragraph",
                    "content": [
                        {
                            "type": "text",
                            "text": "http://tocsin.example/incidents/1",
                            "marks": [
                                {"type": "link", "attrs": {"href": "http://tocsin.example/incidents/1"}}
                            ],
                        }
                    ],
                },
            ],
        },
        "priority": {"name": "Major"},
        "customfield_1": {"value": "Extensive / Widespread"},
    }


def test_a_problem_has_its_own_type_and_data_center_gets_markup() -> None:
    new = to_new(data_center("https://jira.example"), a_ticket(kind=TicketKind.PROBLEM, description="a *b*"))

    assert new["issuetype"] == {"name": "[System] Problem"}
    assert new["description"] == "a \\*b\\*\n\n[http://tocsin.example/incidents/1]"


async def test_an_update_that_changes_nothing_writes_nothing(cloud: Cloud) -> None:
    fake, settings, http = cloud
    system = JiraConfig.model_validate(settings).build(http)
    ticket = a_ticket()
    ref = await system.create(ticket)
    before = fake.issues[ref.id].updated
    await system.update(ref, ticket, TicketAction.UPDATE)

    assert fake.issues[ref.id].updated == before


async def test_a_status_that_the_workflow_lacks_is_named(cloud: Cloud) -> None:
    _, settings, http = cloud
    system = JiraConfig.model_validate(settings | {"states": {"on_hold": "Waiting"}}).build(http)
    with pytest.raises(PermanentError, match=r"has no status 'Waiting', set in states"):
        await system.ping()


async def test_labels_of_people_survive_an_update(cloud: Cloud) -> None:
    fake, settings, http = cloud
    system = JiraConfig.model_validate(settings).build(http)
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.issues[ref.id].fields["labels"].append("network")
    await system.update(ref, replace(ticket, version=2, title="all is down"), TicketAction.UPDATE)

    assert fake.issues[ref.id].fields["labels"] == [f"tocsin-{ticket.key}", "network"]


async def test_what_is_missing_is_named(cloud: Cloud) -> None:
    _, settings, http = cloud
    system = JiraConfig.model_validate(settings | {"issue_type": "Ticket"}).build(http)
    with pytest.raises(
        PermanentError, match=r"no issue type 'Ticket'; it has: \[System\] Incident"
    ) as caught:
        await system.ping()
    with pytest.raises(PermanentError, match="No project could be found") as unknown:
        await JiraConfig.model_validate(settings | {"project": "NOPE"}).build(http).ping()

    assert caught.value.reason is Reason.REJECTED
    assert unknown.value.reason is Reason.NOT_FOUND


async def test_our_own_comment_is_left_out(cloud: Cloud) -> None:
    fake, settings, http = cloud
    system: Jira = JiraConfig.model_validate(settings).build(http)
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "ours"))
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, 0, headers))

    assert seen.comments == ()


async def test_a_callback_without_a_secret_names_the_setting() -> None:
    with pytest.raises(CallbackRefused, match="set callback_secret"):
        await config().build(Http()).callback(Callback(b"{}", 0))


@pytest.mark.parametrize(
    "mistake",
    [{"user": None}, {"impact_field": "Impact"}, {"label_prefix": "to csin"}, {"states": {"broken": "x"}}],
)
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)
