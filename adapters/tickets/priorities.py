"""Priorities as tools name them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from domain.priority import Priority

W = TypeVar("W", str, int)


def priority_of(word: W | None, words: Mapping[Priority, W]) -> Priority | None:
    """Return the priority that *word* stands for; None where it stands for several, or for none.

    A word of several says nothing: whichever was read, it would look as if a person had changed it.

    >>> priority_of("low", {Priority.P3: "normal", Priority.P4: "low", Priority.P5: "low"}) is None
    True
    """
    found = [priority for priority, each in words.items() if each == word]
    return found[0] if len(found) == 1 else None
