"""Maintenance windows that a shard was told of: from calendars, and from planned changes. Pure.

Windows of rules with a date or a recurrence are not here: those are computed when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec

from correlation.silences import covering
from domain.fields import AlertFields
from domain.matching import Matcher
from domain.rule_index import RuleIndex
from domain.suppression import PlannedWindow
from domain.times import Millis

WINDOWS = "windows:"
"""The record of all of them."""
WINDOWS_AT_MOST = 2_000


class Windows(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """All windows that a shard was told of and that are not over, by id."""

    items: tuple[PlannedWindow, ...] = ()

    @cached_property
    def index(self) -> RuleIndex[PlannedWindow]:
        """Find those that may apply without trying each."""
        return RuleIndex([(Matcher.of(each.matchers), each) for each in self.items])

    def over(self, fields: AlertFields, now: Millis) -> PlannedWindow | None:
        """Find the one that an alert is in now; of several the one that ends last."""
        return covering(self.index.applying(fields), now)

    def of(self, origin: str) -> list[PlannedWindow]:
        """List those of one origin."""
        return [each for each in self.items if each.origin == origin]

    def planned(self, origin: str, windows: Sequence[PlannedWindow], now: Millis) -> Windows:
        """Take the word of *origin* in place of what it said before; of too many those that begin last are left out.

        Raises:
            BadMatcher: a matcher cannot be read.
        """
        for each in windows:
            Matcher.of(each.matchers)
        others = [each for each in self.items if each.origin != origin]
        return Windows(_kept([*others, *windows], now))


def window_list(window: str) -> str:
    """Name the list of the alerts that wait for a window's end."""
    return f"window:{window}"


def _kept(windows: Iterable[PlannedWindow], now: Millis) -> tuple[PlannedWindow, ...]:
    coming = [each for each in windows if each.ends_at > now]
    first = sorted(coming, key=lambda each: (each.starts_at, each.id))[:WINDOWS_AT_MOST]
    return tuple(sorted(first, key=lambda each: each.id))
