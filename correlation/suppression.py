"""What operators ask of silences, and what comes of it. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from correlation.silences import SILENCES, Silences, silence_list
from correlation.waiting import ring
from domain.batch import Batch
from domain.matching import Matcher
from domain.suppression import ExpireSilence, SetSilence, Silence, SuppressionAction
from domain.times import Millis


def obey(batch: Batch, action: SuppressionAction, now: Millis) -> None:
    """Do what is asked for. Whomever a silence kept waiting is looked at again.

    Raises:
        BadMatcher: a matcher cannot be read.
    """
    known = batch.get(SILENCES, Silences) or Silences()
    match action:
        case SetSilence():
            Matcher.of(action.silence.matchers)
            _put(batch, known, action.silence, now)
        case ExpireSilence():
            silence = known.get(action.silence)
            if silence is not None and now < silence.ends_at:
                over = replace(silence, starts_at=min(silence.starts_at, now), ends_at=now)
                _put(batch, known, over, now)


def _put(batch: Batch, known: Silences, silence: Silence, now: Millis) -> None:
    after = known.with_one(silence, now)
    batch.put(SILENCES, after)
    if known.get(silence.id) is not None:
        ring(batch, silence_list(silence.id), now)
    elif after.get(silence.id) is None:
        batch.count("silences_refused")
