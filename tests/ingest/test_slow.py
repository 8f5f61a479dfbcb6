"""A thousand senders that take their time: others are served, memory stays bounded, and each is told in the end."""

import asyncio
import resource
import subprocess
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ingest import server
from ingest.admission import SMALL, Budget
from ingest.models import SourceConfig
from ingest.problems import Refusal
from ingest.publisher import Publisher
from ingest.reading import Bounds
from ingest.server import Ingest
from tests.app.cli.running import serving
from tests.ingest.fakes import FakeBroker
from tests.ingest.test_server import BODY, JSON, NOW, serve

SLOW = 1_000
FILES = 4_096
DECLARED = 4 << 20
PIECE = b" " * (200 << 10)
MIB = 1 << 20
HEAD = f"POST /ingest/slow HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: {DECLARED}\r\n\r\n"
Connection = tuple[StreamReader, StreamWriter]


@pytest.fixture(autouse=True)
def _many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, FILES)), hard))


@asynccontextmanager
async def slow_senders(port: int, piece: bytes) -> AsyncIterator[list[Connection]]:
    """Open them; each sends a head and *piece*, and then nothing."""
    connections: list[Connection] = []
    for _ in range(SLOW):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connections.append((reader, writer))
        writer.write(HEAD.encode() + piece)
    try:
        yield connections
    finally:
        for _, writer in connections:
            writer.transport.abort()


async def status(connection: Connection) -> int:
    """The status that a sender is told."""
    return int((await connection[0].readline()).split()[1])


async def test_each_is_told_in_the_end_and_nothing_stays_held() -> None:
    """Meanwhile another source is answered at once."""
    sources = {
        name: SourceConfig.model_validate({"type": "alertmanager"}).build(name) for name in ("slow", "b")
    }
    ingest = Ingest(sources, Publisher(FakeBroker(), "beef"), lambda: NOW, Bounds(patience=3.0))
    client = await serve(ingest)
    assert client.port is not None
    async with slow_senders(client.port, b" ") as connections, asyncio.timeout(30):
        answer = await client.post("/ingest/b", data=BODY, headers=JSON)
        assert answer.status == 202
        told = Counter(await asyncio.gather(*map(status, connections)))

    assert told == {408: SLOW}
    assert ingest.requests == {("b", "accepted"): 1, ("slow", "too-slow"): SLOW}
    assert sources["slow"].gate.inside == 0
    await client.close()


async def test_large_bodies_of_one_source_leave_room_for_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One has half the memory at most, and hears 429 beyond it; small bodies need none."""
    monkeypatch.setattr(server, "BYTES_IN_FLIGHT", 2 * MIB)
    sources = {
        name: SourceConfig.model_validate({"type": "alertmanager"}).build(name) for name in ("slow", "b")
    }
    ingest = Ingest(sources, Publisher(FakeBroker(), "beef"), lambda: NOW, Bounds(patience=3.0))
    client = await serve(ingest)
    assert client.port is not None
    async with slow_senders(client.port, PIECE) as connections, asyncio.timeout(30):
        assert (await client.post("/ingest/slow", data=BODY, headers=JSON)).status == 202
        large = BODY + b" " * (MIB // 2)
        assert (await client.post("/ingest/b", data=large, headers=JSON)).status == 202
        told = Counter(await asyncio.gather(*map(status, connections)))

    assert set(told) == {408, 429}
    assert told[408] <= MIB // (len(PIECE) - SMALL) + 1
    await client.close()


def test_what_there_is_no_memory_for_is_told_to_come_again() -> None:
    """Shares together may be more than there is; whoever comes last waits."""
    everything = Budget(100)
    first, second = Budget(60, everything), Budget(60, everything)
    first.take(60)
    with pytest.raises(Refusal) as refused:
        second.take(50)
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
    with pytest.raises(Refusal) as refused:
        first.take(1)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    first.give_back(60)
    assert (first.held, second.held, everything.held) == (0, 0, 0)


async def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A thousand bodies of 200 KiB that never end take less than the bound for bodies and its share of buffers."""
    config = tmp_path / "tocsin.yaml"
    config.write_text("sources: {slow: {type: alertmanager}}")
    with serving(tmp_path, config) as (process, url):
        before = await asyncio.to_thread(resident, process.pid)
        async with slow_senders(int(url.rpartition(":")[2]), PIECE):
            await asyncio.sleep(2)
            grown = await asyncio.to_thread(resident, process.pid) - before

    assert grown < 320 * MIB


async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither after a connect alone, nor after a part of it, however it trickles."""
    assert server.SERVER_OPTIONS["keepalive_timeout"] <= 75
    monkeypatch.setitem(cast(dict[str, Any], server.SERVER_OPTIONS), "keepalive_timeout", 0.5)
    client = await serve(Ingest({}, Publisher(FakeBroker(), "beef"), lambda: NOW))
    for piece in (b"", HEAD[:20].encode()):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(piece)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
    await client.close()


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(told.stdout) << 10
