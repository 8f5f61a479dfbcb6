"""The audit log: a log for each month, so that old ones go whole. Pure."""

from __future__ import annotations

import msgspec

from correlation.rules import DAY
from domain.batch import Batch
from domain.events import Audited
from domain.ports import Timer
from domain.times import Millis, to_text

AUDIT = "audit:"
KEEP: Millis = 400 * DAY
"""How long a month's log is kept after it began: a year can always be looked back on."""


class Months(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The months there are logs of, by when their first line was written."""

    began: dict[str, Millis]


def handle(batch: Batch, line: Audited) -> None:
    """Write a line."""
    month = month_of(line.at)
    batch.log(audit_log(month), line)
    months = _months(batch)
    if month not in months:
        _put(batch, {**months, month: line.at})


def on_timer(batch: Batch, timer: Timer) -> None:
    """Let go of the months that are too old."""
    months = _months(batch)
    old = [month for month, began in months.items() if began + KEEP <= timer.due]
    batch.dropped_logs += map(audit_log, old)
    _put(batch, {month: began for month, began in months.items() if month not in old})


def audit_log(month: str) -> str:
    """Name the log of a month."""
    return f"audit:{month}"


def month_of(moment: Millis) -> str:
    """Name the month of a moment.

    >>> month_of(1_704_110_400_000)
    '2024-01'
    """
    return to_text(moment)[:7]


def _months(batch: Batch) -> dict[str, Millis]:
    known = batch.get(AUDIT, Months)
    return known.began if known else {}


def _put(batch: Batch, months: dict[str, Millis]) -> None:
    batch.put(AUDIT, Months(months))
    batch.arm(AUDIT, min(months.values()) + KEEP if months else None)
