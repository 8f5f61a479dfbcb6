"""Time as data: whole milliseconds since the Unix epoch, UTC.

Integers compare, subtract and serialise without surprises, and are the same bytes in SQLite, Redis and JSON.
The core is given its ``now``; only the shells read a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Millis = int
"""Milliseconds: a point in time since 1970-01-01T00:00Z, or a length of time, as the name says."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_millis(moment: datetime) -> Millis:
    """Convert an aware datetime.

    >>> to_millis(datetime(2024, 1, 1, tzinfo=UTC))
    1704067200000
    """
    return (moment - _EPOCH) // _MILLISECOND


def earliest(*moments: Millis | None) -> Millis | None:
    """Give the first of those that there are. It is asked for each alert, so it is a plain loop.

    >>> earliest(3, None, 2), earliest(None), earliest()
    (2, None, None)
    """
    first = None
    for moment in moments:
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def to_text(moment: Millis) -> str:
    """Format as RFC 3339 in UTC, to the millisecond.

    >>> to_text(1704067200000)
    '2024-01-01T00:00:00.000Z'
    """
    text = (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
