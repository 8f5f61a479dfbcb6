"""GitHub: exactly what is written, and its traps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Answer, Deed
from adapters.fakes.github import FakeGitHub
from adapters.http import Http
from adapters.tickets.github import GitHub, GitHubConfig, to_issue
from adapters.tickets.issues import fitted, key_in
from domain.errors import CallbackRefused, PermanentError, TemporaryError
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import a_ticket
from tests.contracts.two_way import NOW


def config(fake: FakeGitHub, url: str = "http://127.0.0.1:1", **changes: Any) -> GitHubConfig:
    return GitHubConfig.model_validate({**fake.settings(url), **changes})


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture
def fake() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
async def system(fake: FakeGitHub, http: Http) -> AsyncIterator[GitHub]:
    async with fake.serving() as url:
        yield config(fake, url).build(http)


def test_an_issue_is_made_of() -> None:
    settings = config(FakeGitHub(), teams={"payments": ["alice"]}, priorities={"P2": "sev:2"})

    assert to_issue(settings, a_ticket("abc")) == {
        "title": "checkout is down",
        "body": "3 alerts of checkout  \n  \nhttp://tocsin\\.example/incidents/1\n\n"
        "**P2** · impact high · urgency medium · checkout · payments\n\n<!-- tocsin:abc -->",
        "labels": ["tocsin", "sev:2"],
        "assignees": ["alice"],
    }


def test_a_marker_in_an_alert_is_no_marker() -> None:
    issue = to_issue(config(FakeGitHub()), a_ticket("abc", description="<!-- tocsin:evil -->"))

    assert key_in(issue["body"]) == "abc"


def test_escapes_are_counted() -> None:
    assert len(fitted("*" * 70_000, 60_000)) <= 60_000


async def test_labels_of_people_stay(system: GitHub, fake: FakeGitHub) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    fake.issues[int(ref.id)].labels.append("database")
    await system.update(ref, replace(ticket, priority=Priority.P1), TicketAction.UPDATE)

    assert sorted(fake.issues[int(ref.id)].labels) == ["database", "priority:P1", "tocsin"]


async def test_what_is_shown_already_is_not_written(system: GitHub, fake: FakeGitHub) -> None:
    """Each write of the same would be a notification, and a webhook back to us."""
    ticket = a_ticket()
    ref = await system.create(ticket)
    before = fake.issues[int(ref.id)].at
    await system.update(ref, replace(ticket, version=2), TicketAction.UPDATE)

    assert fake.issues[int(ref.id)].at == before


async def test_an_issue_beyond_the_first_page_is_found(system: GitHub, fake: FakeGitHub) -> None:
    first = a_ticket()
    ref = await system.create(first)
    for _ in range(104):
        await system.create(a_ticket())

    assert await system.find(first.key) == ref


async def test_a_token_that_may_not_set_labels_is_told(system: GitHub, fake: FakeGitHub) -> None:
    """The issue could never be found again."""
    fake.may_label = False
    with pytest.raises(PermanentError, match="left out the label tocsin") as caught:
        await system.create(a_ticket())
    with pytest.raises(PermanentError, match="may not write labels"):
        await system.ping()

    assert not caught.value.unknown


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(403, '{"message":"You have exceeded a secondary rate limit."}'), 60.0),
        (Answer(403, '{"message":"API rate limit exceeded"}', {"Retry-After": "9"}), 9.0),
        (Answer(429, "{}", {"Retry-After": "5"}), 5.0),
    ],
)
async def test_each_way_to_be_limited(system: GitHub, fake: FakeGitHub, answer: Answer, wait: float) -> None:
    fake.hazards.answers.append(answer)
    with pytest.raises(TemporaryError) as caught:
        await system.create(a_ticket())

    assert caught.value.retry_after == wait


async def test_a_pull_request_is_no_ticket(system: GitHub, fake: FakeGitHub) -> None:
    begun = await system.poll("")
    ref = await system.create(a_ticket())
    fake.issues[int(ref.id)].is_pull_request = True

    assert list((await system.poll(begun.cursor)).seen) == []


async def test_our_own_comment_is_no_persons(system: GitHub, fake: FakeGitHub) -> None:
    ref = await system.create(a_ticket())
    await system.comment(ref, Note("1", "priority is P1 now"))
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, NOW, headers))

    assert seen.comments == ()


async def test_issues_that_are_not_ours_are_no_news(system: GitHub, fake: FakeGitHub) -> None:
    ref = await system.create(a_ticket())
    issue = fake.issues[int(ref.id)]
    issue.labels, issue.body = ["bug"], "something else"
    headers, body = fake.callback_of(ref.id)

    assert list(await system.callback(Callback(body, NOW, headers))) == []
    assert list(await system.callback(Callback(body, NOW, {**headers, "x-github-event": "ping"}))) == []


async def test_a_form_is_refused_with_a_hint(system: GitHub, fake: FakeGitHub) -> None:
    """GitHub's default content type is a form."""
    ref = await system.create(a_ticket())
    fake.act(ref.id, Deed(state=TicketState.RESOLVED))
    headers, _ = fake.callback_of(ref.id)
    with pytest.raises(CallbackRefused):
        await system.callback(Callback(b"payload=%7B%7D", NOW, headers))


async def test_without_a_secret_nothing_is_believed(fake: FakeGitHub, http: Http) -> None:
    with pytest.raises(CallbackRefused, match="callback_secret"):
        await config(fake, callback_secret=None).build(http).callback(Callback(b"{}", NOW))


async def test_an_issue_that_stays_open_is_told(system: GitHub, fake: FakeGitHub) -> None:
    ticket = a_ticket()
    ref = await system.create(ticket)
    shown = {"number": 1, "state": "open", "updated_at": "2026-01-01T00:00:00Z", "labels": []}
    fake.hazards.answers.extend([Answer(200, json.dumps(shown))] * 2)
    with pytest.raises(PermanentError, match="stayed open"):
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)


@pytest.mark.parametrize("repository", ["acme", "acme/a/b", "../x", "acme/a b", ""])
def test_a_repository_is_an_owner_and_a_name(repository: str) -> None:
    with pytest.raises(ValidationError):
        config(FakeGitHub(), repository=repository)
