"""Silences: what people want to hear nothing of for a time. Pure.

All of a shard's are in one record, as each alert that begins to fire is held against all of them. A silence says what
must not begin: an alert that fires already, and its incident, are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol, TypeVar

import msgspec

from domain.fields import AlertFields
from domain.matching import Matcher
from domain.rule_index import RuleIndex
from domain.suppression import Silence
from domain.times import Millis, to_text

SILENCES = "silences:"
"""The record of all of them."""
SILENCES_AT_MOST = 1_000
KEEP_EXPIRED: Millis = 5 * 86_400_000
"""How long one is shown after its end; as long as Alertmanager does."""


class Span(Protocol):
    """What covers a time: a silence, or a window of maintenance."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def ends_at(self) -> Millis:
        """When it is over."""
        ...

    def covers(self, now: Millis) -> bool:
        """Tell whether it is now."""
        ...


S = TypeVar("S", bound=Span)


def covering(spans: Iterable[S], now: Millis) -> S | None:
    """Choose the one that is now; of several the one that ends last, whatever their order."""
    current = [each for each in spans if each.covers(now)]
    return max(current, key=lambda each: (each.ends_at, each.id), default=None)


class Silences(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """All silences of a shard, by id."""

    items: tuple[Silence, ...] = ()

    @cached_property
    def index(self) -> RuleIndex[Silence]:
        """Find those that may apply without trying each."""
        return RuleIndex([(Matcher.of(each.matchers), each) for each in self.items])

    def over(self, fields: AlertFields, now: Millis) -> Silence | None:
        """Find the one that keeps an alert quiet now; of several the one that does so longest."""
        return covering(self.index.applying(fields), now)

    def get(self, name: str) -> Silence | None:
        """Find one by its id."""
        return next((each for each in self.items if each.id == name), None)

    def with_one(self, silence: Silence, now: Millis) -> Silences:
        """Take one in, in place of the one of the same id.

        Those that are long over are forgotten, and then, to make room, those that end first.
        """
        others = [each for each in self.items if each.id != silence.id]
        return Silences(_kept([*others, silence], now))


def silence_list(silence: str) -> str:
    """Name the list of the alerts that a silence keeps waiting."""
    return f"silence:{silence}"


def silenced_by(silence: Silence) -> str:
    """Say who wants it quiet, and why.

    >>> silenced_by(Silence("5f2a", ("a=b",), 0, 60_000, "alice", "new disks"))
    'silenced by alice until 1970-01-01T00:01:00.000Z: new disks (silence 5f2a)'
    """
    why = f": {silence.comment}" if silence.comment else ""
    return f"silenced by {silence.author} until {to_text(silence.ends_at)}{why} (silence {silence.id})"


def _kept(silences: Iterable[Silence], now: Millis) -> tuple[Silence, ...]:
    fresh = [each for each in silences if each.ends_at + KEEP_EXPIRED > now]
    latest = sorted(fresh, key=lambda each: (each.ends_at, each.id))[-SILENCES_AT_MOST:]
    return tuple(sorted(latest, key=lambda each: each.id))
