"""What could not be understood: how it is kept, and how it is tried again."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from domain.events import AlertsReceived, Quarantined, QuarantineSettled
from domain.times import Millis
from ingest.masking import masked, without_key
from ingest.problems import Refusal
from ingest.source import Source
from ingest.sources import Post

if TYPE_CHECKING:
    from ingest.intake import Intake

LARGE = 1 << 16
"""Bytes of a body from which on it is packed: what was unpacked must not outgrow a message again."""


async def to_keep(post: Post, id_: str, reason: str, path: str, accepted: int) -> Quarantined:
    """Make of a request what is kept of it: all but its secrets."""
    body = without_key(post.body)
    packed = len(body) > LARGE
    if packed:
        body = await asyncio.to_thread(zlib.compress, body, 1)
    return Quarantined(
        id=id_,
        received_at=post.received_at,
        source=post.source,
        reason=reason,
        path=path,
        body=body,
        content_type=post.headers.get("content-type", ""),
        headers=masked(post.headers),
        query=masked(post.query),
        method=post.method,
        subpath=post.path,
        accepted=accepted,
        packed=packed,
    )


def as_posted(kept: Quarantined, body: bytes | None = None) -> Post:
    """Make a request again of what was kept of it; *body* takes the place of its own."""
    own = zlib.decompress(kept.body) if kept.packed else kept.body
    return Post(
        body=own if body is None else body,
        received_at=kept.received_at,
        source=kept.source,
        headers=kept.headers,
        query=kept.query,
        method=kept.method,
        path=kept.subpath,
    )


class Replaying:
    """Tries again what is in quarantine, with the parser and the settings of now.

    A replay gives alerts the moment the request was first received, so those that were accepted before, by the
    request itself or by another replay, are known as repeats: nothing opens twice.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        intake: Intake,
        now: Callable[[], Millis],
        body_of: Callable[[web.Request], Awaitable[bytes]],
    ) -> None:
        self._sources = sources
        self._intake = intake
        self._now = now
        self.body_of = body_of
        """Reads what an operator sends in place of a body, within the bounds for tools."""

    async def replay(self, kept: Quarantined, body: bytes | None = None) -> tuple[int, int]:
        """Take it in; return how many alerts were accepted, and how many faults are left.

        It leaves the quarantine once there are none.

        Raises:
            BadBody: it is still not understood.
            Refusal: its source is not configured any more, or there is too much in it.
            StorageFull, Unavailable: try again.
        """
        source = self._sources.get(kept.source)
        if source is None:
            detail = f"source {kept.source!r} is not configured any more"
            raise Refusal(HTTPStatus.CONFLICT, "unknown-source", detail)
        parsed = self._intake.read(source, as_posted(kept, body))
        received = AlertsReceived(f"{kept.id}-replay", self._now(), list(parsed.alerts))
        accepted = await self._intake.accept(source, received)
        if not parsed.faults:
            await self._intake.settle(QuarantineSettled(kept.id, self._now(), accepted))
        return accepted, len(parsed.faults)

    async def drop(self, kept: Quarantined) -> None:
        """Let go of it.

        Raises:
            StorageFull, Unavailable: try again.
        """
        await self._intake.settle(QuarantineSettled(kept.id, self._now()))
