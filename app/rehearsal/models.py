"""What people write into files of tests for their rules."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    model_validator,
)

from app.rehearsal.expected_models import Expectation
from app.rehearsal.written import Text, Written
from domain.alert import AlertState, Severity
from domain.change import ChangeState
from domain.durations import parse_duration
from domain.priority import Priority
from domain.ticket import TicketState
from domain.times import Millis
from notation import Duration, MatchConfig, MatcherText

REPEAT = re.compile(r"every (\S+) for (\S+)")
MOST_REPEATS = 100_000


def times_of(text: str) -> list[Millis]:
    """List when something is repeated, counted from the first time.

    >>> times_of("every 30s for 1m")
    [0, 30000, 60000]

    Raises:
        ValueError: saying how it should be written.
    """
    found = REPEAT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} should be written like: every 30s for 10m")
    every, lasting = parse_duration(found[1]), parse_duration(found[2])
    if not every > 0 or lasting // every > MOST_REPEATS:
        raise ValueError(f"{text!r} would be no times at all, or more than {MOST_REPEATS}")
    return list(range(0, lasting + 1, every))


def _repeat(text: str) -> str:
    times_of(text)
    return text


Repeat = Annotated[str, AfterValidator(_repeat)]


class AlertInput(Written):
    """An alert in plain fields, as a source would have read it."""

    name: Text = Field(description="What it is called.")
    source: str = Field("", description="Source that it comes by. Empty: the only one of the configuration.")
    state: AlertState = Field(AlertState.FIRING, description="What the tool says of it.")
    severity: Severity = Field(
        Severity.MEDIUM, description="How bad it is. Of one that ends: as it was, if not given."
    )
    service: str = Field("", description="Service that is hit.")
    resource: str = Field("", description="Configuration item that is hit.")
    summary: str = Field("", description="What it says, in one line. Empty: its name.")
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Its labels; alertname, severity, service and resource come by themselves.",
    )
    identity: str = Field(
        "", description="What makes it the same alert again. Empty: name, service, resource and labels."
    )
    began: Duration | None = Field(
        None,
        description="When this episode of it began, counted from `start`. Left out: when it is first told of "
        "after it was over, as tools do.",
    )


class PostInput(Written):
    """What a tool posts, from a file."""

    file: Text = Field(
        description="Body, or a whole request (*.http) as `tocsin serve --record` keeps them; "
        "from the folder of the tests."
    )
    source: str = Field(
        "", description="Source that it is posted to. Empty: the only one of the configuration."
    )


class TicketInput(Written):
    """What a person does to a ticket in its tool."""

    destination: Text = Field(description="Where the ticket is.")
    match: MatchConfig = Field(
        default_factory=dict,
        description="Its incident, by labels and fields. Empty: the only one with a ticket.",
    )
    by: str = Field("somebody", description="Who does it.")
    state: TicketState | None = Field(None, description="State that it is put into.")
    assignee: str | None = Field(None, description="Whom it is given to.")
    priority: Priority | None = Field(None, description="Priority that is set.")
    comment: str = Field("", description="What is written into it.")


class OperatorInput(Written):
    """What an operator asks of an incident, by the API or the command line."""

    does: Literal[
        "acknowledge",
        "start",
        "hold",
        "resolve",
        "close",
        "reopen",
        "comment",
        "assign",
        "merge",
        "split",
        "move",
    ] = Field(description="What is asked for; a comment says what `why` says.")
    to: str = Field("", description="With assign: to whom.")
    into: MatchConfig = Field(
        default_factory=dict, description="With merge and move: the other incident, by labels and fields."
    )
    alerts: MatchConfig = Field(
        default_factory=dict, description="With split and move: which of its alerts, by labels and fields."
    )
    match: MatchConfig = Field(
        default_factory=dict,
        description="Which incident, by labels and fields. Empty: the only one there is.",
    )
    by: str = Field("somebody", description="Who asks.")
    why: str = Field("", description="The reason.")


class SilenceInput(Written):
    """What somebody wants to hear nothing of for a time."""

    match: MatcherText | list[MatcherText] = Field(
        description="Which alerts, as matchers like Alertmanager's: service=cart, or a list of them."
    )
    lasting: Duration = Field(alias="for", description="How long from now on.")
    id: str = Field("", description="Its name; another of the same name takes its place. Empty: it gets one.")
    by: str = Field("somebody", description="Who wants it.")
    why: str = Field("", description="The reason.")


class ProblemInput(Written):
    """What somebody says of a problem, by the API or the command line."""

    does: Literal["resolve", "reopen", "work_around"] = Field(description="What is asked for.")
    match: MatchConfig = Field(
        default_factory=dict,
        description="Which problem, by the labels of its signature, rule, state and title. Empty: the only one.",
    )
    text: str = Field("", description="The workaround.")
    by: str = Field("somebody", description="Who asks.")
    why: str = Field("", description="The reason.")


class ChangeInput(Written):
    """What a tool tells of a change. It may tell several times; the last word counts."""

    id: Text = Field(description="What the tool calls it.")
    state: ChangeState = Field(ChangeState.SUCCEEDED, description="How far it is.")
    title: str = Field("", description="What it is about. Empty: its id.")
    kind: str = Field(
        "deployment", description="deployment, pipeline, change_request, or the tool's own word."
    )
    services: list[Text] = Field(default_factory=list, description="Services that are changed.")
    resources: list[Text] = Field(default_factory=list, description="Configuration items that are changed.")
    environment: str = Field("", description="Where.")
    starts: Duration | None = Field(
        None, description="When it begins or is to begin, counted from `start`. Left out: now."
    )
    ends: Duration | None = Field(
        None, description="When it ends or is to end. Left out: now for one that is over, else unknown."
    )
    by: str = Field("", description="Who makes it.")
    source: str = Field("", description="Source that tells of it. Empty: the only one of the configuration.")


class DestinationInput(Written):
    """What happens to a ticketing tool itself."""

    name: Text = Field(description="Which one.")
    status: Literal["up", "down"] = Field(alias="is", description="Whether it answers from now on.")


class Input(Written):
    """Something that happens."""

    at: Duration = Field(description="When, counted from `start`.")
    repeat: Repeat | None = Field(None, description="Again and again, like `every 30s for 10m`.")
    alert: AlertInput | None = Field(None, description="An alert in plain fields.")
    post: PostInput | None = Field(None, description="What a tool posts.")
    change: ChangeInput | None = Field(None, description="What a tool tells of a change.")
    ticket: TicketInput | None = Field(None, description="What a person does to a ticket.")
    operator: OperatorInput | None = Field(None, description="What an operator asks of an incident.")
    silence: SilenceInput | None = Field(None, description="What somebody wants to hear nothing of.")
    problem: ProblemInput | None = Field(None, description="What somebody says of a problem.")
    destination: DestinationInput | None = Field(None, description="A ticketing tool goes down, or is back.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Input:
        if sum(getattr(self, name) is not None for name in self._kinds()) != 1:
            raise ValueError(f"should have one of {', '.join(self._kinds())}")
        return self

    @property
    def what(self) -> Written:
        """The one thing."""
        found: Written = next(each for name in self._kinds() if (each := getattr(self, name)) is not None)
        return found

    @classmethod
    def _kinds(cls) -> list[str]:
        return [name for name in cls.model_fields if name not in ("at", "repeat")]


class RuleTest(Written):
    """A story, and what is expected to come of it."""

    name: Text = Field(description="What it shows.")
    start: AwareDatetime = Field("2024-01-01T12:00:00Z", validate_default=True, description="When it begins.")
    input: list[Input] = Field(min_length=1, description="What happens, in any order.")
    expect: list[Expectation] = Field(min_length=1, description="What is to be seen.")


class RuleTests(Written):
    """A file of tests."""

    model_config = ConfigDict(title="Tests of Tocsin rules")

    config: str = Field(
        "", description="Configuration that is tested, from the folder of this file. Empty: that of --config."
    )
    tests: list[RuleTest] = Field(min_length=1, description="The tests.")
