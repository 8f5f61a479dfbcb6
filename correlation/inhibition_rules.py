"""Rules of inhibition, compiled; and what is known of the alerts that inhibit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from domain.matching import Fields, Matcher

SOURCES_AT_MOST = 1_000
"""Alerts known to inhibit the same; more of them change nothing."""


class Sources(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The keys of the alerts that fire and inhibit the same targets, sorted."""

    plain: tuple[str, ...] = ()
    twofold: tuple[str, ...] = ()
    """Those that would be targets of the rule, too: they inhibit none that would be a source."""

    def of(self, *, twofold: bool) -> tuple[str, ...]:
        """List those that inhibit a target, *twofold* if it would be a source, too."""
        return self.plain if twofold else (*self.plain, *self.twofold)

    def plus(self, key: str, *, twofold: bool) -> Sources:
        """Take one in."""
        if twofold:
            return Sources(self.plain, _with(self.twofold, key))
        return Sources(_with(self.plain, key), self.twofold)

    def minus(self, key: str) -> Sources:
        """Leave one out."""
        return Sources(_without(self.plain, key), _without(self.twofold, key))


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert fires that fits ``source``, those that fit ``target`` and have equal labels are suppressed."""

    id: str
    source: Matcher
    target: Matcher
    equal: tuple[str, ...] = ()

    def place(self, fields: Fields | Mapping[str, str]) -> str:
        """Name what sources and targets must share: the rule, and their values; a missing label is empty.

        >>> InhibitRule("r", Matcher(), Matcher(), ("a",)).place({"a": "b,c"})
        'r|a=3:b,c'
        """
        values = [(name, fields.get(name, "")) for name in self.equal]
        return f"{self.id}|" + ",".join(f"{name}={len(value)}:{value}" for name, value in values)


def _with(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    if key in keys or len(keys) >= SOURCES_AT_MOST:
        return keys
    return tuple(sorted((*keys, key)))


def _without(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(each for each in keys if each != key)
