"""Takes rules out of a configuration, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from notation import RuleConfig

T = TypeVar("T")


def without(config: T, is_out: Callable[[RuleConfig], bool]) -> T:
    """Return *config* without the rules of which *is_out* says so.

    >>> [rule.id for rule in without([RuleConfig(id="a", owner="x"), RuleConfig(id="b")], lambda rule: rule.owner)]
    ['b']
    """
    if isinstance(config, BaseModel):
        changed = {
            name: after
            for name, before in config
            if isinstance(before, BaseModel | list | dict)
            and (after := without(before, is_out)) is not before
        }
        return config.model_copy(update=changed) if changed else config
    if isinstance(config, list):
        left = [each for each in config if not (isinstance(each, RuleConfig) and is_out(each))]
        return _kept(config, [without(each, is_out) for each in left])
    if isinstance(config, dict):
        return _kept(config, {name: without(each, is_out) for name, each in config.items()})
    return config


def _kept(before: T, after: Any) -> T:
    """Keep what nothing was left out of: it is what was checked, down to its identity."""
    return before if before == after else cast(T, after)
