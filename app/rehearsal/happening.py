"""What happens in a story, done to a world: alerts come in, people act, tools go down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from app.rehearsal.facts import fields_of, problem_fields
from app.rehearsal.models import (
    AlertInput,
    ChangeInput,
    DestinationInput,
    Input,
    OperatorInput,
    PostInput,
    ProblemInput,
    SilenceInput,
    TicketInput,
)
from app.rehearsal.told import Teller
from app.rehearsal.world import World
from app.rehearsal.written import Written
from app.tools.guessing import content_type_of
from correlation.identity import identify
from correlation.state import incident_record, problem_record
from domain.alert import Alert
from domain.change import Change
from domain.commands import (
    Acknowledge,
    Action,
    Assign,
    Close,
    Hold,
    Merge,
    Move,
    Remark,
    Reopen,
    Resolve,
    Split,
    Start,
)
from domain.events import ChangesReceived, OperatorAsked, TicketsSeen
from domain.fields import AlertFields
from domain.incident import Incident
from domain.matching import Match, Matcher
from domain.ports import tickets_mailbox
from domain.problem import Problem
from domain.problem_commands import ProblemAction, ReopenProblem, ResolveProblem, WorkAround
from domain.suppression import SetSilence, Silence
from domain.ticket import Comment, TicketSeen
from ingest.problems import Refusal
from ingest.source import Source
from ingest.sources import BadBody, Post
from ingest.sources.message import SUFFIX, read_message
from ingest.understanding import understand

ACTIONS: Mapping[str, Callable[[str], Action]] = {
    "acknowledge": Acknowledge,
    "start": Start,
    "hold": Hold,
    "resolve": Resolve,
    "close": Close,
    "reopen": Reopen,
    "comment": Remark,
}
"""What operators may ask of one incident, where that is all there is to say."""


class CannotHappen(Exception):
    """Something in the input cannot be done; says why."""


class Happenings:
    """Does what the input of a test says, and remembers the verdicts on alerts."""

    def __init__(self, world: World, bodies: Mapping[str, bytes]) -> None:
        self._world = world
        self._bodies = bodies
        self._teller = Teller(world.clock)
        self._numbers = count(1)
        self._sources = {name: each.build(name) for name, each in world.settings.sources.items()}
        self._deeds: Mapping[type[Written], Callable[[Any], None]] = {
            AlertInput: self._alert,
            PostInput: self._post,
            ChangeInput: self._change,
            TicketInput: self._touch,
            OperatorInput: self._ask,
            SilenceInput: self._silence,
            ProblemInput: self._ask_of_problem,
            DestinationInput: self._switch,
        }
        self.verdicts: dict[str, str] = {}
        """By the key of each alert, what was decided when it last came in."""
        self.outcomes: Counter[str] = Counter()

    def begin(self) -> None:
        """Have it known of which sources something is expected."""
        for source in self._sources.values():
            if source.pulse:
                self._world.receive(source.pulse.expected())

    def happen(self, each: Input) -> None:
        """Do one thing.

        Raises:
            CannotHappen: it is about something that is not there, or a body cannot be read.
        """
        what = each.what
        self._deeds[type(what)](what)

    def _source(self, name: str) -> Source:
        return self._sources[name or next(iter(self._sources))]

    def _alert(self, told: AlertInput) -> None:
        source = self._source(told.source)
        alert = self._teller.alert(told, source.name, self._world.clock)
        self._receive(source.treatment.apply([alert], 0, Counter()))

    def _change(self, told: ChangeInput) -> None:
        self._announce([self._teller.change(told, self._source(told.source).name, self._world.clock)])

    def _switch(self, told: DestinationInput) -> None:
        self._world.desks[told.name].is_down = told.status == "down"

    def _post(self, told: PostInput) -> None:
        file, source, now = told.file, self._source(told.source), self._world.clock
        body = self._bodies[file]
        try:
            if file.endswith(SUFFIX):
                post = read_message(body, source.name, now)
            else:
                post = Post(body, now, source.name, {"content-type": content_type_of(body)})
            parsed = understand(source, post, Counter())
        except (BadBody, Refusal, ValueError) as error:
            raise CannotHappen(f"{file} is not what source {source.name} reads: {error}") from None
        self._receive(parsed.alerts)
        self._announce(parsed.changes)

    def _receive(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            verdict = self._world.receive(alert)
            self.outcomes[verdict] += 1
            self.verdicts[identify(alert, self._world.settings.correlation)] = verdict

    def _announce(self, changes: Sequence[Change]) -> None:
        """Tell every partition of changes, as ingest does."""
        if changes:
            for partition in self._world.partitions:
                self._world.tell(partition, ChangesReceived("rehearsal", self._world.clock, list(changes)))

    def _touch(self, told: TicketInput) -> None:
        """Have a person do something to a ticket, as the tool would tell of it."""
        desk, now = self._world.desks[told.destination], self._world.clock
        keys = [each.id for each in self._incidents(told.match)]
        keys += [each.id for each in self._problems(told.match)]
        tickets = [ticket for key in keys if (ticket := desk.ticket_of(key))]
        if len(tickets) != 1:
            raise CannotHappen(f"{len(tickets)} tickets of {told.destination} are meant; it must be one")
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
        self._world.tell(tickets_mailbox(told.destination), TicketsSeen(now, [seen]))

    def _ask(self, told: OperatorInput) -> None:
        incident = self._only(told.match)
        asked = OperatorAsked(self._world.clock, told.by, told.why, self._action(told, incident))
        self._world.tell(self._world.home(incident_record(incident)).name, asked)

    def _action(self, told: OperatorInput, incident: str) -> Action:
        match told.does:
            case "assign":
                return Assign(incident, told.to)
            case "merge":
                return Merge(incident, self._only(told.into))
            case "split":
                return Split(incident, self._members(incident, told.alerts))
            case "move":
                return Move(incident, self._only(told.into), self._members(incident, told.alerts))
            case plain:
                return ACTIONS[plain](incident)

    def _members(self, incident: str, match: Match) -> tuple[str, ...]:
        """Name the alerts of an incident that are meant."""
        wanted = Matcher.of(match)
        members = (each for each in self._world.alerts() if each.incident == incident)
        return tuple(each.key for each in members if wanted.matches(AlertFields(each.alert)))

    def _only(self, match: Match) -> str:
        chosen = self._incidents(match)
        if len(chosen) != 1:
            raise CannotHappen(f"{len(chosen)} incidents are meant; it must be one")
        return chosen[0].id

    def _silence(self, told: SilenceInput) -> None:
        """Tell every partition, as the API does."""
        now = self._world.clock
        name = told.id or f"silence-{next(self._numbers)}"
        matchers = (told.match,) if isinstance(told.match, str) else tuple(told.match)
        silence = Silence(name, matchers, now, now + told.lasting, told.by, told.why)
        for partition in self._world.partitions:
            self._world.tell(partition, OperatorAsked(now, told.by, told.why, SetSilence(silence)))

    def _ask_of_problem(self, told: ProblemInput) -> None:
        chosen = self._problems(told.match)
        if len(chosen) != 1:
            raise CannotHappen(f"{len(chosen)} problems are meant; it must be one")
        asked = OperatorAsked(self._world.clock, told.by, told.why, _action(told, chosen[0].id))
        self._world.tell(self._world.home(problem_record(chosen[0].id)).name, asked)

    def _incidents(self, match: Match) -> list[Incident]:
        wanted = Matcher.of(match)
        return [each for each in self._world.incidents() if wanted.matches(fields_of(each, self._world))]

    def _problems(self, match: Match) -> list[Problem]:
        wanted = Matcher.of(match)
        return [each for each in self._world.problems() if wanted.matches(problem_fields(each))]


def _action(told: ProblemInput, problem: str) -> ProblemAction:
    match told.does:
        case "resolve":
            return ResolveProblem(problem)
        case "reopen":
            return ReopenProblem(problem)
        case "work_around":
            return WorkAround(problem, told.text)
