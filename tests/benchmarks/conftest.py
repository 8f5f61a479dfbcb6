"""A tiny HTTP server that answers POSTs as a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from benchmarks.load import Target
from tests.services.server import free_port

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[int], bytes]


@dataclass
class Origin:
    """What has been posted; *answer* is given the serial number of a POST, and b"" hangs up on it."""

    answer: Answer
    target: Target
    bodies: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.bodies.append(await reader.readexactly(length))
                self.heads.append(head)
                reply = self.answer(len(self.bodies))
                if not reply:
                    return
                await _write_in_two(writer, reply)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return
        finally:
            writer.close()


@pytest.fixture
def origin():
    return _listening


@asynccontextmanager
async def _listening(answer: Answer = lambda _: ACCEPTED) -> AsyncIterator[Origin]:
    site = Origin(answer, Target("127.0.0.1", free_port(), "/ingest/prom"))
    server = await asyncio.start_server(site.serve, site.target.host, site.target.port)
    try:
        yield site
    finally:
        server.close()
        await asyncio.sleep(0)


async def _write_in_two(writer: asyncio.StreamWriter, reply: bytes) -> None:
    """Send a reply in pieces, as a network may."""
    writer.write(reply[:20])
    await writer.drain()
    await asyncio.sleep(0)
    writer.write(reply[20:])
