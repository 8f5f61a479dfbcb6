"""What people write into files of tests about what is to be seen."""

from __future__ import annotations

from pydantic import Field

from app.rehearsal.written import Text, Written
from correlation.decisions import Verdict
from domain.alert import Phase, Severity
from domain.clock import ClockState, Target
from domain.incident import IncidentState, Stage
from domain.priority import Level, Priority
from domain.problem import ProblemState
from domain.ticket import TicketState
from notation import Duration, MatchConfig


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
    links: list[str] = Field(
        default_factory=list, description="Other tickets that it is linked to, in any order."
    )


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
    suspects: list[str] = Field(
        default_factory=list, description="Titles of the changes that it may come of, the most likely first."
    )
    workaround: str = Field("", description="What its people are told to do meanwhile; empty for nothing.")
    problem: str = Field("", description="Title of the problem that causes it; empty for none.")
    clocks: dict[Target, ClockState] = Field(
        default_factory=dict, description="How its time targets stand: acknowledge and resolve."
    )
    timeline: list[Text] = Field(
        default_factory=list, description="Verdicts of its timeline, in this order, others between them."
    )


class ExpectedProblem(Written):
    """How a problem stands. What is not given may be anything."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Which one, by the labels of its signature, rule, state and title. Empty: the only one there is.",
    )
    count: int = Field(1, ge=0, description="How many there are of them; all must be as expected.")
    state: ProblemState = Field(ProblemState.OPEN, description="Its state.")
    title: str = Field("", description="What the last of its incidents is called.")
    rule: str = Field("", description="Id of the rule that opened it.")
    priority: Priority = Field(Priority.P5, description="Its priority.")
    impact: Level = Field(Level.LOW, description="The highest impact of its incidents.")
    frequency: Level = Field(Level.LOW, description="How often it recurs.")
    team: str = Field("", description="Team that gets it.")
    services: list[str] = Field(default_factory=list, description="All services hit, in any order.")
    occurrences: int = Field(0, description="How many incidents it has caused.")
    workaround: str = Field("", description="How to get along meanwhile; empty while that is not known.")
    destinations: list[str] = Field(default_factory=list, description="Where it has a ticket, in any order.")
    tickets: dict[str, ExpectedTicket] = Field(
        default_factory=dict, description="Its tickets by destination."
    )
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
    problems: list[ExpectedProblem] = Field(default_factory=list, description="How problems stand.")
    alerts: list[ExpectedAlert] = Field(default_factory=list, description="What became of alerts.")
    outcomes: dict[Verdict, int] = Field(
        default_factory=dict,
        description="How many alerts came to each verdict so far; others may be anything.",
    )
