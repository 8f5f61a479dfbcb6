"""Slack, Teams and Mattermost: what is posted, and what each cannot do."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from adapters.fakes.base import Answer, Deed, Fake
from adapters.fakes.mattermost import FakeMattermost
from adapters.fakes.slack import CHANNEL, SECRET, FakeSlack
from adapters.fakes.teams import MAX_MESSAGE, FakeTeams
from adapters.http import Http
from adapters.tickets import DestinationConfig
from adapters.tickets.mattermost import MESSAGE_LENGTH, MattermostConfig, to_post
from adapters.tickets.slack import SlackConfig, to_message
from adapters.tickets.teams import to_card
from domain.errors import CallbackRefused, Handshake, PermanentError, Reason, TemporaryError
from domain.ports import Callback, TicketSystem
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import a_ticket
from tests.contracts.two_way import NOW

_settings: TypeAdapter[Any] = TypeAdapter(DestinationConfig)


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


def build(fake: Fake, http: Http, url: str, **changes: Any) -> TicketSystem:
    system: TicketSystem = _settings.validate_python({**fake.settings(url), **changes}).build(http)
    return system


@pytest.fixture
async def slack(http: Http) -> AsyncIterator[tuple[FakeSlack, TicketSystem]]:
    fake = FakeSlack()
    async with fake.serving() as url:
        yield fake, build(fake, http, url)


def test_a_message_of_slack_is_made_of() -> None:
    settings = SlackConfig.model_validate(FakeSlack().settings("http://127.0.0.1:1"))
    message = to_message(settings, a_ticket("abc", title="<!channel> & co", description=""))

    assert message == {
        "text": "🔴 P2 &lt;!channel&gt; &amp; co",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "🔴 P2 <!channel> & co", "emoji": False},
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "plain_text",
                        "text": "state open · priority P2 · checkout · payments · incident abc",
                        "emoji": False,
                    }
                ],
            },
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": "<http://tocsin.example/incidents/1|Incident in Tocsin>"}
                ],
            },
        ],
        "metadata": {"event_type": "tocsin_incident", "event_payload": {"key": "abc", "version": 1}},
    }


@pytest.mark.parametrize(
    ("word", "kind", "reason"),
    [
        ("ratelimited", TemporaryError, Reason.RATE_LIMITED),
        ("internal_error", TemporaryError, Reason.SERVER_ERROR),
        ("missing_scope", PermanentError, Reason.AUTHENTICATION),
        ("channel_not_found", PermanentError, Reason.NOT_FOUND),
        ("msg_too_long", PermanentError, Reason.REJECTED),
    ],
)
async def test_a_failure_is_one_though_it_is_a_200(
    slack: tuple[FakeSlack, TicketSystem],
    word: str,
    kind: type[TemporaryError | PermanentError],
    reason: Reason,
) -> None:
    slack[0].hazards.answers.append(Answer(200, json.dumps({"ok": False, "error": word})))
    with pytest.raises(kind, match=word) as caught:
        await slack[1].create(a_ticket())

    assert caught.value.reason is reason


async def test_a_message_beyond_the_first_page_is_found(slack: tuple[FakeSlack, TicketSystem]) -> None:
    ticket = a_ticket()
    ref = await slack[1].create(ticket)
    for _ in range(205):
        await slack[1].create(a_ticket())

    assert await slack[1].find(ticket.key) == ref


async def test_a_ping_of_a_channel_that_the_bot_is_not_in(http: Http) -> None:
    fake = FakeSlack()
    async with fake.serving() as url:
        with pytest.raises(PermanentError, match="invite the bot into C9999999999"):
            await build(fake, http, url, teams={"x": "C9999999999"}).ping()


def posted(body: dict[str, Any]) -> Callback:
    raw = json.dumps(body).encode()
    digest = hmac.new(SECRET.encode(), b"v0:17:" + raw, "sha256").hexdigest()
    return Callback(raw, NOW, {"x-slack-request-timestamp": "17", "x-slack-signature": f"v0={digest}"})


async def test_slacks_question_is_answered(slack: tuple[FakeSlack, TicketSystem]) -> None:
    """Without it no address can be given to Slack."""
    with pytest.raises(Handshake) as caught:
        await slack[1].callback(posted({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}))

    assert caught.value.answer == "3eZbrw1a"


async def test_a_question_that_is_not_signed_is_not(slack: tuple[FakeSlack, TicketSystem]) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a"}'
    with pytest.raises(CallbackRefused) as caught:
        await slack[1].callback(Callback(body, NOW))

    assert caught.value.is_forged


REPLY = {"type": "message", "channel": CHANNEL, "user": "U1", "ts": "2.0", "thread_ts": "1.0", "text": "x"}


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"thread_ts": ""},
        {"ts": "1.0"},
        {"type": "reaction_added", "reaction": "tada", "item": {"channel": CHANNEL, "ts": "1.0"}},
    ],
)
async def test_what_says_nothing_of_a_ticket(
    slack: tuple[FakeSlack, TicketSystem], changes: dict[str, Any]
) -> None:
    call = posted({"type": "event_callback", "event": {**REPLY, **changes}})

    assert list(await slack[1].callback(call)) == []


async def test_a_reaction_says_how_it_stands(slack: tuple[FakeSlack, TicketSystem]) -> None:
    fake, system = slack
    ref = await system.create(a_ticket())
    fake.act(ref.id, Deed(state=TicketState.ACKNOWLEDGED))
    headers, body = fake.callback_of(ref.id)
    (seen,) = await system.callback(Callback(body, NOW, headers))

    assert (seen.id, seen.state, seen.actor) == (ref.id, TicketState.ACKNOWLEDGED, "alice")


async def test_in_teams_only_a_change_of_state_is_worth_a_card(http: Http) -> None:
    fake, ticket = FakeTeams(), a_ticket("abc")
    async with fake.serving() as url:
        system = build(fake, http, url)
        ref = await system.create(ticket)
        await system.update(ref, replace(ticket, title="worse"), TicketAction.UPDATE)
        await system.update(ref, replace(ticket, state=TicketState.RESOLVED), TicketAction.RESOLVE)
        await system.comment(ref, Note("1", "hello"))

    assert [lines[0] for lines in fake.messages] == [
        "🔴 P2 checkout is down",
        "✅ P2 checkout is down",
        "hello",
    ]
    assert fake.ids() == ["abc"]


async def test_a_teams_cards_all_go_to_its_channel(http: Http) -> None:
    usual, payments, ticket = FakeTeams(), FakeTeams(), a_ticket()
    async with usual.serving() as one, payments.serving() as other:
        system = build(usual, http, one, teams={"payments": payments.settings(other)["url"]})
        ref = await system.create(ticket)
        await system.update(ref, replace(ticket, team="", state=TicketState.RESOLVED), TicketAction.RESOLVE)

    assert (len(usual.messages), len(payments.messages)) == (0, 2)


def test_a_card_stays_below_the_limit() -> None:
    ticket = a_ticket(title="障" * 10_000, description="🔥" * 100_000, service="障" * 1_000)

    assert len(json.dumps(to_card(ticket), ensure_ascii=False).encode()) < MAX_MESSAGE


async def test_the_address_of_a_workflow_is_in_no_message(http: Http) -> None:
    fake = FakeTeams()
    async with fake.serving() as url:
        wrong = {"type": "teams", "url": f"{fake.settings(url)['url']}wrong"}
        system: TicketSystem = _settings.validate_python(wrong).build(http)
        with pytest.raises(PermanentError) as caught:
            await system.create(a_ticket())

    assert "sig" not in str(caught.value).replace("signature", "")
    assert caught.value.reason is Reason.AUTHENTICATION


def test_an_address_of_teams_is_checked_without_being_shown() -> None:
    with pytest.raises(ValidationError, match="is not an http") as caught:
        _settings.validate_python({"type": "teams", "url": "s3cret"})

    assert "s3cret" not in str(caught.value.errors(include_input=False))


def test_a_post_of_mattermost_fits() -> None:
    settings = MattermostConfig.model_validate(FakeMattermost().settings("http://127.0.0.1:1"))
    post = to_post(settings, a_ticket(title="*" * 500, description="@all " * 10_000, service="_" * 500))

    assert len(post["message"]) <= MESSAGE_LENGTH
    assert "\n@all" not in post["message"]


async def test_a_ping_of_a_channel_that_the_bot_of_mattermost_is_not_in(http: Http) -> None:
    fake = FakeMattermost()
    async with fake.serving() as url:
        with pytest.raises(PermanentError, match="make the bot a member of channel dddd"):
            await build(fake, http, url, teams={"x": "d" * 26}).ping()
