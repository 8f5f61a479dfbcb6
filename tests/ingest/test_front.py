"""The front of the socket: whatever comes, in whatever pieces, is answered as aiohttp alone would answer it."""

import asyncio
import gzip
import json
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import front as module
from ingest.deliveries import Answer
from ingest.front import MOST_HELD, Front, written
from ingest.heads import LONGEST_HEAD, REMEMBERED, Heads
from ingest.server import SERVER_OPTIONS, Ingest
from tests.ingest.fakes import FakeBroker, until
from tests.ingest.test_server import BODY, PUSH, make_ingest

TOKEN = "Authorization: Bearer some-token"
LARGE = json.dumps({"alerts": [], "filler": "x" * (MOST_HELD + 10)}).encode()


def request(
    body: bytes = BODY, *lines: str, to: str = "POST /ingest/prom HTTP/1.1", length: bool = True
) -> bytes:
    """Write a request down."""
    head = [to, "Host: t", *lines, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


GOOD = request(BODY, TOKEN, "Content-Type: application/json")
REQUESTS = {
    "webhook": GOOD,
    "push": request(PUSH, TOKEN, to="POST /api/v2/alerts HTTP/1.1"),
    "push to a source": request(PUSH, TOKEN, to="POST /ingest/prom/api/v2/alerts HTTP/1.1"),
    "push that names its source": request(PUSH, TOKEN, to="POST /api/v2/alerts?source=prom HTTP/1.1"),
    "query": request(BODY, TOKEN, to="POST /ingest/prom?a=b%20c HTTP/1.1"),
    "no token": request(),
    "wrong token": request(BODY, "Authorization: Bearer other"),
    "unknown source": request(to="POST /ingest/nobody HTTP/1.1"),
    "escaped source": request(BODY, TOKEN, to="POST /ingest/pr%6fm HTTP/1.1"),
    "beyond": request(BODY, TOKEN, to="POST /ingest/prom/more HTTP/1.1"),
    "image": request(BODY, TOKEN, "Content-Type: image/png"),
    "not json": request(b"{", TOKEN),
    "wrong shape": request(b'{"alerts": 1}', TOKEN),
    "empty": request(b"", TOKEN),
    "no length": request(b"", TOKEN, length=False),
    "large": request(LARGE, TOKEN),
    "larger than it may be": request(json.dumps({"alerts": [], "x": "x" * 30_000}).encode(), TOKEN),
    "packed": request(gzip.compress(BODY, mtime=0), TOKEN, "Content-Encoding: gzip"),
    "in chunks": request(chunked(BODY), TOKEN, "Transfer-Encoding: chunked", length=False),
    "get": request(b"", TOKEN, to="GET /ingest/prom HTTP/1.1"),
    "put": request(BODY, TOKEN, to="PUT /ingest/prom HTTP/1.1"),
    "elsewhere": request(BODY, to="POST /elsewhere HTTP/1.1"),
    "long head": request(BODY, TOKEN, f"X-Long: {'x' * LONGEST_HEAD}"),
    "last": request(BODY, TOKEN, "Connection: close"),
    "old": request(BODY, TOKEN, to="POST /ingest/prom HTTP/1.0"),
    "two lengths": request(BODY, TOKEN, "Content-Length: 3"),
    "length and chunks": request(chunked(BODY), TOKEN, "Transfer-Encoding: chunked"),
    "length in words": request(b"", TOKEN, "Content-Length: many", length=False),
    "negative length": request(b"", TOKEN, "Content-Length: -1", length=False),
    "folded header": request(BODY, TOKEN, "X-A: b\r\n c"),
    "name with a space": request(BODY, TOKEN, "X A: b"),
    "bare line feeds": GOOD.replace(b"\r\n", b"\n") + b"\r\n\r\n",
    "empty line before": b"\r\n" + GOOD,
    "noise": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "hidden in a body": request(GOOD, TOKEN),
}


ENDING = {
    "two lengths",
    "length and chunks",
    "length in words",
    "negative length",
    "name with a space",
    "last",
    "old",
}
ENDING |= {"bare line feeds", "noise", "folded header"}
"""After them aiohttp closes the connection. How much of what came with them it has heard depends on the network."""


@asynccontextmanager
async def served(
    ingest: Ingest, *, fronted: bool, keepalive: float = 75.0
) -> AsyncIterator[tuple[int, Front]]:
    """Serve *ingest* with the front before aiohttp, or without."""
    app = web.Application()
    app.add_routes(ingest.routes())
    runner = web.AppRunner(app, access_log=None, **SERVER_OPTIONS)
    await runner.setup()
    assert runner.server is not None
    front = Front(ingest, runner.server, keepalive)
    server = await asyncio.get_running_loop().create_server(
        front if fronted else runner.server, "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1], front
    finally:
        server.close()
        await front.close(1)
        await runner.cleanup()


async def told(
    pieces: Sequence[bytes], *, fronted: bool, ends: bool = False
) -> tuple[list[bytes], list[str]]:
    """Send *pieces* to a fresh server; give the answers, without their time, and what became durable.

    *ends* says that the server closes the connection by itself.
    """
    broker = FakeBroker()
    async with served(make_ingest(broker), fronted=fronted) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if not ends:
            writer.write(request(b"", "Connection: close", to="GET /the-end HTTP/1.1"))
        async with asyncio.timeout(10):
            answers = await reader.read()
        writer.close()
    return [_without_time(answer) for answer in answers.split(b"HTTP/1.1 ")], broker.names()


def _without_time(answer: bytes) -> bytes:
    """Leave out what depends on how the network cut the stream, too: aiohttp quotes the piece it did not like."""
    return b"400" if answer.startswith(b"400 ") else re.sub(rb"\r\nDate: [^\r]*", b"", answer)


@pytest.mark.parametrize("name", REQUESTS)
async def test_each_is_answered_as_aiohttp_would(name):
    """Also what follows on the connection: nothing of a body is ever taken for a request, or the other way."""
    ends = name in ENDING
    stream = [REQUESTS[name]] if ends else [REQUESTS[name], GOOD]
    assert await told(stream, fronted=True, ends=ends) == await told(stream, fronted=False, ends=ends)


@given(
    names=st.lists(st.sampled_from(sorted(REQUESTS.keys() - ENDING)), min_size=1, max_size=5),
    cuts=st.lists(st.floats(0, 1), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_any_row_of_them_in_any_pieces(names, cuts):
    stream = b"".join(REQUESTS[name] for name in names)
    places = sorted(int(cut * len(stream)) for cut in cuts)
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    alone, fronted = (asyncio.run(told(pieces, fronted=fronted)) for fronted in (False, True))
    assert fronted == alone


async def connect(port: int) -> tuple[StreamReader, StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize("name", ["webhook", "push", "push to a source", "query", "no token", "not json"])
async def test_most_are_answered_without_aiohttp(name):
    """Else nothing were won."""
    async with served(make_ingest(FakeBroker()), fronted=True) as (port, front):
        reader, writer = await connect(port)
        writer.write(REQUESTS[name])
        assert (await reader.readline()).startswith(b"HTTP/1.1 ")
        assert front.connections
        writer.close()


async def test_one_that_is_slow_is_left_to_aiohttp(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    async with served(make_ingest(FakeBroker()), fronted=True) as (port, front):
        reader, writer = await connect(port)
        writer.write(GOOD[:-5])
        await until(lambda: front.connections)
        await until(lambda: not front.connections)
        writer.write(GOOD[-5:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()


async def test_pipelined_ones_are_read_as_they_are_answered():
    """What waits behind a request is bounded."""
    broker = FakeBroker()
    broker.open.clear()
    async with served(make_ingest(broker), fronted=True) as (port, front):
        reader, writer = await connect(port)
        large = request(b" " * 8_000 + BODY, TOKEN)
        many = 40 * MOST_HELD // len(large)
        writer.write(large * many)
        await until(lambda: broker.concurrent)
        await asyncio.sleep(0.05)
        [connection] = front.connections
        assert len(connection._held) <= MOST_HELD + 512 * 1024  # and what one read may bring
        broker.open.set()
        writer.write(request(b"", TOKEN, "Connection: close"))
        async with asyncio.timeout(20):
            answers = await reader.read()
        assert answers.count(b"HTTP/1.1 202 ") == many
        writer.close()


async def test_one_with_nothing_on_it_is_closed():
    async with served(make_ingest(FakeBroker()), fronted=True, keepalive=0.1) as (port, front):
        silent, _writer = await connect(port)
        served_once, writer = await connect(port)
        writer.write(GOOD)
        await served_once.readuntil(b"}")
        async with asyncio.timeout(5):
            assert await silent.read() == b""
            assert await served_once.read() == b""
        assert not front.connections
        writer.close()
        _writer.close()


async def test_what_is_under_way_is_answered_before_the_end():
    broker = FakeBroker()
    broker.open.clear()
    async with served(make_ingest(broker), fronted=True) as (port, front):
        reader, writer = await connect(port)
        idle, idle_writer = await connect(port)
        writer.write(GOOD + GOOD)
        await until(lambda: broker.concurrent)
        closing = asyncio.create_task(front.close(5))
        assert await idle.read() == b""
        broker.open.set()
        await closing
        assert (await reader.read()).count(b"HTTP/1.1 202 ") == 1
        writer.close()
        idle_writer.close()
    assert len(broker.names()) == 1


async def test_the_end_does_not_wait_for_ever():
    broker = FakeBroker()
    broker.open.clear()
    async with served(make_ingest(broker), fronted=True) as (port, front):
        reader, writer = await connect(port)
        writer.write(GOOD)
        await until(lambda: broker.concurrent)
        await front.close(0.01)
        assert await reader.read() == b""
        broker.open.set()
        writer.close()


async def test_one_that_leaves_before_its_answer_is_taken_all_the_same():
    broker = FakeBroker()
    broker.open.clear()
    async with served(make_ingest(broker), fronted=True) as (port, front):
        _, writer = await connect(port)
        writer.write(GOOD)
        await until(lambda: broker.concurrent)
        writer.transport.abort()
        await until(lambda: not front.connections)
        broker.open.set()
        await until(broker.names)


async def test_a_mistake_of_ours_is_a_500(monkeypatch, capsys):
    ingest = make_ingest(FakeBroker())
    async with served(ingest, fronted=True) as (port, _):
        monkeypatch.setattr(ingest.intake, "take", None)
        reader, writer = await connect(port)
        writer.write(GOOD)
        assert (await reader.read()).startswith(b"HTTP/1.1 500 ")
        writer.close()
    assert "a request failed" in capsys.readouterr().out


async def test_heads_are_remembered_within_a_bound():
    heads = Heads()
    for number in range(REMEMBERED + 5):
        head = request(b"x", f"X-Number: {number}").removesuffix(b"x")
        assert heads.get(head) is heads.get(head)
    assert len(heads._known) == REMEMBERED


def test_no_header_can_end_its_line():
    with pytest.raises(ValueError, match="X-Reply"):
        written(Answer(200, "", b"", {"X-Reply": "a\r\nb: c"}))
