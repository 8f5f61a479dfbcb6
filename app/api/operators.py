"""What operators ask of the core over HTTP: read from a body, and published to the partitions it concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec.structs import replace

from app.access.asking import actor
from domain.commands import Action
from domain.events import OperatorAsked, encode
from domain.ports import Broker, Message, alerts_mailbox
from domain.times import Millis
from ingest.admission import Budget
from ingest.problems import Refusal
from ingest.reading import Bounds, read_plain

T = TypeVar("T", bound=msgspec.Struct)

LARGEST = 64 << 10
"""Bytes of what is asked for."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks, and why."""

    actor: str = "operator"
    reason: str = ""


class Operators:
    """Passes on what is asked for."""

    def __init__(self, broker: Broker, clock: Callable[[], Millis]) -> None:
        self._broker = broker
        self._clock = clock
        self._budget = Budget(64 * LARGEST)

    def now(self) -> Millis:
        """Read the clock."""
        return self._clock()

    async def read(self, request: web.Request, kind: type[T]) -> T:
        """Read a body; an empty one says nothing.

        Raises:
            Refusal: 400 if it is not what is asked for here, 413 if it is too large.
        """
        body = await read_plain(request, Bounds(max_body=LARGEST), self._budget)
        try:
            asked = msgspec.json.decode(body or b"{}", type=kind)
        except msgspec.DecodeError as error:
            raise Refusal(
                HTTPStatus.BAD_REQUEST, "bad-body", f"the body is not what is wanted: {error}"
            ) from None
        return replace(asked, actor=actor(request, asked.actor)) if isinstance(asked, Asked) else asked

    async def ask(self, partitions: Sequence[int], asked: Asked, action: Action, id_: str = "") -> None:
        """Have it done; it is on record once this returns, and done a moment later. Copies share their *id_*."""
        event = encode([OperatorAsked(self._clock(), asked.actor, asked.reason, action, id_)])
        for partition in partitions:
            await self._broker.publish(alerts_mailbox(partition), [Message("operator", 0, event)])
