"""``POST /callback/{destination}`` answers a tool that asks whether the address is ours."""

from __future__ import annotations

import hmac
import json
from typing import cast

import pytest
from aiohttp import ClientSession, web

from adapters.fakes.slack import SECRET, FakeSlack
from adapters.http import Http
from adapters.tickets.slack import SlackConfig
from app.callbacks import Callbacks
from domain.ports import Broker
from tests.contracts.tickets import serving
from tests.contracts.two_way import NOW


@pytest.mark.parametrize("is_signed", [True, False])
async def test_slacks_challenge_is_sent_back_only_where_it_is_signed(is_signed: bool) -> None:
    """The server refuses by an exception, which its middleware would make an answer of."""
    system = SlackConfig.model_validate(FakeSlack().settings("http://127.0.0.1:1")).build(Http())
    callbacks = Callbacks({"slack": system}, cast("Broker", None), lambda: NOW)
    app = web.Application()
    app.router.add_post("/callback/{destination}", callbacks.take)
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()
    digest = hmac.new(SECRET.encode(), b"v0:17:" + body, "sha256").hexdigest()
    headers = {"X-Slack-Request-Timestamp": "17", "X-Slack-Signature": f"v0={digest if is_signed else '00'}"}
    async with serving(app) as url, ClientSession() as session:
        answer = await session.post(f"{url}/callback/slack", data=body, headers=headers)
        text = await answer.text()

    assert (answer.status == 200) is is_signed
    assert (text == "3eZbrw1a") is is_signed
