"""The embedded broker: each mailbox is a log in the SQLite file, and a cursor of what is acknowledged.

Acknowledging only moves the cursor. What lies before it is the journal, kept for a while where one is wanted.
The one that holds the lock file of a mailbox is its active reader.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from adapters.sqlite import Bulk, Database, FileLock
from domain.errors import BrokerUnavailable
from domain.ports import Message, Received
from domain.times import Millis

POLL: Final = 0.02
"""Seconds between looks at what other processes published, or whether the active one is gone, while idle."""
PAGE_MESSAGES: Final = 1000
PAGE_BYTES: Final = 4 << 20
"""Bodies of one read, which ends with the message that reaches this: bounds memory whatever the backlog."""
TRIM_MESSAGES: Final = 1000
TRIM_BYTES: Final = 32 << 20
"""Bodies dropped with one acknowledgement at most: more than it settles, little enough to delay nobody."""
JOURNALED: Final = "alerts."
"""Mailboxes that begin so keep what is acknowledged, as their journal."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a journal is kept. What is not acknowledged always is."""

    max_age: Millis = 7 * 24 * 3600 * 1000
    max_bytes: int = 1 << 30
    """Bodies of one mailbox."""

    def expires(self, at: Millis, kept: int, now: Millis) -> bool:
        """Tell whether the oldest message, put in *at*, may go while *kept* bytes are there.

        >>> Retention(max_age=10, max_bytes=100).expires(5, kept=100, now=15)
        False
        >>> Retention(max_age=10, max_bytes=100).expires(5, kept=101, now=15)
        True
        """
        return kept > self.max_bytes or now - at > self.max_age


NOTHING: Final = Retention(max_bytes=-1)
"""Keeps no journal."""


A_WEEK: Final = Retention()


def _now() -> Millis:
    return time.time_ns() // 1_000_000


class SqliteBroker:
    """Mailboxes in a database, which others may share and its owner closes."""

    def __init__(
        self, database: Database, *, retention: Retention = A_WEEK, clock: Callable[[], Millis] = _now
    ) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._subscriptions: set[SqliteSubscription] = set()
        self._closed = False

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Put *messages* into *mailbox*: all of them or none."""
        self._check_open()
        if not messages:
            return
        job = partial(_append, mailbox=mailbox, messages=messages, now=self._clock())
        await self._database.write(job, BrokerUnavailable)
        for subscription in self._subscriptions:
            subscription.wake(mailbox)

    @asynccontextmanager
    async def subscribe(self, mailbox: str) -> AsyncIterator[SqliteSubscription]:
        """Join those that read *mailbox*; whoever comes first is the active one."""
        self._check_open()
        number = await self._database.write(partial(_number, mailbox=mailbox), BrokerUnavailable)
        retention = self._retention if mailbox.startswith(JOURNALED) else NOTHING
        subscription = SqliteSubscription(self._database, mailbox, number, retention, self._clock)
        self._subscriptions.add(subscription)
        try:
            await subscription.activate()
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            subscription.close()

    async def journal(self, mailbox: str) -> AsyncIterator[Message]:
        """Read what is kept of *mailbox*, in pages; what is trimmed meanwhile is left out."""
        self._check_open()
        end = await self._database.read(partial(_state, mailbox=mailbox), BrokerUnavailable)
        position = 0
        while position < end.last:
            job = partial(_page, number=end.number, after=position, limit=PAGE_MESSAGES)
            if not (page := await self._database.read(job, BrokerUnavailable)):
                return
            for received in page:
                if received.tag <= end.last:
                    yield received.message
            position = page[-1].tag

    async def depth(self, mailbox: str) -> int:
        """Count the messages that wait or are in hand."""
        self._check_open()
        state = await self._database.read(partial(_state, mailbox=mailbox), BrokerUnavailable)
        return state.last - state.acknowledged

    async def ping(self) -> None:
        """Read something."""
        await self.depth("")

    async def close(self) -> None:
        """Let go of all mailboxes. The database stays open."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    def _check_open(self) -> None:
        if self._closed:
            raise BrokerUnavailable(f"this client of {self._database.path} is closed")


class SqliteSubscription:
    """A reader of one mailbox: a standby until it holds the lock file."""

    def __init__(
        self,
        database: Database,
        mailbox: str,
        number: int,
        retention: Retention,
        clock: Callable[[], Millis],
    ) -> None:
        self._database = database
        self._mailbox = mailbox
        self._number = number
        self._retention = retention
        self._clock = clock
        # Named by number: mailboxes may have names that no file can have, or differ in case only.
        self._lock = _lock_file(database.path.with_name(f"{database.path.name}.mailbox-{number}.lock"))
        self._position: int | None = None  # of the last message received; None on standby
        self._news = asyncio.Event()
        self._closed = False

    async def receive(self, limit: int, wait: float) -> list[Received]:
        """Take what is there, in the order it was put in."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while not (received := await self._take(limit)) and (left := deadline - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, POLL)):
                    await self._news.wait()
        return received

    async def acknowledge(self, last: Received) -> None:
        """Move the cursor to *last*, and drop what need not be kept."""
        job = partial(
            _acknowledge, number=self._number, upto=last.tag, retention=self._retention, now=self._clock()
        )
        await self._database.write(job, BrokerUnavailable)

    async def activate(self) -> bool:
        """Become the active one if there is none; tell whether we are."""
        if self._position is None and self._lock.try_acquire():
            job = partial(_state, mailbox=self._mailbox)
            self._position = (await self._database.read(job, BrokerUnavailable)).acknowledged
        return self._position is not None

    def wake(self, mailbox: str) -> None:
        """Hear that something was put into *mailbox*."""
        if mailbox == self._mailbox:
            self._news.set()

    def close(self) -> None:
        """Let the next one take over; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._lock.close()
            self._news.set()

    async def _take(self, limit: int) -> list[Received]:
        """Read what is there now. The position moves last, so that nothing is lost when it is cancelled."""
        self._news.clear()  # before reading: what comes from here on sets it again
        self._check_open()
        if not await self.activate():
            return []
        assert self._position is not None
        job = partial(_page, number=self._number, after=self._position, limit=min(limit, PAGE_MESSAGES))
        received = await self._database.read(job, BrokerUnavailable)
        self._check_open()
        if received:
            self._position = received[-1].tag
        return received

    def _check_open(self) -> None:
        if self._closed:
            raise BrokerUnavailable(f"the subscription to {self._mailbox} is closed")


def _lock_file(path: Path) -> FileLock:
    try:
        return FileLock(path)
    except OSError as error:
        raise BrokerUnavailable(f"{path}: {error.strerror}") from error


# What follows runs in the database's threads.


class _State(NamedTuple):
    number: int
    last: int
    acknowledged: int


_APPEND: Final = Bulk(
    "INSERT INTO messages (mailbox, position, at, producer, sequence, alerts, body) VALUES {}",
    "(?, ?, ?, ?, ?, ?, ?)",
)


def _append(connection: sqlite3.Connection, mailbox: str, messages: Sequence[Message], now: Millis) -> None:
    size = sum(len(message.body) for message in messages)
    ((number, last),) = connection.execute(
        "INSERT INTO mailboxes (name, last, bytes) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET last = last + excluded.last, bytes = bytes + excluded.bytes RETURNING id, last",
        (mailbox, len(messages), size),
    ).fetchall()
    first = last - len(messages) + 1
    rows = [
        (number, position, now, message.producer, message.sequence, message.alerts, message.body)
        for position, message in enumerate(messages, first)
    ]
    _APPEND.execute(connection, rows)


def _number(connection: sqlite3.Connection, mailbox: str) -> int:
    """Give the number of *mailbox*, which is made if need be."""
    connection.execute("INSERT INTO mailboxes (name) VALUES (?) ON CONFLICT DO NOTHING", (mailbox,))
    return _state(connection, mailbox).number


def _state(connection: sqlite3.Connection, mailbox: str) -> _State:
    rows = connection.execute(
        "SELECT id, last, acknowledged FROM mailboxes WHERE name = ?", (mailbox,)
    ).fetchall()
    return _State(*rows[0]) if rows else _State(0, 0, 0)


def _page(connection: sqlite3.Connection, number: int, after: int, limit: int) -> list[Received]:
    rows = connection.execute(
        "SELECT position, producer, sequence, body, alerts FROM messages"
        " WHERE mailbox = ? AND position > ? ORDER BY position LIMIT ?",
        (number, after, limit),
    )
    page: list[Received] = []
    size = 0
    for position, *message in rows:
        page.append(Received(Message(*message), position))
        size += len(page[-1].message.body)
        if size >= PAGE_BYTES:
            break
    return page


def _acknowledge(
    connection: sqlite3.Connection, number: int, upto: int, retention: Retention, now: Millis
) -> None:
    ((acknowledged, kept),) = connection.execute(
        "UPDATE mailboxes SET acknowledged = max(acknowledged, ?) WHERE id = ? RETURNING acknowledged, bytes",
        (upto, number),
    ).fetchall()
    oldest = connection.execute(
        "SELECT position, at, length(body) FROM messages"
        " WHERE mailbox = ? AND position <= ? ORDER BY position LIMIT ?",
        (number, acknowledged, TRIM_MESSAGES),
    )
    dropped = freed = 0
    for position, at, size in oldest:
        if freed >= TRIM_BYTES or not retention.expires(at, kept - freed, now):
            break
        dropped, freed = position, freed + size
    if dropped:
        _trim(connection, number, dropped, freed)


def _trim(connection: sqlite3.Connection, number: int, upto: int, freed: int) -> None:
    connection.execute("DELETE FROM messages WHERE mailbox = ? AND position <= ?", (number, upto))
    connection.execute("UPDATE mailboxes SET bytes = bytes - ? WHERE id = ?", (freed, number))
