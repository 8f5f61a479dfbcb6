"""Where accepted alerts wait while the broker is away: in front of it, with the same ``publish``.

Its order is the rule: as long as anything waits here, everything goes through here, and leaves oldest first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar

import structlog

from domain.errors import BrokerUnavailable, StorageFull
from domain.ports import Message
from ingest.publisher import Publishes
from ingest.spool_file import Row, SpoolFile

T = TypeVar("T")

PATIENCE = 5.0
FIRST_RETRY, LONGEST_RETRY = 0.1, 5.0
NEARLY_EMPTY = 64

log = structlog.get_logger()


class Spool:
    """A broker's publish that succeeds while the broker is away, as long as there is room on disk."""

    def __init__(
        self,
        broker: Publishes,
        file: SpoolFile,
        thread: ThreadPoolExecutor,
        *,
        patience: float = PATIENCE,
        longest_retry: float = LONGEST_RETRY,
    ) -> None:
        self._broker = broker
        self._file = file
        self._thread = thread
        self._patience = patience
        self._longest_retry = longest_retry
        self._storing = 0
        self._away = False
        self._closed = False
        self._turn = asyncio.Event()
        """Set when the spool has run empty or the broker failed: then those who wait for it look again."""
        self._forwarder: asyncio.Task[None] | None = None
        self.spooled = 0
        """Messages that were put here since the start."""
        self._start_forwarder()

    @classmethod
    async def open(
        cls,
        broker: Publishes,
        path: Path,
        max_size: int,
        *,
        patience: float = PATIENCE,
        longest_retry: float = LONGEST_RETRY,
    ) -> Self:
        """Open the spool file at *path*; what a former process left in it is sent first.

        A publish that takes longer than *patience* seconds counts as failed.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        try:
            file = await asyncio.get_running_loop().run_in_executor(thread, SpoolFile.open, path, max_size)
        except BaseException:
            thread.shutdown()
            raise
        return cls(broker, file, thread, patience=patience, longest_retry=longest_retry)

    @property
    def depth(self) -> int:
        """Messages that wait here."""
        return self._file.rows

    @property
    def size(self) -> int:
        """Bytes that wait here."""
        return self._file.size

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Put *messages* into the broker's *mailbox*, or here until it is back.

        Raises:
            StorageFull: the broker is away and there is no room here; none is in.
            BrokerUnavailable: no room here, and some may be in the broker; publish the same again.
        """
        if self._in_use and self._catching_up:
            await self._wait_until_empty()
        if self._in_use:
            await self._store(mailbox, messages)
        else:
            await self._publish_or_store(mailbox, messages)

    async def close(self) -> None:
        """Stop forwarding; what waits stays on disk for the next start. Safe to call twice."""
        if self._forwarder:
            self._forwarder.cancel()
            await asyncio.gather(self._forwarder, return_exceptions=True)
        if not self._closed:
            self._closed = True
            await self._in_thread(self._file.close)  # after whatever is still being written
            self._thread.shutdown()

    @property
    def _in_use(self) -> bool:
        return bool(self._file.rows or self._storing)

    @property
    def _catching_up(self) -> bool:
        """Whether it is about to run empty. Under load it never would if what comes were put behind."""
        return not self._away and self._file.rows <= NEARLY_EMPTY

    async def _wait_until_empty(self) -> None:
        self._turn.clear()
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.wait()
        except TimeoutError:
            pass

    async def _publish_or_store(self, mailbox: str, messages: Sequence[Message]) -> None:
        try:
            await self._send(mailbox, messages)
        except BrokerUnavailable as error:
            self._note_away(error)
            try:
                await self._store(mailbox, messages)
            except StorageFull as full:
                raise BrokerUnavailable(f"{error}; {full}") from full

    async def _send(self, mailbox: str, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._broker.publish(mailbox, messages)
        except TimeoutError:
            raise BrokerUnavailable(f"no confirm within {self._patience:g} s") from None

    async def _store(self, mailbox: str, messages: Sequence[Message]) -> None:
        self._storing += 1
        try:
            await self._in_thread(lambda: self._file.append(mailbox, messages))
        finally:
            self._storing -= 1
        self.spooled += len(messages)
        self._start_forwarder()

    def _start_forwarder(self) -> None:
        if self._file.rows and (self._forwarder is None or self._forwarder.done()):
            self._forwarder = asyncio.create_task(self._forward(), name="spool forwarder")

    async def _forward(self) -> None:
        """Send what waits, oldest first, until nothing does."""
        pause = FIRST_RETRY
        while self._file.rows:
            try:
                await self._forward_batch()
                self._note_back()
                pause = FIRST_RETRY
            except Exception as error:  # noqa: BLE001 - whatever it was, the messages are still here
                self._note_away(error)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
                pause = min(2 * pause, self._longest_retry)
        self._turn.set()

    async def _forward_batch(self) -> None:
        rows = await self._in_thread(self._file.oldest)
        for mailbox, group in groupby(rows, key=attrgetter("mailbox")):
            await self._forward_group(mailbox, list(group))

    async def _forward_group(self, mailbox: str, rows: list[Row]) -> None:
        await self._send(mailbox, [row.message for row in rows])
        await self._in_thread(lambda: self._file.remove(rows))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _note_away(self, error: Exception) -> None:
        self._turn.set()
        if not self._away:
            self._away = True
            log.warning("the broker went away; alerts wait in the spool", error=repr(error))

    def _note_back(self) -> None:
        if self._away:
            self._away = False
            log.info("the broker is back; the spool is being forwarded", messages=self._file.rows)
