"""docs/webhook.md shows the request that the code makes, and a server that it gets along with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from pydantic import SecretStr

from adapters.fakes.webhook import FakeWebhook
from adapters.http import Http
from adapters.tickets.webhook import Webhook, WebhookConfig, to_body
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ticket import TicketAction, TicketState
from tests.builders import NOON
from tests.docs.pages import blocks, page
from tests.docs.sample import ticket

PAGE = page("docs/webhook.md")
SECRET = "what DESK_SECRET holds"
TOLD = datetime.fromtimestamp(NOON / 1000 + 31, UTC)


@contextmanager
def webhook(url: str, *, secret: str = SECRET, clock: Any = None) -> Iterator[tuple[Webhook, Http]]:
    http = Http()
    config = WebhookConfig(type="webhook", url=url, secret=SecretStr(secret))  # type: ignore[arg-type]
    yield Webhook(config, http, clock) if clock else Webhook(config, http), http


async def test_the_request_is_the_one_that_the_code_makes() -> None:
    sink = FakeWebhook()
    async with TestServer(sink.app()) as server:
        with webhook(str(server.make_url("/tickets")), clock=lambda: TOLD) as (desk, http):
            await desk.create(ticket())
            await http.close()
    [posted] = sink.posted
    head, _, body = blocks(PAGE, "http")[0].text.partition("\n\n")
    first, *lines = head.splitlines()

    assert first == "POST /tickets"
    assert dict(line.split(": ", 1) for line in lines) == {
        name: posted.headers[name]
        for name in (
            "Content-Type",
            "Idempotency-Key",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        )
    }
    assert json.loads(body) == posted.json


def test_every_field_is_explained() -> None:
    explained = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    body = to_body(TicketAction.CREATE, ticket())

    assert explained == [*body, *(f"ticket.{name}" for name in body["ticket"])]


@pytest.fixture
def desk_url() -> Iterator[str]:
    """The server of the page, running."""
    names: dict[str, Any] = {"__name__": "desk"}
    exec(blocks(PAGE, "python")[0].text, names)
    names["Desk"].log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), names["Desk"])
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tickets"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_the_server_of_the_page_keeps_the_contract(desk_url: str) -> None:
    """A life of a ticket: not there, made once though asked twice, found, resolved."""
    wanted = ticket()
    with webhook(desk_url) as (desk, http):
        await desk.ping()
        made = await desk.create(wanted)
        again = await desk.create(wanted)
        done = replace(wanted, version=3, state=TicketState.RESOLVED)
        resolved = await desk.update(made, done, TicketAction.RESOLVE)
        found = await desk.find(wanted.key)
        await http.close()

    assert made == again == resolved == TicketRef("T1", "https://desk.example.com/T1")
    assert found is not None
    assert found.id == "T1"


async def test_the_server_of_the_page_takes_nothing_from_strangers(desk_url: str) -> None:
    with webhook(desk_url, secret="another") as (desk, http):
        with pytest.raises(PermanentError) as caught:
            await desk.create(ticket())
        await http.close()

    assert caught.value.reason is Reason.AUTHENTICATION
