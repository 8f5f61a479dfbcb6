"""What people write into files of tests for their rules."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from correlation.decisions import Verdict
from domain.alert import AlertState, Phase, Severity
from domain.durations import parse_duration
from domain.incident import IncidentState, Stage
from domain.priority import Level, Priority
from domain.ticket import TicketState
from domain.times import Millis
from notation import Duration, MatchConfig

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
Text = Annotated[str, Field(min_length=1)]


class Written(BaseModel):
    """Base of all that is written: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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

    does: Literal["acknowledge", "resolve"] = Field(description="What is asked for.")
    match: MatchConfig = Field(
        default_factory=dict,
        description="Which incident, by labels and fields. Empty: the only one there is.",
    )
    by: str = Field("somebody", description="Who asks.")
    why: str = Field("", description="The reason.")


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
    ticket: TicketInput | None = Field(None, description="What a person does to a ticket.")
    operator: OperatorInput | None = Field(None, description="What an operator asks of an incident.")
    destination: DestinationInput | None = Field(None, description="A ticketing tool goes down, or is back.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Input:
        kinds = [name for name in type(self).model_fields if name not in ("at", "repeat")]
        if sum(getattr(self, name) is not None for name in kinds) != 1:
            raise ValueError(f"should have one of {', '.join(kinds)}")
        return self


class ExpectedTicket(Written):
    """How a ticket stands in its tool."""

    title: str = Field("", description="Its title.")
    state: TicketState = Field(TicketState.OPEN, description="Its state.")
    priority: Priority = Field(Priority.P5, description="Its priority.")
    team: str = Field("", description="Team that has it.")
    notes: list[Text] = Field(
        default_factory=list, description="Texts, each within a comment that Tocsin wrote."
    )
    description: list[Text] = Field(default_factory=list, description="Texts within its description.")


class ExpectedIncident(Written):
    """How an incident stands. What is not given may be anything."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Which one, by its labels and by service, severity, rule, priority, team, state, title and name. "
        "Empty: the only one there is.",
    )
    count: int = Field(1, ge=0, description="How many there are of them; all must be as expected.")
    state: IncidentState = Field(IncidentState.OPEN, description="Its state.")
    stage: Stage = Field(Stage.NEW, description="How far the people are who work on it.")
    title: str = Field("", description="Title of its tickets.")
    rule: str = Field("", description="Id of the group rule that made it.")
    priority: Priority = Field(Priority.P5, description="Its priority.")
    impact: Level = Field(Level.LOW, description="Its impact.")
    urgency: Level = Field(Level.LOW, description="Its urgency.")
    severity: Severity = Field(Severity.INFO, description="The worst severity that fires.")
    team: str = Field("", description="Team that gets it.")
    assignee: str = Field("", description="Who works on it.")
    service: str = Field("", description="The service it is about.")
    services: list[str] = Field(default_factory=list, description="All services hit, in any order.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels that it has, among others.")
    alerts: int = Field(0, description="How many alerts ever joined it.")
    firing: int = Field(0, description="How many of them fire.")
    routes: list[str] = Field(default_factory=list, description="Routes that it takes now.")
    destinations: list[str] = Field(
        default_factory=list, description="Where it has a ticket, or will, in any order."
    )
    tickets: dict[str, ExpectedTicket] = Field(
        default_factory=dict, description="Its tickets by destination."
    )
    notes: list[Text] = Field(default_factory=list, description="Texts, each within a note to its people.")
    timeline: list[Text] = Field(
        default_factory=list, description="Verdicts of its timeline, in this order, others between them."
    )


class ExpectedAlert(Written):
    """What became of an alert. What is not given may be anything."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Which one, by labels and by name, service, severity, source, resource.",
    )
    count: int = Field(1, ge=0, description="How many there are of them; all must be as expected.")
    verdict: Verdict = Field(Verdict.OPENED, description="What was decided when it last came in.")
    phase: Phase = Field(Phase.FIRING, description="Where it is in its life.")
    incident: str = Field("", description="Name of its incident's leading alert; empty for none.")


class Expectation(Written):
    """What is to be seen at some time."""

    at: Duration | None = Field(
        None,
        description="When, counted from `start`; after all that happens at that moment. Left out: a minute after "
        "the last input, when all tickets show it.",
    )
    open: int = Field(0, ge=0, description="How many incidents are open.")
    total: int = Field(0, ge=0, description="How many incidents there are, resolved ones too.")
    incidents: list[ExpectedIncident] = Field(default_factory=list, description="How incidents stand.")
    alerts: list[ExpectedAlert] = Field(default_factory=list, description="What became of alerts.")
    outcomes: dict[Verdict, int] = Field(
        default_factory=dict,
        description="How many alerts came to each verdict so far; others may be anything.",
    )


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


def given(model: BaseModel) -> dict[str, Any]:
    """List what was written, nothing filled in."""
    fields = type(model).model_fields
    return {name: getattr(model, name) for name in fields if name in model.model_fields_set}
