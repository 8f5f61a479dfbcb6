"""What a shard does outside, beside deciding: nothing, or calls to a ticketing tool."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Protocol

from domain.times import Millis

TIMERS_AT_ONCE = 500
"""Timers acted on in one batch."""


class Effects(Protocol):
    """Begins actions after a commit, and brings back how they ended as items for the handler."""

    wake: asyncio.Event
    """Set when a result is there, until it is collected."""

    def room(self) -> int:
        """How many timers may be acted on now, at most TIMERS_AT_ONCE."""
        ...

    def room_in(self) -> float:
        """Seconds until there may be more room; infinite when only a result can make some."""
        ...

    def begin(self, actions: list[Any]) -> None:
        """Start actions."""
        ...

    def collect(self, now: Millis) -> list[Any]:
        """Take the results there are."""
        ...

    def in_flight(self) -> int:
        """Count actions begun whose results were not collected."""
        ...

    def forget(self) -> None:
        """Abandon all actions: the shard is not ours any more, or its state is unknown."""
        ...


class NoEffects:
    """For shards that only decide."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()

    def room(self) -> int:
        """Timers only change state: no bound but the batch's."""
        return TIMERS_AT_ONCE

    def room_in(self) -> float:
        """There is always room."""
        return math.inf

    def begin(self, actions: list[Any]) -> None:
        """Nothing asks for actions."""

    def collect(self, now: Millis) -> list[Any]:  # noqa: ARG002 - the port's signature
        """Nothing ends."""
        self.wake.clear()
        return []

    def in_flight(self) -> int:
        """Nothing is under way."""
        return 0

    def forget(self) -> None:
        """Nothing to abandon."""
