"""A ticketing tool that costs next to nothing: the far end of a ``webhook`` destination.

It answers ``POST`` and ``GET ?key=KEY`` as the destination's contract asks, remembers when each key first
arrived, counts what it was told to do, and notices what must never happen: a second ticket for one key.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast
from urllib.parse import parse_qs, urlsplit

import msgspec
import uvloop

PATH = "/tickets"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_IDEMPOTENCY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)


class Ticket(msgspec.Struct):
    """What is read of a ticket."""

    service: str | None = None


class Call(msgspec.Struct):
    """What is read of a call."""

    action: str
    key: str
    version: int
    ticket: Ticket


class Sink:
    """What has arrived so far. Times are of ``time.perf_counter``, the clock of ``Load.sent``."""

    def __init__(self, base: str = "") -> None:
        self.base = base
        self.ids: dict[str, str] = {}
        self.service_seen: dict[str, float] = {}
        self.actions: Counter[str] = Counter()
        self.repeated = 0  # calls with an Idempotency-Key seen before: allowed, answered alike
        self.doubles = 0  # creates of a key that has a ticket: a broken promise
        self._idempotency: set[bytes] = set()
        self._decode = msgspec.json.Decoder(Call).decode

    def post(self, head: bytes, body: bytes) -> bytes:
        """Take one call and name its ticket."""
        try:
            call = self._decode(body)
        except msgspec.MsgspecError as error:
            return _reply("422 Unprocessable Content", msgspec.json.encode({"detail": str(error)}))
        self._count(call, head)
        return self._named(call.key, "200 OK" if call.key in self.ids else "201 Created")

    def get(self, path: str) -> bytes:
        """Look a ticket up by its key."""
        key = parse_qs(urlsplit(path).query).get("key", [""])[0]
        return self._named(key, "200 OK") if key in self.ids else _reply("404 Not Found", b"{}")

    def _count(self, call: Call, head: bytes) -> None:
        found = _IDEMPOTENCY.search(head)
        mark = found[1].strip() if found else f"{call.key}:{call.version}".encode()
        if mark in self._idempotency:
            self.repeated += 1
            return
        self._idempotency.add(mark)
        self.actions[call.action] += 1
        self.doubles += call.action == "create" and call.key in self.ids
        self.service_seen.setdefault(call.ticket.service or "", time.perf_counter())

    def _named(self, key: str, status: str) -> bytes:
        name = self.ids.setdefault(key, f"T-{len(self.ids) + 1}")
        return _reply(status, msgspec.json.encode({"id": name, "url": f"{self.base}/{name}"}))


class _Client(asyncio.Protocol):
    """One connection of the server under test; requests may arrive in pieces or several at once."""

    __slots__ = ("_held", "_sink", "_transport")
    _transport: asyncio.Transport

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < whole:
                return
            body, self._held = self._held[end + 4 : whole], self._held[whole:]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if method == "POST":
            return self._sink.post(head, body)
        if method == "GET":
            return self._sink.get(path)
        return _reply("405 Method Not Allowed", b"{}")


@asynccontextmanager
async def listening(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[Sink, str]]:
    """Serve a sink on the running loop; gives it and its address."""
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: _Client(sink), host, port)
    sink.base = f"http://{host}:{server.sockets[0].getsockname()[1]}{PATH}"
    try:
        yield sink, sink.base
    finally:
        server.close()


def _reply(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve(port: int) -> None:
    async with listening(port=port) as (sink, url):
        print(f"tickets are taken at {url}; stop with Ctrl-C", flush=True)
        while True:
            before = sum(sink.actions.values())
            await asyncio.sleep(1)
            if sum(sink.actions.values()) != before:
                print(dict(sink.actions), f"doubles: {sink.doubles}", flush=True)


def main() -> None:
    """Run a sink of its own, to try Tocsin by hand."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sink",
        description="Take tickets as a webhook destination and count them.",
        epilog='example: python -m benchmarks.sink --port 9009    # destination url "http://127.0.0.1:9009/tickets"',
    )
    parser.add_argument("--port", type=int, default=9009, help="default: 9009")
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
