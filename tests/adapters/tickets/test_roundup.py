"""Roundup: what the contract does not cover, and the contract on a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Deed, Shown
from adapters.fakes.roundup import LOGIN, PASSWORD, STATUSES, USER, FakeRoundup
from adapters.fakes.told import posting
from adapters.http import Http
from adapters.tickets.roundup import Roundup, RoundupConfig
from adapters.tickets.roundup_issues import PRIORITIES, to_new
from domain.errors import CallbackRefused, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import TicketSystemContract, Tool, a_ticket
from tests.services import roundup as real


@dataclass(frozen=True, slots=True)
class Desk:
    """A fake, and who speaks to it."""

    fake: FakeRoundup
    http: Http
    url: str

    def system(self, **changes: Any) -> Roundup:
        return config(**{**self.fake.settings(self.url), **changes}).build(self.http)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, http = FakeRoundup(), Http()
    async with fake.serving() as url:
        yield Desk(fake, http, url)
        await http.close()


def config(**changes: Any) -> RoundupConfig:
    settings = {
        "type": "roundup",
        "url": "https://roundup.example/ops",
        "username": "tocsin",
        "password": "s-e-c-r-e-t",
        **changes,
    }
    return RoundupConfig.model_validate(settings)


def test_a_new_issue_is_all_that_roundup_needs() -> None:
    settings = config(
        teams={"payments": "bob"}, priorities={"P2": "major"}, fields={"keyword": ["{{ service }}"]}
    )

    assert to_new(settings, a_ticket("a1b2", title="down\nnow")) == {
        "assignedto": "bob",
        "title": "down now",
        "priority": "major",
        "keyword": ["checkout"],
        "status": "unread",
        "external_id": "a1b2",
    }


async def test_a_note_leaves_the_status_alone(desk: Desk) -> None:
    """A message alone would move a resolved issue to chatting."""
    system, ticket = desk.system(), a_ticket()
    ref = await system.create(ticket)
    states = [desk.fake.look(ref.id).state]
    await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
    await system.comment(ref, Note("1", "all is well"))
    states.append(desk.fake.look(ref.id).state)

    assert states == ["unread", "resolved"]


async def test_a_description_that_changed_is_the_first_message_still(desk: Desk) -> None:
    system, ticket = desk.system(), a_ticket()
    ref = await system.create(ticket)
    await system.comment(ref, Note("1", "a note"))
    await system.update(ref, replace(ticket, description="9 alerts"), TicketAction.UPDATE)
    shown = desk.fake.look(ref.id)

    assert shown.text.startswith("9 alerts")
    assert shown.comments == ("a note",)


async def test_a_create_cut_short_is_found_and_its_description_made_up_for(desk: Desk) -> None:
    """The issue is there before its first message, and a person may be the first to write."""
    system, ticket = desk.system(), a_ticket()
    desk.fake.hazards.lost = 1
    with pytest.raises(TemporaryError):
        await system.create(ticket)
    ref = await system.find(ticket.key)
    assert ref is not None
    desk.fake.act(ref.id, Deed(comment="what is this?"))
    await system.update(ref, ticket, TicketAction.UPDATE)

    assert any("3 alerts of checkout" in text for text in desk.fake.look(ref.id).comments)


async def test_a_change_made_meanwhile_is_not_written_over(desk: Desk) -> None:
    """The ETag is no longer the one that was read: try again."""
    system, ticket = desk.system(), a_ticket()
    ref = await system.create(ticket)
    found = await system._load(ref)
    desk.fake.act(ref.id, Deed(state=TicketState.IN_PROGRESS))
    with pytest.raises(TemporaryError) as caught:
        await system._say(ref, found, "late")

    assert caught.value.reason is Reason.CONFLICT
    assert desk.fake.look(ref.id).state == "in-progress"


async def test_a_poll_brings_what_people_wrote_and_not_our_own_notes(desk: Desk) -> None:
    system = desk.system()
    ref = await system.create(a_ticket())
    begun = await system.poll("")
    await system.comment(ref, Note("1", "ours"))
    desk.fake.act(ref.id, Deed(comment="on it"))
    (seen,) = (await system.poll(begun.cursor)).seen

    assert [(one.author, one.text) for one in seen.comments] == [("alice", "on it")]


async def test_an_issue_without_our_key_is_not_told(desk: Desk) -> None:
    system = desk.system()
    begun = await system.poll("")
    values = {
        "title": "theirs",
        "status": "unread",
        "priority": None,
        "assignedto": None,
        "external_id": None,
    }
    desk.fake.classes["issue"].add({**values, "messages": [], "superseder": [], "runbook": None}, "bob")

    assert not (await system.poll(begun.cursor)).seen


async def test_a_retired_issue_reads_as_deleted_though_it_is_shown(desk: Desk) -> None:
    system = desk.system()
    ref = await system.create(a_ticket())
    desk.fake.act(ref.id, Deed(delete=True))

    assert (await system._load(ref)).attributes.title == "checkout is down"
    assert (await system.read(ref)).is_deleted
    assert (await system.read(TicketRef("99"))).is_deleted


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("unread", TicketState.OPEN),
        ("need-eg", TicketState.ON_HOLD),
        ("testing", TicketState.IN_PROGRESS),
        ("done-cbb", TicketState.RESOLVED),
    ],
)
async def test_all_statuses_of_the_classic_template_mean_something(
    desk: Desk, status: str, state: TicketState
) -> None:
    headers, body = posting(id="1", state=status)
    (seen,) = await desk.system().callback(Callback(body, 0, headers))

    assert status in STATUSES
    assert seen.state is state


async def test_our_own_comment_is_not_heard(desk: Desk) -> None:
    headers, body = posting(id="1", actor="tocsin", comment="ours")
    (seen,) = await desk.system().callback(Callback(body, 0, headers))

    assert seen.comments == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"states": {"closed": "shut"}}, "no status shut"),
        ({"priorities": {"P1": "major"}}, "no priority major"),
        ({"teams": {"payments": "carol"}}, "no user carol"),
    ],
)
async def test_a_name_that_is_not_there_is_told(desk: Desk, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PermanentError, match=message):
        await desk.system(**wrong).ping()


async def test_a_schema_without_our_property_is_told_with_what_to_add(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"issue": {"title": None}, "msg": {}}
    monkeypatch.setattr("adapters.fakes.roundup.SCHEMA", schema)
    with pytest.raises(PermanentError, match=r"add external_id=String\(\)"):
        await desk.system().ping()


async def test_a_callback_without_a_secret_names_the_setting() -> None:
    with pytest.raises(CallbackRefused, match="set callback_secret"):
        await config().build(Http()).callback(Callback(b"{}", 0))


@pytest.mark.parametrize("mistake", [{"username": ""}, {"states": {"gone": "x"}}, {"reads": {"x": "gone"}}])
def test_a_mistake_in_the_settings_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**mistake)


@pytest.mark.services
@pytest.mark.xdist_group("roundup")
class TestRealRoundup(TicketSystemContract):
    @pytest.fixture
    async def tool(self, roundup: real.Roundup) -> AsyncIterator[Tool]:
        http = Http()

        async def shown(path: str) -> Any:
            headers, url = {"Authorization": LOGIN}, f"{roundup.url}/rest/data/{path}?@verbose=3"
            async with http.session().get(url, headers=headers) as reply:
                return (await reply.json())["data"]["attributes"]

        async def look(ref: TicketRef) -> Shown:
            issue = await shown(f"issue/{ref.id}")
            first, *notes = [(await shown(f"msg/{one['id']}"))["content"] for one in issue["messages"]]
            status, priority = issue["status"]["name"], issue["priority"]["name"]
            return Shown(issue["title"], first, status != "resolved", priority, tuple(notes), status)

        yield Tool(config(url=roundup.url, username=USER, password=PASSWORD).build(http), look, PRIORITIES)
        await http.close()

    async def test_a_ping_is_answered(self, tool: Tool) -> None:
        await tool.system.ping()

    async def test_a_poll_brings_what_changed(self, tool: Tool) -> None:
        begun = await tool.system.poll("")
        ticket = a_ticket(priority=Priority.P1)
        ref = await tool.system.create(ticket)
        working = replace(ticket, version=2, state=TicketState.ON_HOLD)
        await tool.system.update(ref, working, TicketAction.TRANSITION)
        seen = {one.id: one for one in (await tool.system.poll(begun.cursor)).seen}[ref.id]

        assert (seen.state, seen.priority, seen.actor) == (TicketState.ON_HOLD, Priority.P1, USER)

    async def test_a_note_leaves_the_status_alone(self, tool: Tool) -> None:
        """Its detector would move the issue to chatting."""
        ticket = a_ticket()
        ref = await tool.system.create(ticket)
        over = replace(ticket, version=2, state=TicketState.RESOLVED)
        await tool.system.update(ref, over, TicketAction.RESOLVE)
        await tool.system.comment(ref, Note("1", "all is well"))
        shown = await tool.look(ref)

        assert (shown.state, shown.comments) == ("resolved", ("all is well",))

    async def test_an_issue_that_never_was_reads_as_deleted(self, tool: Tool) -> None:
        assert (await tool.system.read(TicketRef("99999"))).is_deleted
