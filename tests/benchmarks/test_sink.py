"""The sink keeps the webhook destination's contract and notices when Tocsin breaks its own."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from benchmarks.sink import Sink, listening

Tool = tuple[Sink, str, aiohttp.ClientSession]
Reply = tuple[int, dict[str, str]]


@pytest.fixture
async def tool():
    async with listening() as (sink, url), aiohttp.ClientSession() as session:
        yield sink, url, session


async def call(tool: Tool, action: str, key: str, version: int, service: str = "checkout") -> Reply:
    _, url, session = tool
    body = {"action": action, "key": key, "version": version, "ticket": {"service": service, "title": "x"}}
    async with session.post(url, json=body, headers={"Idempotency-Key": f"{key}:{version}"}) as reply:
        return reply.status, await reply.json()


async def look_up(tool: Tool, key: str) -> Reply:
    _, url, session = tool
    async with session.get(url, params={"key": key}) as reply:
        return reply.status, await reply.json()


async def test_a_create_names_a_ticket_that_can_be_looked_up_by_its_key(tool):
    assert await look_up(tool, "k 1") == (404, {})
    status, named = await call(tool, "create", "k 1", 1)

    assert (status, named) == (201, {"id": "T-1", "url": f"{tool[1]}/T-1"})
    assert await look_up(tool, "k 1") == (200, named)


async def test_calls_are_counted_by_action_and_the_first_time_of_a_service_is_kept(tool):
    sink = tool[0]
    await call(tool, "create", "a", 1, "search")
    first = sink.service_seen["search"]
    await call(tool, "update", "a", 2, "search")
    await call(tool, "resolve", "a", 3, "search")

    assert sink.actions == {"create": 1, "update": 1, "resolve": 1}
    assert sink.service_seen == {"search": first}


async def test_a_repeated_call_is_answered_alike_and_is_no_second_ticket(tool):
    first = await call(tool, "create", "a", 1)
    again = await call(tool, "create", "a", 1)

    assert again[1] == first[1]
    assert (tool[0].repeated, tool[0].doubles) == (1, 0)


async def test_a_second_create_of_a_key_is_noticed(tool):
    await call(tool, "create", "a", 1)
    await call(tool, "create", "a", 2)

    assert tool[0].doubles == 1


async def test_what_is_no_call_is_refused_with_the_reason(tool):
    _, url, session = tool
    async with session.post(url, json={"action": "create"}) as reply:
        assert reply.status == 422
        assert "key" in (await reply.json())["detail"]


async def test_requests_may_come_in_pieces_or_several_at_once():
    body = json.dumps({"action": "create", "key": "a", "version": 1, "ticket": {}}).encode()
    post = b"POST /tickets HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    both = post + post.replace(b'"a"', b'"b"')
    async with listening() as (sink, url):
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in (both[:70], both[70:150], both[150:]):
            writer.write(piece)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await reader.readuntil(b"T-2")
        writer.close()

    assert set(sink.ids) == {"a", "b"}
