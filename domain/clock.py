"""Time targets of an incident, as ITIL's service level agreements set them. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from domain.times import Millis


class Target(StrEnum):
    """What has to be done in time."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class ClockState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    """Done in time."""
    BREACHED = "breached"
    """The time was over before it was done."""


class Clock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much of the time for one target is used up.

    Lengths are time in which the calendar has people at work. A clock that runs says when its time will be over,
    so nothing has to be counted until something changes.
    """

    target: Target
    allowed: Millis | None
    """None where the priority has no such target: time is counted, as another priority may have one."""
    calendar: str
    """Name of the calendar that it is counted in; empty for around the clock."""
    spent: Millis
    """Used up until ``counted_at``."""
    counted_at: Millis
    runs: bool = True
    warned: int = 0
    """How many of the warnings were given."""
    breach_at: Millis | None = None
    """When the time will be over if nothing pauses it, or was; None while it does not run."""
    look_at: Millis | None = None
    """When the next warning, or the breach, is due."""
    breached_at: Millis | None = None
    met_at: Millis | None = None
    """When it was done."""

    @property
    def state(self) -> ClockState:
        """How it stands."""
        if self.breached_at is not None:
            return ClockState.BREACHED
        if self.met_at is not None:
            return ClockState.MET
        return ClockState.RUNNING if self.runs else ClockState.PAUSED


class Happening(NamedTuple):
    """Something that routing saw happen to an incident: for its timeline, and for the people at its tickets."""

    verdict: str
    reason: str
    counter: str = ""
    """What counts it; empty if nothing does."""
    note: str = ""
    """What people are told; empty for nothing."""


def first_look(moments: Sequence[Millis | None]) -> Millis | None:
    """Find the first of the moments there are.

    >>> first_look([None, 5, 3]), first_look([None])
    (3, None)
    """
    return min((moment for moment in moments if moment is not None), default=None)
