"""Leaves out the rules that have expired, wherever they stand in the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel

from config.document import Document, Node
from config.problems import Finding
from config.pruning import without
from notation import RuleConfig

T = TypeVar("T")


def unexpired(config: T, today: date) -> T:
    """Return *config* without the rules whose last day is before *today*.

    >>> [rule.id for rule in unexpired([RuleConfig(id="a", expires=date(2026, 1, 1)), RuleConfig(id="b")],
    ...                                date(2026, 1, 2))]
    ['b']
    """
    return without(config, lambda rule: rule.expires is not None and rule.expires < today)


def next_expiry(config: BaseModel) -> date | None:
    """Say which is the first last day of a rule; None if none expires."""
    return min((rule.expires for rule in _rules(config) if rule.expires), default=None)


def expired(document: Document, today: date) -> Iterator[Finding]:
    """Tell of rules that are left out."""
    for path, node in document.root.walk():
        last = node.child("expires") if path and isinstance(path[-1], int) else None
        if last is not None and _is_past(last, today):
            owner = node.child("owner")
            whose = f"; ask {owner.value}, who answers for it" if owner and owner.value else ""
            yield Finding((*path, "expires"), f"the rule expired on {last.value} and is left out{whose}")


def _is_past(node: Node, today: date) -> bool:
    try:
        return isinstance(node.value, str) and date.fromisoformat(node.value) < today
    except ValueError:
        return False


def _rules(config: Any) -> Iterator[RuleConfig]:
    if isinstance(config, RuleConfig):
        yield config
    below = dict(config) if isinstance(config, BaseModel) else config
    for each in below.values() if isinstance(below, dict) else below if isinstance(below, list) else ():
        yield from _rules(each)
