"""Which messages were handled, so that a copy changes nothing. Pure.

A producer counts its messages up from 1 and they arrive almost in order, so all that must be remembered is how
far everything was handled, and the few beyond that came early.
"""

from __future__ import annotations

import msgspec

WINDOW = 4096
"""How far ahead of a missing message others may be handled before it is given up as never sent."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What was handled of one producer."""

    through: int = 0
    """Every message up to this one."""
    early: tuple[int, ...] = ()
    """And these, sorted."""


def admit(mark: Mark | None, sequence: int) -> Mark | None:
    """Note that a message is being handled; None if it was before.

    >>> admit(Mark(3, (5,)), 4), admit(Mark(3, (5,)), 5), admit(Mark(3), 3)
    (Mark(through=5, early=()), None, None)
    """
    mark = mark or Mark()
    if sequence <= mark.through or sequence in mark.early:
        return None
    return _tightened(mark.through, sorted((*mark.early, sequence)))


def _tightened(through: int, early: list[int]) -> Mark:
    while early and (early[0] == through + 1 or len(early) > WINDOW):
        through = early.pop(0)
    return Mark(through, tuple(early))
