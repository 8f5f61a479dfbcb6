"""SLA clocks: how much of the time to acknowledge and to resolve an incident is used up. Pure.

A clock counts business time from the opening of the incident. It stands still while the incident is on hold or over,
and goes on when it is opened again. Another priority or service sets it another target; the time used up stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from domain.clock import Clock, Happening, Target
from domain.durations import lasting
from domain.incident import Incident, Stage
from domain.priority import Priority
from domain.times import Millis, to_text
from routing.calendars import Calendar, advance, elapsed

DONE = {Target.ACKNOWLEDGE: "acknowledged", Target.RESOLVE: "resolved"}


@dataclass(frozen=True, slots=True)
class Aim:
    """A target: so much business time, in the calendar of that name."""

    allowed: Millis | None = None
    calendar: str = ""


NO_AIM = Aim()


@dataclass(frozen=True, slots=True)
class SlaRules:
    """What was agreed."""

    aims: Mapping[tuple[Priority, Target], Aim] = field(default_factory=dict)
    services: Mapping[str, Mapping[tuple[Priority, Target], Aim]] = field(default_factory=dict)
    """For services of which something else was agreed: all of their targets."""
    warn_at: tuple[float, ...] = (0.5, 0.8)
    """Parts of the time allowed at which people are warned, growing, below 1."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)

    def aim(self, service: str, priority: Priority, target: Target) -> Aim:
        """Find what was agreed for incidents of that priority of *service*."""
        return self.services.get(service, self.aims).get((priority, target), NO_AIM)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the clocks of an incident go by, at one moment."""

    service: str
    priority: Priority
    now: Millis
    pause: str = ""
    """Why time does not count; empty if it does."""


def clocks_after(
    incident: Incident, situation: Situation, rules: SlaRules
) -> tuple[tuple[Clock, ...], list[Happening]]:
    """Bring the clocks of *incident* up to its *situation*; say what happened to them."""
    clocks: list[Clock] = []
    happened: list[Happening] = []
    known = {clock.target: clock for clock in incident.clocks}
    for target in Target:
        clock = known.get(target) or Clock(target, None, "", 0, incident.opened_at, runs=False)
        ticked, told = _ticked(clock, situation, rules)
        adjusted = _adjusted(ticked, incident, situation, rules)
        after, told_at_once = _ticked(adjusted, situation, rules)
        turns = _turns(ticked, adjusted, situation) if target in known else ()
        clocks.append(after)
        happened += [*told, *turns, *told_at_once]
    return tuple(clocks), happened


def _ticked(clock: Clock, situation: Situation, rules: SlaRules) -> tuple[Clock, list[Happening]]:
    """Notice what has become due on a clock as it is set: the last warning there was, or the breach."""
    if clock.look_at is None or clock.look_at > situation.now:
        return clock, []
    spent = clock.spent + elapsed(rules.calendars.get(clock.calendar), clock.counted_at, situation.now)
    warned = sum(mark <= spent for mark in _marks(clock, rules))
    if warned <= clock.warned:  # the rules have changed since: it is not due yet
        return _scheduled(clock, rules), []
    is_over = warned > len(rules.warn_at)
    breached_at = clock.breach_at or situation.now
    after = replace(clock, warned=warned, breached_at=breached_at if is_over else None)
    happening = _breach(after, situation) if is_over else _warning(after, situation, rules)
    return _scheduled(after, rules), [happening]


def _adjusted(clock: Clock, incident: Incident, situation: Situation, rules: SlaRules) -> Clock:
    """Set a clock to what the incident is now; time goes on where it went on before."""
    if clock.target is Target.ACKNOWLEDGE and clock.met_at is not None:
        return clock
    done = _is_done(clock.target, incident)
    aim = Aim(clock.allowed, clock.calendar)
    if incident.is_open:
        aim = rules.aim(situation.service, situation.priority, clock.target)
    runs = incident.is_open and not done and not situation.pause
    if (clock.allowed, clock.calendar, clock.runs) == (aim.allowed, aim.calendar, runs):
        return clock if done is (clock.met_at is not None) else _met(clock, situation.now, done=done)
    now = max(situation.now, clock.counted_at)
    passed = elapsed(rules.calendars.get(clock.calendar), clock.counted_at, now) if clock.runs else 0
    counted = replace(clock, spent=clock.spent + passed, counted_at=now)
    aimed = replace(counted, allowed=aim.allowed, calendar=aim.calendar, runs=runs)
    return _met(_scheduled(_unwarned(aimed, rules), rules), now, done=done)


def _is_done(target: Target, incident: Incident) -> bool:
    if target is Target.RESOLVE:
        return not incident.is_open
    return incident.is_open and incident.stage is not Stage.NEW


def _met(clock: Clock, now: Millis, *, done: bool) -> Clock:
    return replace(clock, met_at=now if done else None)


def _marks(clock: Clock, rules: SlaRules) -> tuple[Millis, ...]:
    """List the amounts of time at which something is told, the breach last."""
    if clock.allowed is None:
        return ()
    return (*(round(clock.allowed * part) for part in rules.warn_at), clock.allowed)


def _unwarned(clock: Clock, rules: SlaRules) -> Clock:
    """Take back what another target does not give reason for: it will be told again when it is due."""
    warned = min(clock.warned, sum(mark <= clock.spent for mark in _marks(clock, rules)))
    is_over = clock.allowed is not None and warned > len(rules.warn_at)
    return replace(clock, warned=warned, breached_at=clock.breached_at if is_over else None)


def _scheduled(clock: Clock, rules: SlaRules) -> Clock:
    """Work out when time will be over, and when to look next."""
    marks = _marks(clock, rules)[clock.warned :]
    if not clock.runs or not marks:
        is_late = bool(marks) and marks[0] <= clock.spent  # by another target, set while it stands still
        return replace(clock, breach_at=clock.breached_at, look_at=clock.counted_at if is_late else None)
    calendar = rules.calendars.get(clock.calendar)
    next_mark, last = (
        advance(calendar, clock.counted_at, mark - clock.spent) for mark in (marks[0], marks[-1])
    )
    return replace(clock, breach_at=last, look_at=next_mark)


def _warning(clock: Clock, situation: Situation, rules: SlaRules) -> Happening:
    part = f"{rules.warn_at[clock.warned - 1]:.0%} of the time to {clock.target} it"
    until = f" is over; it ends at {to_text(clock.breach_at)}" if clock.breach_at is not None else " is over"
    return _told("sla_warning", f"{part}{until}", clock, situation)


def _breach(clock: Clock, situation: Situation) -> Happening:
    limit = f"{lasting(clock.allowed or 0)}{f' of {clock.calendar}' if clock.calendar else ''}"
    reason = f"not {DONE[clock.target]} within {limit}, the time for {situation.priority}"
    return _told("sla_breach", reason, clock, situation)


def _told(verdict: str, reason: str, clock: Clock, situation: Situation) -> Happening:
    word = {"sla_warning": "SLA warning", "sla_breach": "SLA breach"}[verdict]
    counter = f"{verdict}.{clock.target}.{situation.priority}"
    return Happening(verdict, reason, counter, f"{word}: {reason}")


def _turns(before: Clock, after: Clock, situation: Situation) -> Iterator[Happening]:
    """Tell of a clock that was stopped or set going, where there is a target."""
    if after.allowed is None:
        return
    if before.met_at is None and after.met_at is not None and after.breached_at is None:
        reason = f"{DONE[after.target]} in time, after {lasting(_seconds(after.spent))}"
        yield Happening("sla_met", reason, f"sla_met.{after.target}.{situation.priority}")
    elif before.runs and situation.pause and not after.runs:
        yield Happening("sla_paused", f"the time to {after.target} it stands still: {situation.pause}")
    elif after.runs and not before.runs:
        yield Happening("sla_resumed", f"the time to {after.target} it goes on, {_left(after)}")


def _left(clock: Clock) -> str:
    left = (clock.allowed or 0) - clock.spent
    return f"{lasting(_seconds(left))} left" if left > 0 else f"over by {lasting(_seconds(-left))}"


def _seconds(length: Millis) -> Millis:
    return length - length % 1000
