"""What moves impact and urgency away from what criticality and severity give: spread, place, time, growth. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.durations import lasting
from domain.incident import Extent, Incident
from domain.matching import Matcher
from domain.times import Millis
from routing.calendars import Calendar, advance
from routing.catalogue import Service, glob

NOWHERE = Extent()


class SupportHours(StrEnum):
    """Whether people look after a service."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Growth:
    """So many alerts joined within so long."""

    alerts: int
    within: Millis


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A rule that raises or lowers impact and urgency by some levels. All that it asks for must hold."""

    id: str
    match: Matcher = field(default_factory=Matcher)
    impact: int = 0
    """Levels up; negative for down."""
    urgency: int = 0
    services: int = 0
    """From this many services hit; 0 asks nothing, as do the others."""
    cis: int = 0
    """From this many CIs hit."""
    sites: int = 0
    cis_down: int = 0
    """From this many CIs of the service with alerts that fire."""
    cis_left: int | None = None
    """Down to this many CIs of the service without."""
    growth: Growth | None = None
    support_hours: SupportHours | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """An incident as adjustments look at it."""

    incident: Incident
    service: Service
    fields: Mapping[str, str]
    now: Millis

    @property
    def extent(self) -> Extent:
        """What was hit."""
        return self.incident.extent or NOWHERE

    @property
    def members_down(self) -> int:
        """How many of the service's CIs have alerts that fire."""
        members = [glob(ci) for ci in self.service.cis]
        down = (name.casefold() for name, firing in self.extent.cis.items() if firing)
        return sum(any(member.fullmatch(name) for member in members) for name in down)


def reasons(rule: Adjustment, facts: Facts) -> list[str] | None:
    """Say why the rule applies; None if it does not."""
    if not rule.match.matches(facts.fields):
        return None
    said = list(_answers(rule, facts))
    return None if None in said else [each for each in said if each]


def _answers(rule: Adjustment, facts: Facts) -> Iterator[str | None]:
    """Yield a reason for each thing asked for, None where it does not hold."""
    extent = facts.extent
    for wanted, there_are, what in (
        (rule.services, len(facts.incident.services), "services hit"),
        (rule.cis, len(extent.cis), "CIs hit"),
        (rule.sites, len(extent.sites), "sites hit"),
    ):
        if wanted:
            yield f"{there_are} {what}" if there_are >= wanted else None
    if rule.cis_down or rule.cis_left is not None:
        yield _redundancy(rule, facts)
    if rule.growth is not None:
        until = grows_until(rule.growth, extent)
        yield _growth(rule.growth) if until is not None and facts.now < until else None
    if rule.support_hours is not None:
        yield _hours(rule.support_hours, facts)


def _redundancy(rule: Adjustment, facts: Facts) -> str | None:
    down, members = facts.members_down, len(facts.service.cis)
    enough = down >= rule.cis_down and (rule.cis_left is None or (down and members - down <= rule.cis_left))
    return f"{down} of {members} CIs of {facts.service.name} down" if enough else None


def _growth(growth: Growth) -> str:
    return f"{growth.alerts} more alerts within {lasting(growth.within)}"


def grows_until(growth: Growth, extent: Extent) -> Millis | None:
    """Say until when an incident counts as growing, if nothing more comes; None if it did not grow so fast."""
    joins = extent.joins[-growth.alerts :]
    return joins[0] + growth.within if len(joins) == growth.alerts else None


def _hours(wanted: SupportHours, facts: Facts) -> str | None:
    calendar = facts.service.support_hours
    is_open = calendar is None or calendar.is_open(facts.now)
    if is_open is not (wanted is SupportHours.OPEN):
        return None
    return f"{'within' if is_open else 'outside'} the support hours of {facts.service.name or 'the service'}"


def next_change(rules: tuple[Adjustment, ...], facts: Facts) -> Millis | None:
    """Say when time alone may change what the rules say: people come or go, growth ends."""
    calendar = facts.service.support_hours
    ends = [grows_until(rule.growth, facts.extent) for rule in rules if rule.growth is not None]
    moments = [end for end in ends if end is not None and end > facts.now]
    if calendar is not None and any(rule.support_hours for rule in rules):
        turn = next_turn(calendar, facts.now)
        moments += [] if turn is None else [turn]
    return min(moments, default=None)


def next_turn(calendar: Calendar, now: Millis) -> Millis | None:
    """Find the next moment at which business time begins or ends; None if it is years away."""
    if not calendar.is_open(now):
        found = advance(calendar, now, 1)
        return None if found is None else found - 1
    return calendar.closes_after(now)
