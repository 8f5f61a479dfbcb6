"""Plays a test: what happens at its times, and looks at what came of it. Pure; each play gives the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import merge

from app.rehearsal.expecting import Failure, Look, failures
from app.rehearsal.facts import fields_of
from app.rehearsal.files import Case
from app.rehearsal.models import Expectation, Input, OperatorInput, TicketInput, times_of
from app.rehearsal.told import Teller
from app.rehearsal.world import World
from app.tools.guessing import content_type_of
from correlation.identity import identify
from domain.alert import Alert
from domain.commands import Acknowledge, Action, Resolve
from domain.events import OperatorAsked, TicketsSeen
from domain.incident import Incident
from domain.matching import Match, Matcher
from domain.ports import tickets_mailbox
from domain.ticket import Comment, TicketSeen
from domain.times import Millis, to_millis
from ingest.problems import Refusal
from ingest.source import Source
from ingest.sources import BadBody, Post
from ingest.sources.message import SUFFIX, read_message
from ingest.understanding import understand

SETTLED: Millis = 60_000
"""How long after the last input is looked where no time is said: by then tickets show it."""

ACTIONS: Mapping[str, Callable[[str], Action]] = {"acknowledge": Acknowledge, "resolve": Resolve}
"""What operators may ask of one incident."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went."""

    case: Case
    failures: tuple[Failure, ...]
    alerts: int
    incidents: int


class CannotPlay(Exception):
    """Something in the input cannot be done; says why."""


def play(case: Case) -> Result:
    """Play a test from beginning to end."""
    return _Play(case).result()


@dataclass
class _Play:
    case: Case
    found: list[Failure] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    """By the key of each alert, what was decided when it last came in."""
    outcomes: Counter[str] = field(default_factory=Counter)

    @cached_property
    def start(self) -> Millis:
        return to_millis(self.case.test.start)

    @cached_property
    def world(self) -> World:
        return World(self.case.settings, self.start)

    @cached_property
    def teller(self) -> Teller:
        return Teller(self.start)

    @cached_property
    def sources(self) -> dict[str, Source]:
        return {name: each.build(name) for name, each in self.case.settings.sources.items()}

    def result(self) -> Result:
        for source in self.sources.values():
            if source.pulse:
                self.world.receive(source.pulse.expected())
        for at, _, number, is_input in self._moments():
            self.world.pass_time(self.start + at)
            if is_input:
                self._happen(number, self.case.test.input[number])
            else:
                self._look(number, self.case.test.expect[number], at)
        return Result(self.case, tuple(self.found), self.outcomes.total(), len(self.world.incidents()))

    def _moments(self) -> Iterator[tuple[Millis, int, int, bool]]:
        """Order what happens and what is looked at; at the same moment it happens first."""
        test = self.case.test
        happens = [
            (each.at + later, 0, number, True)
            for number, each in enumerate(test.input)
            for later in (times_of(each.repeat) if each.repeat else [0])
        ]
        last = max([at for at, *_ in happens] + [each.at for each in test.expect if each.at is not None])
        looks = [
            (last + SETTLED if each.at is None else each.at, 1, number, False)
            for number, each in enumerate(test.expect)
        ]
        return merge(sorted(happens), sorted(looks))

    def _happen(self, number: int, each: Input) -> None:
        try:
            if each.alert is not None:
                source = self._source(each.alert.source)
                alert = self.teller.alert(each.alert, source.name, self.world.clock)
                self._receive(source.treatment.apply([alert], 0, Counter()))
            elif each.post is not None:
                self._post(each.post.file, self._source(each.post.source))
            elif each.ticket is not None:
                self._touch(each.ticket)
            elif each.operator is not None:
                self._ask(each.operator)
            elif each.destination is not None:
                self.world.desks[each.destination.name].is_down = each.destination.status == "down"
        except CannotPlay as error:
            line = self.case.line("input", number)
            self.found.append(Failure(self.case.file, line, "input", str(error)))

    def _source(self, name: str) -> Source:
        return self.sources[name or next(iter(self.sources))]

    def _post(self, file: str, source: Source) -> None:
        body, now = self.case.bodies[file], self.world.clock
        try:
            if file.endswith(SUFFIX):
                post = read_message(body, source.name, now)
            else:
                post = Post(body, now, source.name, {"content-type": content_type_of(body)})
            self._receive(understand(source, post, Counter()).alerts)
        except (BadBody, Refusal, ValueError) as error:
            raise CannotPlay(f"{file} is not what source {source.name} reads: {error}") from None

    def _receive(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            verdict = self.world.receive(alert)
            self.outcomes[verdict] += 1
            self.verdicts[identify(alert, self.case.settings.correlation)] = verdict

    def _touch(self, told: TicketInput) -> None:
        """Have a person do something to a ticket, as the tool would tell of it."""
        desk, now = self.world.desks[told.destination], self.world.clock
        found = [desk.ticket_of(incident.id) for incident in self._chosen(told.match)]
        tickets = [ticket for ticket in found if ticket]
        if len(tickets) != 1:
            raise CannotPlay(f"{len(tickets)} tickets of {told.destination} are meant; it must be one")
        said = (Comment(f"{now}", told.by, told.comment, now),) if told.comment else ()
        seen = TicketSeen(
            tickets[0].id,
            now,
            told.by,
            state=told.state,
            priority=told.priority,
            assignee=told.assignee,
            comments=said,
        )
        self.world.tell(tickets_mailbox(told.destination), TicketsSeen(now, [seen]))

    def _ask(self, told: OperatorInput) -> None:
        chosen = self._chosen(told.match)
        if len(chosen) != 1:
            raise CannotPlay(f"{len(chosen)} incidents are meant; it must be one")
        action = ACTIONS[told.does](chosen[0].id)
        asked = OperatorAsked(self.world.clock, told.by, told.why, action)
        self.world.tell(self.world.home(chosen[0].id).name, asked)

    def _chosen(self, match: Match) -> list[Incident]:
        wanted = Matcher.of(match)
        return [each for each in self.world.incidents() if wanted.matches(fields_of(each, self.world))]

    def _look(self, number: int, expected: Expectation, at: Millis) -> None:
        look = Look(self.case, ("expect", number), self.world, self.verdicts, self.outcomes, at)
        self.found += failures(look, expected)
