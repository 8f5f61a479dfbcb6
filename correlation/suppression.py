"""What is asked of silences and maintenance windows, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from correlation.silences import SILENCES, Silences, silence_list
from correlation.waiting import ring
from correlation.windows import WINDOWS, Windows, window_list
from domain.batch import Batch
from domain.matching import Matcher
from domain.suppression import (
    ExpireSilence,
    PlannedWindow,
    PlanWindows,
    SetSilence,
    Silence,
    SuppressionAction,
)
from domain.times import Millis


def wanted(action: SuppressionAction) -> str:
    """Name the record that deciding on it reads."""
    return WINDOWS if isinstance(action, PlanWindows) else SILENCES


def obey(batch: Batch, action: SuppressionAction, now: Millis) -> None:
    """Do what is asked for. Whomever a silence kept waiting is looked at again.

    Raises:
        BadMatcher: a matcher cannot be read.
    """
    match action:
        case SetSilence():
            known = batch.get(SILENCES, Silences) or Silences()
            Matcher.of(action.silence.matchers)
            _put(batch, known, action.silence, now)
        case ExpireSilence():
            known = batch.get(SILENCES, Silences) or Silences()
            silence = known.get(action.silence)
            if silence is not None and now < silence.ends_at:
                over = replace(silence, starts_at=min(silence.starts_at, now), ends_at=now)
                _put(batch, known, over, now)

        case PlanWindows():
            plan(batch, action.origin, action.windows, now)


def plan(batch: Batch, origin: str, windows: Sequence[PlannedWindow], now: Millis) -> None:
    """Take the word of *origin* for all the windows that it has planned; an empty list takes them back.

    Whoever waits for one that is changed or gone is looked at again.

    Raises:
        BadMatcher: a matcher cannot be read.
    """
    before = batch.get(WINDOWS, Windows) or Windows()
    after = before.planned(origin, windows, now)
    if after == before:
        return
    batch.put(WINDOWS, after)
    kept = after.of(origin)
    for window in before.of(origin):
        if window not in kept and window.covers(now):
            ring(batch, window_list(window.id), now)


def _put(batch: Batch, known: Silences, silence: Silence, now: Millis) -> None:
    after = known.with_one(silence, now)
    batch.put(SILENCES, after)
    if known.get(silence.id) is not None:
        ring(batch, silence_list(silence.id), now)
    elif after.get(silence.id) is None:
        batch.count("silences_refused")
