"""Keys of others are fetched rarely, for all who wait, and only from pinned addresses."""

import asyncio

import pytest
from aiohttp import web

from domain.errors import Unavailable
from ingest.auth import fetching
from ingest.auth.fetched import DAY, MINUTE, Fetched
from ingest.auth.fetching import fetch
from ingest.auth.pins import is_pinned
from tests.ingest.auth.signing import CERTIFICATE_URL, Web


def read(body: bytes) -> str:
    if body == b"bad":
        raise ValueError("bad")
    return body.decode()


async def test_who_waits_shares_one_attempt():
    """Even if the first of them goes away."""
    gate = asyncio.Event()
    asked = []

    async def slow(url: str) -> bytes:
        asked.append(url)
        await gate.wait()
        return b"key"

    kept = Fetched(slow, read)
    waiting = [asyncio.create_task(kept.ensure("a", 0)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (asked, kept.get("a")) == (["a"], "key")


async def test_what_is_there_is_used_while_it_cannot_be_had_anew():
    source = Web({"a": b"key"})
    kept = Fetched(source, read)
    await kept.ensure("a", 0)
    for page in (None, b"bad"):
        source.pages = {} if page is None else {"a": page}
        await kept.ensure("a", DAY)
        assert kept.get("a") == "key"
    source.pages = {"a": b"new"}
    await kept.ensure("a", DAY + MINUTE)
    assert kept.get("a") == "new"


async def test_attempts_are_bounded_in_a_minute():
    source = Web()
    kept = Fetched(source, read, per_minute=3)
    for number in range(10):
        await kept.ensure(f"bad{number}", number)
    assert len(source.asked) == 3
    source.pages = {"good": b"key"}
    await kept.ensure("good", MINUTE)
    assert kept.get("good") == "key"


async def test_failures_push_out_nothing_that_is_there():
    source = Web({"good": b"key"})
    kept = Fetched(source, read, most=3, per_minute=100)
    await kept.ensure("good", 0)
    for number in range(50):
        await kept.ensure(f"bad{number}", 1)
    assert kept.get("good") == "key"
    assert len(kept._entries) == 3


@pytest.mark.parametrize("url", ["https://evil.example/a.pem", "http://127.0.0.1/", "file:///etc/passwd", ""])
async def test_no_other_address_is_ever_fetched(url):
    with pytest.raises(Unavailable, match="not one that may be fetched"):
        await fetch(url)


@pytest.fixture
async def server(monkeypatch):
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/away":
            raise web.HTTPFound("/ok")
        if request.path == "/large":
            return web.Response(body=b"x" * (fetching.MOST_BYTES + 1))
        if request.path == "/slow":
            await asyncio.sleep(5)
        return web.Response(body=b"key")

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setattr(fetching, "is_pinned", lambda _: True)
    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_fetching_is_bounded_and_follows_nothing(server):
    assert await fetch(f"{server}/ok") == b"key"
    for path in ("away", "large", "slow"):
        with pytest.raises(Unavailable):
            await fetch(f"{server}/{path}")
    with pytest.raises(Unavailable):
        await fetch("http://127.0.0.1:1/")


def test_certificates_are_pinned():
    assert is_pinned(CERTIFICATE_URL)
