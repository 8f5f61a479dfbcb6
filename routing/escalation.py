"""Escalation: what is done when nobody acts, or time runs out. Each step of a policy is taken once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.clock import Clock, Target
from domain.durations import lasting
from domain.incident import Incident, Stage
from domain.matching import Matcher
from domain.priority import Priority
from domain.times import Millis
from routing.calendars import Calendar, advance

PRIORITIES = tuple(Priority)


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """What is done, and when. One of ``unacknowledged`` and ``at`` is given."""

    id: str
    unacknowledged: Millis | None = None
    """After so long without anybody taking it on."""
    target: Target = Target.RESOLVE
    at: float | None = None
    """When this part of the time agreed for the target is used up; 1 is the breach."""
    priority: Priority | None = None
    """The priority it has at least from then on."""
    raise_by: int = 0
    """Or so many priorities up."""
    destinations: tuple[str, ...] = ()
    """More destinations that get a ticket."""
    team: str = ""
    """The team that gets it."""

    @property
    def why(self) -> str:
        """Say when it is taken, in words."""
        if self.unacknowledged is not None:
            return f"not acknowledged within {lasting(self.unacknowledged)}"
        return f"{self.at or 0:.0%} of the time to {self.target} it is over"

    @property
    def deeds(self) -> str:
        """Say what it does, in words."""
        said = [
            f"at least {self.priority}" if self.priority else "",
            f"priority {self.raise_by} up" if self.raise_by else "",
            f"also to {', '.join(self.destinations)}" if self.destinations else "",
            f"to team {self.team}" if self.team else "",
        ]
        return "; ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Steps for the incidents that it matches."""

    id: str
    steps: tuple[EscalationStep, ...]
    match: Matcher = field(default_factory=Matcher)


def next_step(
    incident: Incident,
    policies: Sequence[EscalationPolicy],
    fields: Mapping[str, str],
    calendars: Mapping[str, Calendar],
) -> tuple[Millis, EscalationStep] | None:
    """Find the step to be taken next, and when; None if none will be, as things are."""
    if not incident.is_open:
        return None
    dues = list(_dues(incident, policies, fields, calendars))
    return min(dues, key=lambda due: due[0], default=None)


def _dues(
    incident: Incident,
    policies: Sequence[EscalationPolicy],
    fields: Mapping[str, str],
    calendars: Mapping[str, Calendar],
) -> Iterator[tuple[Millis, EscalationStep]]:
    for policy in policies:
        if policy.match.matches(fields):
            for step in policy.steps:
                due = None if step.id in incident.escalated else _due(step, incident, calendars)
                if due is not None:
                    yield due, step


def _due(step: EscalationStep, incident: Incident, calendars: Mapping[str, Calendar]) -> Millis | None:
    if step.unacknowledged is not None:
        since = incident.new_since
        return since + step.unacknowledged if since is not None and incident.stage is Stage.NEW else None
    clock = next((clock for clock in incident.clocks if clock.target is step.target), None)
    return _used_up_at(clock, step.at or 0, calendars) if clock is not None else None


def _used_up_at(clock: Clock, part: float, calendars: Mapping[str, Calendar]) -> Millis | None:
    """Say when a part of a clock's time will be used up; None while it stands still."""
    if clock.allowed is None or not clock.runs:
        return None
    return advance(calendars.get(clock.calendar), clock.counted_at, round(clock.allowed * part) - clock.spent)


def taken(incident: Incident, policies: Sequence[EscalationPolicy]) -> Iterator[EscalationStep]:
    """List the steps taken so far, in their order. What the configuration has no more has no effect any more."""
    if incident.escalated:
        steps = {step.id: step for policy in policies for step in policy.steps}
        yield from (steps[name] for name in incident.escalated if name in steps)


def raised(priority: Priority, steps: Sequence[EscalationStep]) -> Priority:
    """Raise a priority by the steps taken.

    >>> raised(Priority.P3, [EscalationStep("a", raise_by=1), EscalationStep("b", priority=Priority.P3)])
    <Priority.P2: 'P2'>
    """
    rank = PRIORITIES.index(priority) - sum(step.raise_by for step in steps)
    floors = [PRIORITIES.index(step.priority) for step in steps if step.priority]
    return PRIORITIES[max(0, min([rank, *floors]))]
