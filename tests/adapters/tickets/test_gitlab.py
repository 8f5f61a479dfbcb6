"""GitLab: exactly what is written, and its traps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.fakes.base import Answer
from adapters.fakes.gitlab import SECRET, FakeGitLab
from adapters.http import Http
from adapters.tickets.gitlab import GitLab, GitLabConfig, to_issue
from domain.errors import CallbackRefused, PermanentError
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import a_ticket
from tests.contracts.two_way import NOW


def config(fake: FakeGitLab, url: str = "http://127.0.0.1:1", **changes: Any) -> GitLabConfig:
    return GitLabConfig.model_validate({**fake.settings(url), **changes})


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture
def fake() -> FakeGitLab:
    return FakeGitLab()


@pytest.fixture
async def url(fake: FakeGitLab) -> AsyncIterator[str]:
    async with fake.serving() as url:
        yield url


@pytest.fixture
def system(fake: FakeGitLab, url: str, http: Http) -> GitLab:
    return config(fake, url).build(http)


def test_an_issue_is_made_of() -> None:
    settings = config(FakeGitLab(), teams={"payments": [7]}, issue_type="issue", confidential=True)

    assert to_issue(settings, a_ticket("abc", url="")) == {
        "title": "checkout is down",
        "description": "3 alerts of checkout\n\n"
        "**P2** · impact high · urgency medium · checkout · payments\n\n<!-- tocsin:abc -->",
        "issue_type": "issue",
        "labels": "tocsin,priority::P2",
        "assignee_ids": [7],
        "confidential": True,
    }


@pytest.mark.parametrize("action", ["/close", "/label ~x", "@all"])
def test_a_quick_action_in_an_alert_does_nothing(action: str) -> None:
    """A line that begins with a slash is a command to GitLab, in notes too."""
    text = to_issue(config(FakeGitLab()), a_ticket(description=f"x\n{action}"))["description"]

    assert not any(line.startswith(("/", "@")) for line in text.splitlines())


async def test_a_note_is_for_members_only(system: GitLab, fake: FakeGitLab) -> None:
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "/close\nhello"))
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, NOW, headers))
    _, text, internal = fake.issues[int(ref.id)].notes[0]

    assert internal
    assert not text.startswith("/")
    assert seen.comments == (), "it is our own"


async def test_labels_of_people_stay(system: GitLab, fake: FakeGitLab) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.issues[int(ref.id)].labels.append("database")
    await system.update(ref, replace(ticket, priority=Priority.P1), TicketAction.UPDATE)

    assert sorted(fake.issues[int(ref.id)].labels) == ["database", "priority::P1", "tocsin"]


async def test_a_guest_is_told_so(system: GitLab, fake: FakeGitLab) -> None:
    fake.role = 10
    with pytest.raises(PermanentError, match="left out the label tocsin"):
        await system.create(a_ticket())
    with pytest.raises(PermanentError, match="not Reporter or higher"):
        await system.ping()


async def test_a_project_that_is_not_there(url: str, fake: FakeGitLab, http: Http) -> None:
    with pytest.raises(PermanentError, match="Project Not Found"):
        await config(fake, url, project="acme/none").build(http).ping()


async def test_issues_that_are_not_ours_are_no_news(system: GitLab, fake: FakeGitLab) -> None:
    ref = await system.create(a_ticket())
    issue = fake.issues[int(ref.id)]
    issue.labels, issue.description = ["bug"], "something else"
    headers, body = fake.callback_of(ref.id)

    assert list(await system.callback(Callback(body, NOW, headers))) == []


@pytest.mark.parametrize(
    "event",
    [
        {"object_kind": "push"},
        {"object_kind": "issue"},
        {
            "object_kind": "issue",
            "object_attributes": {"iid": 1, "labels": [{"title": "tocsin"}], "updated_at": "x"},
        },
    ],
)
async def test_what_is_no_issue_is_refused(system: GitLab, event: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused):
        await system.callback(Callback(json.dumps(event).encode(), NOW, {"x-gitlab-token": SECRET}))


async def test_a_note_on_a_merge_request_is_no_news(system: GitLab) -> None:
    event = {
        "object_kind": "note",
        "object_attributes": {"id": 1, "note": "x", "noteable_type": "MergeRequest"},
    }
    call = Callback(json.dumps(event).encode(), NOW, {"x-gitlab-token": SECRET})

    assert list(await system.callback(call)) == []


async def test_without_a_secret_nothing_is_believed(fake: FakeGitLab, http: Http) -> None:
    with pytest.raises(CallbackRefused, match="callback_secret"):
        await config(fake, callback_secret=None).build(http).callback(Callback(b"{}", NOW))


async def test_an_issue_that_stays_open_is_told(system: GitLab, fake: FakeGitLab) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    shown = {"iid": 1, "state": "opened", "updated_at": "2026-01-01T00:00:00Z"}
    fake.hazards.answers.extend([Answer(200, json.dumps(shown))] * 2)
    with pytest.raises(PermanentError, match="stayed opened in spite of close"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
