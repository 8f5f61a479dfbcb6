"""Plays a test: what happens at its times, and looks at what came of it. Pure; each play gives the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from app.rehearsal.expecting import Failure, Look, failures
from app.rehearsal.files import Case
from app.rehearsal.happening import CannotHappen, Happenings
from app.rehearsal.models import RuleTest, times_of
from app.rehearsal.world import World
from domain.times import Millis, to_millis

SETTLED: Millis = 60_000
"""How long after the last input is looked where no time is said: by then tickets show it."""

Moment = tuple[Millis, int, int]
"""When, 0 for input and 1 for a look, and which one."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went."""

    case: Case
    failures: tuple[Failure, ...]
    alerts: int
    incidents: int


def play(case: Case) -> Result:
    """Play a test from beginning to end."""
    start = to_millis(case.test.start)
    world = World(case.settings, start)
    happenings = Happenings(world, case.bodies)
    happenings.begin()
    found: list[Failure] = []
    for at, is_look, number in _moments(case.test):
        world.pass_time(start + at)
        if is_look:
            look = Look(case, ("expect", number), world, happenings.verdicts, happenings.outcomes, at)
            found += failures(look, case.test.expect[number])
            continue
        try:
            happenings.happen(case.test.input[number])
        except CannotHappen as error:
            found.append(Failure(case.file, case.line("input", number), "input", str(error)))
    return Result(case, tuple(found), happenings.outcomes.total(), len(world.incidents()))


def _moments(test: RuleTest) -> Iterator[Moment]:
    """Order what happens and what is looked at; at the same moment it happens first."""
    happens = [
        (each.at + later, 0, number)
        for number, each in enumerate(test.input)
        for later in (times_of(each.repeat) if each.repeat else [0])
    ]
    last = max([at for at, *_ in happens] + [each.at for each in test.expect if each.at is not None])
    looks = [
        (last + SETTLED if each.at is None else each.at, 1, number) for number, each in enumerate(test.expect)
    ]
    return merge(sorted(happens), sorted(looks))
