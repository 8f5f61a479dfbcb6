"""The webhook destination: the contract to the letter, and what a careless other side gets away with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from adapters.fakes.base import Shown
from adapters.fakes.webhook import FakeWebhook
from adapters.http import Http
from adapters.tickets import DestinationConfig
from adapters.tickets.webhook import Webhook, WebhookConfig, to_body
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import TicketSystem
from domain.priority import Priority
from domain.ticket import TicketAction, TicketState
from tests.contracts.tickets import (
    SHORT,
    HttpTicketContract,
    SpeakTo,
    TicketSystemContract,
    Tool,
    a_ticket,
    serving,
    speaking,
)
from tests.fakes.broken import Trouble, broken_app


def config(url: str, **settings: Any) -> WebhookConfig:
    return WebhookConfig.model_validate({"type": "webhook", "url": url, **settings})


def plain(http: Http, url: str) -> TicketSystem:
    return config(f"{url}/tickets", timeout=SHORT).build(http)


@pytest.fixture
def sink() -> FakeWebhook:
    return FakeWebhook()


class TestWebhook(TicketSystemContract):
    @pytest.fixture
    async def tool(self, sink: FakeWebhook) -> AsyncIterator[Tool]:
        async def look(ref: TicketRef) -> Shown:
            ticket = next(one for one in sink.tickets.values() if one["number"] == ref.id)["ticket"]
            is_open = ticket["state"] == TicketState.OPEN
            return Shown(ticket["title"], ticket["description"], is_open, ticket["priority"])

        async with serving(sink.app()) as url:
            http = Http()
            yield Tool(
                config(f"{url}/tickets").build(http),
                look,
                {priority: priority.value for priority in Priority},
            )
            await http.close()


class TestWebhookTroubles(HttpTicketContract):
    @pytest.fixture
    def speak_to(self) -> SpeakTo:
        return plain


def test_the_body_is_the_published_contract() -> None:
    body = to_body(TicketAction.CREATE, a_ticket("a1b2", version=3))

    assert json.loads(json.dumps(body)) == {
        "action": "create",
        "key": "a1b2",
        "version": 3,
        "ticket": {
            "title": "checkout is down",
            "description": "3 alerts of checkout",
            "priority": "P2",
            "impact": "high",
            "urgency": "medium",
            "state": "open",
            "team": "payments",
            "service": "checkout",
            "labels": {"environment": "production"},
            "alerts": 3,
            "url": "http://tocsin.example/incidents/1",
        },
    }


async def test_a_request_names_its_key_and_version(sink: FakeWebhook) -> None:
    async with speaking(plain, sink.app()) as system:
        await system.create(a_ticket("a1b2", version=3))
    (posted,) = sink.posted

    assert posted.headers["Idempotency-Key"] == "a1b2:3"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.json["action"] == "create"
    assert "webhook-signature" not in posted.headers


@pytest.mark.parametrize("secret", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "correct horse battery staple"])
async def test_a_secret_signs_by_standard_webhooks(sink: FakeWebhook, secret: str) -> None:
    async with serving(sink.app()) as url:
        http = Http()
        await config(f"{url}/tickets", secret=secret).build(http).create(a_ticket("a1b2"))
        await http.close()
    (posted,) = sink.posted
    receiver = standardwebhooks.Webhook(secret if secret.startswith("whsec_") else secret.encode())

    assert receiver.verify(posted.body, dict(posted.headers)) == posted.json
    assert posted.headers["webhook-id"] == posted.headers["Idempotency-Key"] == "a1b2:1"


async def test_the_time_signed_is_the_time_of_sending(sink: FakeWebhook) -> None:
    async with serving(sink.app()) as url:
        http = Http()
        hook = Webhook(config(f"{url}/tickets", secret="x"), http, lambda: datetime(2024, 1, 1, tzinfo=UTC))
        await hook.create(a_ticket())
        await http.close()

    assert sink.posted[0].headers["webhook-timestamp"] == "1704067200"


async def test_authentication_and_headers_are_sent(sink: FakeWebhook) -> None:
    settings = {"auth": {"basic": {"username": "me", "password": "pw"}}, "headers": {"X-Tenant": "acme"}}
    async with serving(sink.app()) as url:
        http = Http()
        await config(f"{url}/tickets", **settings).build(http).create(a_ticket())
        await http.close()

    assert sink.posted[0].headers["Authorization"] == "Basic bWU6cHc="
    assert sink.posted[0].headers["X-Tenant"] == "acme"


async def test_the_query_of_the_address_is_kept() -> None:
    queries = []

    async def answer(request: web.Request) -> web.Response:
        queries.append(dict(request.query))
        return web.json_response({"id": 7})

    app = web.Application()
    app.router.add_route("*", "/t", answer)
    async with serving(app) as url:
        http = Http()
        hook = config(f"{url}/t?tenant=a%26b").build(http)
        found = await hook.find("k&1")
        await hook.create(a_ticket())
        await http.close()

    assert queries == [{"tenant": "a&b", "key": "k&1"}, {"tenant": "a&b"}]
    assert found == TicketRef("7")


@pytest.mark.parametrize("body", ["", "ok", "[]", "{}", '{"id": ""}', '{"id": null}'])
async def test_an_update_whose_answer_names_no_ticket_keeps_the_known_one(body: str) -> None:
    known = TicketRef("7", "http://tool/7")
    async with speaking(plain, broken_app(Trouble(status=202, body=body))) as system:
        assert await system.update(known, a_ticket(), TicketAction.UPDATE) == known


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"id": "7"}', TicketRef("7", "http://tool/7")),
        ('{"id": "8"}', TicketRef("8")),
        ('{"id": 8, "url": "http://tool/8"}', TicketRef("8", "http://tool/8")),
    ],
)
async def test_an_update_may_name_the_ticket_anew(body: str, expected: TicketRef) -> None:
    async with speaking(plain, broken_app(Trouble(body=body))) as system:
        assert (
            await system.update(TicketRef("7", "http://tool/7"), a_ticket(), TicketAction.UPDATE) == expected
        )


async def test_a_ping_notices_a_tool_that_finds_a_ticket_for_any_key() -> None:
    async with speaking(plain, broken_app(Trouble(body='{"id": "1"}'))) as system:
        with pytest.raises(PermanentError, match="must answer 404") as caught:
            await system.ping()

    assert caught.value.reason is Reason.BAD_ANSWER


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://tool/x"}, "URL scheme should be 'http' or 'https'"),
        ({"url": "http://me:pw@tool/x"}, "user or password"),
        ({"secret": "whsec_"}, "is empty"),
        ({"auth": {}}, "needs one of bearer and basic"),
        ({"headers": {"Idempotency-Key": "x"}}, "set by Tocsin itself"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "line break"),
        ({"headers": {"X A": "b"}}, "pattern"),
        ({"timeout": "soon"}, "write it like 30s"),
        ({"timeout": 0}, "greater than 0"),
        ({"retries": 3}, "Extra inputs"),
    ],
)
def test_a_mistake_in_the_settings_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(**{"url": "http://tool/x", **settings})


def test_secrets_are_not_shown() -> None:
    shown = repr(config("http://tool/x", secret="s3cret", auth={"bearer": "t0ken"}, headers={"X-Key": "k3y"}))

    assert not {word for word in ("s3cret", "t0ken", "k3y") if word in shown}


def test_lengths_of_time_are_read_as_people_write_them() -> None:
    settings = config("http://tool/x", timeout="1m", min_interval=2)

    assert (settings.timeout, settings.timeout_seconds, settings.min_interval) == (60_000, 60.0, 2_000)
    assert config("http://tool/x").timeout == 30_000


def test_the_schema_shows_defaults_as_people_write_them() -> None:
    schema = TypeAdapter(DestinationConfig).json_schema()

    assert schema["$defs"]["WebhookConfig"]["properties"]["timeout"]["default"] == "30s"


def test_the_type_tells_the_tool() -> None:
    settings = {"type": "webhook", "url": "http://127.0.0.1:9009/tickets"}

    assert isinstance(TypeAdapter(DestinationConfig).validate_python(settings), WebhookConfig)
