"""What a parser cannot see of the source it reads for: the zone of its clock, and how far that runs ahead.

Parsers are given bodies and give alerts. That a date without an offset is meant in the source's own zone, and
that a date is ahead of ours, concerns the helpers they all use, so it is handed to these directly.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from datetime import UTC, tzinfo

from domain.times import Millis


class Circumstances:
    """Of one source. ``ahead`` is the most that a moment was ahead of its receipt since it was last looked at."""

    __slots__ = ("ahead", "zone")

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self.ahead: Millis = 0

    def take_ahead(self) -> Millis:
        """Look, and begin anew."""
        ahead, self.ahead = self.ahead, 0
        return ahead


_present: ContextVar[Circumstances] = ContextVar("circumstances", default=Circumstances())  # noqa: B039


def set_circumstances(of: Circumstances) -> Token[Circumstances]:
    """Let parsers, from now on in this task, read for the source that *of* belongs to."""
    return _present.set(of)


def zone_of_source() -> tzinfo:
    """Return the zone that dates without an offset are meant in."""
    return _present.get().zone


def not_after(moment: Millis, received_at: Millis) -> Millis:
    """Take a moment ahead of ours for now, and note by how much it was.

    A clock that runs ahead must not outrank what comes later.
    """
    if moment <= received_at:
        return moment
    present = _present.get()
    present.ahead = max(present.ahead, moment - received_at)
    return received_at
