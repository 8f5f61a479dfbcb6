"""A P1 must reach somebody: what a destination has not got in time goes to its fallback, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from correlation.rules import CorrelationRules, Fallback
from domain.incident import Incident, TimelineEntry
from domain.priority import Priority
from domain.times import Millis


def fallback_at(incident: Incident, rules: CorrelationRules) -> Millis | None:
    """Say when to look whether all destinations have got the incident; None for never."""
    if not rules.fallbacks:
        return None
    return min((incident.opened_at + each.after for _, each in _waiting(incident, rules)), default=None)


def fallen_back(
    incident: Incident, rules: CorrelationRules, now: Millis
) -> tuple[Incident, Sequence[TimelineEntry]]:
    """Add the fallbacks of destinations that are late; say which."""
    late = [
        (name, each) for name, each in _waiting(incident, rules) if incident.opened_at + each.after <= now
    ]
    if not late or incident.assessment is None:
        return incident, ()
    added = dict.fromkeys(each.destination for _, each in late)
    destinations = (*incident.assessment.destinations, *added)
    reason = "; ".join(f"{name} has not got it in time, so {each.destination} gets it" for name, each in late)
    told = replace(incident, assessment=replace(incident.assessment, destinations=destinations))
    return told, (TimelineEntry(now, "fell_back", reason),)


def _waiting(incident: Incident, rules: CorrelationRules) -> Iterator[tuple[str, Fallback]]:
    """List the destinations that have no ticket yet of an open P1, and their fallbacks."""
    judged = incident.assessment
    if judged is None or not incident.is_open or judged.priority is not Priority.P1:
        return
    done = {ticket.destination for ticket in incident.tickets if ticket.ref is not None}
    for name in judged.destinations:
        each = rules.fallbacks.get(name)
        if each is not None and name not in done and each.destination not in judged.destinations:
            yield name, each
