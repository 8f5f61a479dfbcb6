"""What time does to an incident, beside growing old: each watch says when, and what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from correlation.fallback import fallback_at, fallen_back
from correlation.lifecycle import close_at, closed_in_time
from correlation.rules import CorrelationRules
from domain.incident import Incident, TimelineEntry
from domain.times import Millis, earliest


class Watch(NamedTuple):
    """One reason to look at an incident again."""

    due: Callable[[Incident, CorrelationRules], Millis | None]
    """Says when; None for never, as things are."""
    act: Callable[[Incident, CorrelationRules, Millis], tuple[Incident, Sequence[TimelineEntry]]]
    """Says what is to be done by now, with an entry for each thing; the same incident if there is nothing."""


WATCHES = (Watch(fallback_at, fallen_back), Watch(close_at, closed_in_time))


def next_look(incident: Incident, rules: CorrelationRules) -> Millis | None:
    """Say when the first watch has something to do."""
    return earliest(*[watch.due(incident, rules) for watch in WATCHES])


def looked_at(
    incident: Incident, rules: CorrelationRules, now: Millis
) -> tuple[Incident, list[TimelineEntry]]:
    """Do what is to be done by now."""
    entries: list[TimelineEntry] = []
    for watch in WATCHES:
        incident, said = watch.act(incident, rules, now)
        entries += said
    return incident, entries
