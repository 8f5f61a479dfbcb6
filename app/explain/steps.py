"""The small tree in which a decision is told: what was asked, what came out, why, and what led there."""

from __future__ import annotations

import msgspec

from domain.durations import lasting
from domain.times import Millis, to_text

SECOND: Millis = 1_000


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision."""

    name: str
    says: str
    why: str = ""
    steps: tuple[Step, ...] = ()


def moment(due: Millis, now: Millis) -> str:
    """Write a moment and how far off it is.

    >>> moment(3_600_000, 0), moment(0, 1)
    ('1970-01-01T01:00:00.000Z, in 1h', '1970-01-01T00:00:00.000Z, over')
    """
    left = due - now
    if left > SECOND:
        left -= left % SECOND
    return f"{to_text(due)}, {f'in {lasting(left)}' if left > 0 else 'over'}"
