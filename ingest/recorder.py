"""Keeps what tools post, as files that ``tocsin parse`` and ``tocsin send`` read: for fixtures, and to see what comes.

A file a request, a folder a source, the oldest removed first. Recording never holds a request up: what comes faster
than the disk takes it is not recorded, and counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from pathlib import Path

import structlog

from domain.times import Millis, to_text
from ingest.masking import masked, without_key
from ingest.sources import Post
from ingest.sources.message import SUFFIX, write_message

MOST_FILES = 1_000
"""Requests of one source that are kept."""
MOST_BYTES = 64 << 20
"""Bytes of one source that are kept, and bytes that may wait for the disk."""

log = structlog.get_logger("recorder")


class Recorder:
    """Writes requests into a folder."""

    def __init__(self, folder: Path, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._queue: asyncio.Queue[tuple[str, Millis, bytes] | None] = asyncio.Queue()
        self._waiting = 0
        self._numbers = count(1)
        self._kept: dict[str, deque[tuple[Path, int]]] = {}
        self._broken = False

    def note(self, post: Post) -> bool:
        """Have a request written, secrets masked; tell whether there was room for it."""
        message = masked_message(post)
        if self._waiting + len(message) > self._most_bytes:
            return False
        self._waiting += len(message)
        self._queue.put_nowait((post.source, post.received_at, message))
        return True

    async def run(self) -> None:
        """Write until ``stop``, and then what is left."""
        while (noted := await self._queue.get()) is not None:
            source, at, message = noted
            try:
                await asyncio.to_thread(self._write, source, at, message)
                self._broken = False
            except OSError as error:
                if not self._broken:
                    log.warning("recording_failed", error=str(error))
                self._broken = True
            self._waiting -= len(message)

    def stop(self) -> None:
        """Let ``run`` end."""
        self._queue.put_nowait(None)

    def _write(self, source: str, at: Millis, message: bytes) -> None:
        kept = self._files_of(source)
        moment = to_text(at).replace(":", "").replace("-", "")
        path = self._folder / source / f"{moment}-{next(self._numbers):06}{SUFFIX}"
        path.touch(mode=0o600)
        path.write_bytes(message)
        kept.append((path, len(message)))
        while len(kept) > self._most_files or (
            len(kept) > 1 and sum(size for _, size in kept) > self._most_bytes
        ):
            kept.popleft()[0].unlink(missing_ok=True)

    def _files_of(self, source: str) -> deque[tuple[Path, int]]:
        """List what is there of a source, also from before this process began."""
        if source not in self._kept:
            folder = self._folder / source
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = sorted(folder.glob(f"*{SUFFIX}"))
            self._kept[source] = deque((path, path.stat().st_size) for path in found)
        return self._kept[source]


def masked_message(post: Post) -> bytes:
    """Write a request down without its secrets."""
    return write_message(
        Post(
            body=without_key(post.body),
            received_at=post.received_at,
            source=post.source,
            headers=masked(post.headers),
            query=masked(post.query),
            method=post.method,
            path=post.path,
        )
    )
