"""The engine of the load generator: keep-alive POSTs over a few raw connections.

They go as fast as answers come, or at a fixed rate. The generator shares the machine with the server it
measures, so it does little per request: the bytes are built beforehand, a connection sends its next request
from the very call that brought the last answer, and nothing is awaited.
At a fixed rate the latency counts from the moment a POST was due, so a server that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import re
import time
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import cast
from urllib.parse import urlsplit

CONNECTIONS = 32
MOST_ATTEMPTS = 20
LONGEST_WAIT = 30.0  # seconds; a longer Retry-After is shortened to it
RECONNECT_WAIT = 0.1
TICK = 0.001
BROKEN = 0  # the "status" of a request whose connection ended before its answer
REFUSALS = (429, 503)

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, taken apart once."""

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Take an address apart.

        >>> Target.parse("http://127.0.0.1:8080/ingest/prom")
        Target(host='127.0.0.1', port=8080, path='/ingest/prom')
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"the load generator speaks plain HTTP to http://HOST:PORT/PATH, not to {url!r}")
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return cls(parts.hostname, parts.port or 80, path)

    def request(self, body: bytes, headers: Sequence[str] = ()) -> bytes:
        """Write the whole POST; *headers* are ready lines such as ``Authorization: Bearer x``."""
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Result:
    """What a load came to; latencies are of accepted POSTs, in milliseconds."""

    posts: int
    accepted: int
    gave_up: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_post: float
    statuses: dict[int, int]


class Load:
    """Requests on their way out; ``run`` returns when each was accepted, refused for good or given up."""

    def __init__(self, target: Target, requests: Sequence[bytes], *, rate: float | None = None) -> None:
        self._target = target
        self._requests = requests
        self._rate = rate
        self._next = 0
        self._released = 0 if rate else len(requests)
        self._again: deque[int] = deque()
        self._attempts: Counter[int] = Counter()
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._reconnecting: set[asyncio.Task[None]] = set()
        self._finished: asyncio.Future[None] | None = None
        self._gave_up = 0
        self.started = 0.0
        self.done = 0
        self.statuses: Counter[int] = Counter()
        self.latencies = array("f")
        self.sent = array("d", bytes(8 * len(requests)))  # when each was first sent (or due), perf_counter

    async def run(self, connections: int = CONNECTIONS) -> Result:
        """Send everything over *connections* connections."""
        if not self._requests:
            raise ValueError("there is nothing to send")
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        cpu = time.process_time()
        try:
            await self._connect_all(connections)
            await self._finished
        finally:
            self._close()
        return self._result(time.perf_counter() - self.started, time.process_time() - cpu)

    def answered(self, connection: _Connection, index: int, reply: bytes) -> None:
        """Count one answer and give its connection the next request."""
        status = int(reply[9:12])
        self.statuses[status] += 1
        if status in REFUSALS:
            self._retry(index, _retry_after(reply))
        else:
            if status < 300:
                self.latencies.append(time.perf_counter() - connection.since)
            self._settle()
        self._feed(connection)

    def broken(self, connection: _Connection, index: int) -> None:
        """Take back the request of a connection that ended, and open another in its place."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if index >= 0:
            self.statuses[BROKEN] += 1
            self._retry(index, RECONNECT_WAIT)
        if not self._over():
            task = asyncio.get_running_loop().create_task(self._reconnect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    def _feed(self, connection: _Connection) -> None:
        if self._again:
            index = self._again.popleft()
            connection.send(index, self._requests[index], time.perf_counter())
        elif self._next < self._released:
            index = self._next
            self._next = index + 1
            since = self.started + index / self._rate if self._rate else time.perf_counter()
            self.sent[index] = since
            connection.send(index, self._requests[index], since)
        else:
            self._idle.append(connection)

    def _feed_idle(self) -> None:
        while self._idle and (self._again or self._next < self._released):
            self._feed(self._idle.pop())

    def _release(self, rate: float) -> None:
        """Let out what is due by now, once a tick."""
        due = int((time.perf_counter() - self.started) * rate) + 1
        self._released = min(due, len(self._requests))
        self._feed_idle()
        if self._released < len(self._requests) and not self._over():
            asyncio.get_running_loop().call_later(TICK, self._release, rate)

    def _retry(self, index: int, wait: float) -> None:
        self._attempts[index] += 1
        if self._attempts[index] >= MOST_ATTEMPTS:
            self._gave_up += 1
            self._settle()
        else:
            asyncio.get_running_loop().call_later(wait, self._requeue, index)

    def _requeue(self, index: int) -> None:
        self._again.append(index)
        self._feed_idle()

    def _settle(self) -> None:
        self.done += 1
        if self.done == len(self._requests) and self._finished and not self._finished.done():
            self._finished.set_result(None)

    def _over(self) -> bool:
        return self._finished is None or self._finished.done()

    async def _connect_all(self, connections: int) -> None:
        count = min(connections, len(self._requests))
        opened = [await self._connect() for _ in range(count)]
        self.started = time.perf_counter()
        self._idle.extend(opened)
        if self._rate:
            self._release(self._rate)
        self._feed_idle()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        host, port = self._target.host, self._target.port
        _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
        self._open.add(connection)
        return connection

    async def _reconnect(self) -> None:
        for _ in range(MOST_ATTEMPTS):
            await asyncio.sleep(RECONNECT_WAIT)
            try:
                connection = await self._connect()
            except OSError:
                continue
            self._feed(connection)
            return
        if self._finished and not self._finished.done():
            address = f"{self._target.host}:{self._target.port}"
            self._finished.set_exception(ConnectionError(f"nobody listens on {address} any more"))

    def _close(self) -> None:
        if self._finished and not self._finished.done():
            self._finished.cancel()
        for task in self._reconnecting:
            task.cancel()
        for connection in tuple(self._open):
            connection.close()

    def _result(self, seconds: float, cpu: float) -> Result:
        posts = len(self._requests)
        return Result(
            posts=posts,
            accepted=len(self.latencies),
            gave_up=self._gave_up,
            seconds=seconds,
            p50_ms=1000 * percentile(self.latencies, 0.50),
            p99_ms=1000 * percentile(self.latencies, 0.99),
            cpu_us_per_post=1e6 * cpu / posts,
            statuses=dict(sorted(self.statuses.items())),
        )


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    __slots__ = ("_held", "_index", "_load", "_transport", "since")
    _transport: asyncio.Transport

    def __init__(self, load: Load) -> None:
        self._load = load
        self._held = b""
        self._index = -1
        self.since = 0.0

    def send(self, index: int, request: bytes, since: float) -> None:
        self._index = index
        self.since = since
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._held:
            data = self._held + data
        if not _is_whole(data):
            self._held = data
            return
        self._held = b""
        index, self._index = self._index, -1
        self._load.answered(self, index, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._load.broken(self, self._index)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of the values do not exceed; 0.0 when there are none.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def _is_whole(reply: bytes) -> bool:
    """Tell whether the one reply awaited is all there; chunked replies are not read."""
    end = reply.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(reply, 0, end)
    return len(reply) >= end + 4 + (int(length[1]) if length else 0)


def _retry_after(reply: bytes) -> float:
    found = _RETRY_AFTER.search(reply, 0, reply.find(b"\r\n\r\n"))
    return min(float(found[1]), LONGEST_WAIT) if found else 1.0
