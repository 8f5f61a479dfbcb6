"""Timestamps that a sender signs: reading them, and telling whether they are of now."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from domain.times import Millis, to_millis

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_MILLIS_FROM = 10**11
"""A larger number counts milliseconds: in seconds it would be after the year 5000."""


def read_timestamp(text: str) -> Millis | None:
    """Read Unix seconds, Unix milliseconds or RFC 3339; None if it is none of these.

    >>> read_timestamp("1614265330"), read_timestamp("1614265330123"), read_timestamp("2021-02-25T15:02:10Z")
    (1614265330000, 1614265330123, 1614265330000)
    """
    if _NUMBER.fullmatch(text):
        number = float(text)
        return round(number if number >= _MILLIS_FROM else number * 1000)
    try:
        moment = datetime.fromisoformat(text)
        return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def is_fresh(moment: Millis, now: Millis, tolerance: Millis) -> bool:
    """Tell whether *moment* is no further from *now* than *tolerance*, before or after."""
    return abs(now - moment) <= tolerance
