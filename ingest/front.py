"""The front of the socket: answers plain POSTs of alerts itself, and gives any other connection to aiohttp.

Most of what is posted is small, arrives at once and wants a short answer. aiohttp would take longer for each than
everything that is done with it. As soon as something else comes, or something that is slow or large or not as it
should be, the connection is aiohttp's for good, with all that was read of the request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, Protocol, cast

import structlog
from aiohttp.http import SERVER_SOFTWARE

from ingest.deliveries import Answer
from ingest.heads import LONGEST_HEAD, Heads, Whole

MOST_HELD: Final = 64 * 1024
"""Bytes of a request, or of those behind it. It is what every body may have without asking, see ``admission``."""
PATIENCE: Final = 1.0
"""Seconds that a request may take to arrive here; then aiohttp waits for the rest of it, in its own way."""
_END: Final = b"\r\n\r\n"
_FAILED: Final = Answer(500, "text/plain", b"500 Internal Server Error")

log = structlog.get_logger("front")


class Answers(Protocol):
    """What answers requests: ingest."""

    async def express(self, request: Whole) -> Answer:
        """Take what was posted."""
        ...


class Front:
    """Makes the protocol of each connection, and ends them."""

    def __init__(
        self, answers: Answers, fallback: Callable[[], asyncio.Protocol], keepalive: float = 75.0
    ) -> None:
        """Answer by *answers*; *fallback* makes aiohttp's protocol. *keepalive* is in seconds."""
        self.answers = answers
        self.fallback = fallback
        self.heads = Heads()
        self.is_closing = False
        self.connections: set[Connection] = set()
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self._sweeping = self._loop.call_later(keepalive / 4, self._sweep)

    def __call__(self) -> Connection:
        """Make a connection's protocol."""
        return Connection(self)

    async def close(self, grace: float) -> None:
        """Answer what has arrived, up to *grace* seconds, and close all connections."""
        self.is_closing = True
        self._sweeping.cancel()
        tasks = [task for connection in self.connections if (task := connection.close_when_idle())]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for connection in tuple(self.connections):
            connection.abort()

    def _sweep(self) -> None:
        """Close those that nothing came over for long."""
        now = self._loop.time()
        for connection in tuple(self.connections):
            if now - connection.since >= self._keepalive:
                connection.close_when_idle()
        self._sweeping = self._loop.call_later(self._keepalive / 4, self._sweep)


class Connection(asyncio.Protocol):
    """One connection: one request is answered at a time, those behind it wait."""

    __slots__ = ("_front", "_held", "_is_clogged", "_peer", "_task", "_timer", "_transport", "since")

    def __init__(self, front: Front) -> None:
        self._front = front
        self._held: bytes | bytearray = b""
        self._task: asyncio.Task[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._is_clogged = False
        self.since = 0.0
        """When it was last heard of, by the clock of the loop."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, list | tuple) else None
        self.since = asyncio.get_running_loop().time()
        self._front.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End. What is under way goes on: it was asked for, and may be on durable storage already."""
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Take what came, if it is a whole request; else keep it until it is."""
        if self._held:
            if not isinstance(self._held, bytearray):
                self._held = bytearray(self._held)
            self._held += data
        else:
            self._held = data
        if self._task is None and not self._is_clogged:
            self._begin()
        elif len(self._held) > MOST_HELD and self._transport:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Answer no more until the other side reads."""
        self._is_clogged = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_clogged = False
        self._go_on()

    def close_when_idle(self) -> asyncio.Task[Answer] | None:
        """Close it; where a request is under way, give what is to be waited for before.

        One that has begun to come is aiohttp's, which waits for the rest.
        """
        if self._task is None:
            self._hand_over() if self._held and not self._is_clogged else self.abort()
        return self._task

    def abort(self) -> None:
        """Close it, whatever is under way."""
        if self._transport is not None:
            self._transport.abort() if self._is_clogged else self._transport.close()

    def _begin(self) -> None:
        """Begin with the first request of what is held."""
        held = self._held
        end = held.find(_END, 0, LONGEST_HEAD) + len(_END)
        if end < len(_END):
            return self._wait() if len(held) < LONGEST_HEAD else self._hand_over()
        head = self._front.heads.get(bytes(held[:end]))
        if head is None or head.content_length > MOST_HELD:
            return self._hand_over()
        whole = end + head.content_length
        if len(held) < whole:
            return self._wait()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._held = held[whole:]
        request = Whole(head, bytes(held[end:whole]), self._peer)
        self._task = asyncio.get_running_loop().create_task(self._front.answers.express(request))
        self._task.add_done_callback(self._answer)
        return None

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._hand_over)

    def _answer(self, task: asyncio.Task[Answer]) -> None:
        self._task = None
        loop = asyncio.get_running_loop()
        self.since = loop.time()
        try:
            answer, failed = task.result(), False
        except (Exception, asyncio.CancelledError):  # whatever it was, who asked is to be told
            log.exception("a request failed")
            answer, failed = _FAILED, True
        if self._transport is None:
            return
        self._transport.write(written(answer))
        if failed or self._front.is_closing:
            self._transport.close()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Begin with what has come meanwhile."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._task or self._is_clogged:
            return
        if self._held:
            self._begin()
        if self._transport is transport and len(self._held) <= MOST_HELD:
            transport.resume_reading()

    def _hand_over(self) -> None:
        """Let aiohttp have the connection, and what is held of its next request."""
        transport, held = self._transport, bytes(self._held)
        self._leave()
        if transport is None or transport.is_closing():
            return
        protocol = self._front.fallback()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
        protocol.data_received(held)

    def _leave(self) -> None:
        self._front.connections.discard(self)
        self._transport = None
        self._held = b""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def written(answer: Answer) -> bytes:
    """Write an answer down as aiohttp would.

    Raises:
        ValueError: a header would end before its line does.
    """
    lines = [_STATUS_LINES[answer.status]]
    for name, value in answer.headers.items():
        if "\r" in value or "\n" in value:
            raise ValueError(f"the header {name} holds a line end")
        lines.append(f"{name}: {value}\r\n")
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}\r\n")
    lines.append(
        f"Content-Length: {len(answer.body)}\r\nDate: {_date()}\r\nServer: {SERVER_SOFTWARE}\r\n\r\n"
    )
    return "".join(lines).encode() + answer.body


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_dates: dict[int, str] = {}


def _date() -> str:
    """Give the time as HTTP writes it, once a second."""
    now = int(time.time())
    if now not in _dates:
        _dates.clear()
        _dates[now] = formatdate(now, usegmt=True)
    return _dates[now]
