"""Which errors are known: those of the configuration, and the record of those that people recorded since."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from domain.known_error import ForgetKnownError, KnownError, KnownErrorAction
from domain.matching import Matcher
from domain.rule_index import RuleIndex

KNOWN_ERRORS = "known_errors:"
"""The record of all that were recorded."""
RECORDED_AT_MOST = 1_000


class KnownErrors(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """All known errors that were recorded in a shard, by id."""

    items: tuple[KnownError, ...] = ()

    @cached_property
    def index(self) -> RuleIndex[KnownError]:
        """Find those that may apply without trying each."""
        return RuleIndex([(Matcher.of(each.matchers), each) for each in self.items])

    def after(self, action: KnownErrorAction) -> KnownErrors:
        """Take one in, in place of the one of the same id, or let go of one. The oldest goes to make room."""
        if isinstance(action, ForgetKnownError):
            return KnownErrors(tuple(each for each in self.items if each.id != action.known_error))
        others = [each for each in self.items if each.id != action.known_error.id]
        latest = sorted([*others, action.known_error], key=lambda each: (each.recorded_at, each.id))
        return KnownErrors(tuple(sorted(latest[-RECORDED_AT_MOST:], key=lambda each: each.id)))


@dataclass(frozen=True, slots=True)
class KnownErrorRules:
    """Those of the configuration, in their order; the first that matches is shown."""

    items: tuple[tuple[Matcher, KnownError], ...] = ()
    index: RuleIndex[KnownError] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", RuleIndex(self.items))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.items)
