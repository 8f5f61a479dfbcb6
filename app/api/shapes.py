"""The shapes of what is answered. The OpenAPI document is made of them, and mypy holds the views to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from app.api.basic_shapes import Moment as Moment
from app.api.basic_shapes import Next as Next
from app.api.cause_shapes import ShownWorkaroundView, SuspectView
from app.api.command_shapes import MajorView, RelationView
from domain.alert import Phase, Severity
from domain.clock import ClockState, Target
from domain.incident import IncidentState, Stage
from domain.priority import Priority
from domain.suppression import SilenceState
from domain.ticket import TicketState


class TicketView(TypedDict):
    """A ticket of an incident at one destination."""

    destination: str
    id: Annotated[str | None, Meta(description="What its tool calls it.")]
    url: str | None
    state: Annotated[str, Meta(description="open, resolved, parked, or pending until the tool has answered.")]
    version: Annotated[int, Meta(description="Revision of the incident that it shows.")]


class ClockView(TypedDict):
    """How much of the time agreed for an incident is used up."""

    target: Target
    state: ClockState
    allowed_seconds: Annotated[float, Meta(description="Time agreed, counted in the calendar.")]
    spent_seconds: Annotated[float, Meta(description="Used up until counted_at.")]
    counted_at: Moment
    calendar: Annotated[str, Meta(description="Empty for around the clock.")]
    breach_at: Annotated[
        Moment | None,
        Meta(description="When time will be over if nothing pauses it, or was. Null while it is paused."),
    ]
    met_at: Moment | None


class IncidentView(TypedDict):
    """An incident."""

    id: str
    state: IncidentState
    stage: Stage
    assignee: str
    title: str
    service: str
    services: Sequence[str]
    cause: Annotated[
        str, Meta(description="The deepest failing dependency by the topology; empty where no graph tells.")
    ]
    priority: Priority | None
    impact: Annotated[str | None, Meta(description="A level, as priority.levels names it.")]
    urgency: str | None
    team: str
    severity: Severity
    alerts: Annotated[int, Meta(description="Distinct alerts that ever joined.")]
    flapping: Annotated[int, Meta(description="How many of its alerts flap, and hold it open.")]
    events: Annotated[int, Meta(description="How often its alerts were heard of.")]
    labels: Annotated[Mapping[str, str], Meta(description="The labels that all its alerts share.")]
    rule: Annotated[str, Meta(description="Id of the group rule that made it.")]
    group: str
    opened_at: Moment
    changed_at: Moment
    resolved_at: Moment | None
    closed_at: Moment | None
    revision: int
    problem: Annotated[str | None, Meta(description="Id of the problem that causes it, where one is known.")]
    workaround: ShownWorkaroundView | None
    related: Annotated[Sequence[RelationView], Meta(description="Incidents that it has to do with.")]
    major: Annotated[MajorView | None, Meta(description="Null for most.")]
    merged_into: Annotated[str | None, Meta(description="Id of the incident that lives on in its place.")]
    suspects: Annotated[
        Sequence[SuspectView], Meta(description="Changes that it may come of, the most likely first.")
    ]
    tickets: Sequence[TicketView]
    sla: Sequence[ClockView]
    on_call: Annotated[str, Meta(description="Who is on call for it, until somebody takes it on.")]
    escalated: Annotated[Sequence[str], Meta(description="Steps of escalation taken, in their order.")]


class HeldView(TypedDict):
    """What keeps an alert that fires from being part of an incident."""

    kind: Annotated[str, Meta(description="hold, silence, maintenance, threshold or inhibition.")]
    by: Annotated[str, Meta(description="Id of the silence, window or rule.")]
    reason: str


class AlertView(TypedDict):
    """A condition that a tool told of, as it is now."""

    key: str
    source: str
    fingerprint: Annotated[str, Meta(description="The tool's own identity of the condition.")]
    state: Phase
    severity: Severity
    name: str
    summary: str
    service: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Moment
    ends_at: Moment | None
    first_seen: Moment
    last_seen: Moment
    count: int
    incident: str | None
    url: Annotated[str, Meta(description="Link back to the tool.")]
    suppressed_by: Annotated[
        HeldView | None, Meta(description="What it waits for while its state is waiting.")
    ]


class TimelineView(TypedDict):
    """A line of an incident's story."""

    at: Moment
    verdict: str
    reason: str
    alert: str | None
    destination: str | None
    rules: str | None


class SilenceView(TypedDict):
    """A silence: alerts that fit all its matchers open nothing from its start until its end."""

    id: str
    state: SilenceState
    matchers: Annotated[Sequence[str], Meta(description='As Alertmanager writes them: service="cart".')]
    starts_at: Moment
    ends_at: Moment
    author: str
    comment: str


class SilenceWhole(SilenceView):
    """A silence, and what it does."""

    alerts: Annotated[int, Meta(description="How many alerts wait for its end.")]


class SilencePage(TypedDict):
    """Silences, all in one page."""

    items: Sequence[SilenceView]
    next: Next


class SilencePosted(TypedDict):
    """A silence to be set. Alertmanager's names and matchers are taken, too."""

    id: NotRequired[
        Annotated[
            str, Meta(description="It takes the place of the one with this id; left out, a new one is made.")
        ]
    ]
    matchers: Annotated[Sequence[str], Meta(min_length=1)]
    starts_at: NotRequired[Annotated[Moment, Meta(description="Now if left out.")]]
    ends_at: NotRequired[Annotated[Moment, Meta(description="Either this or duration.")]]
    duration: NotRequired[Annotated[str, Meta(description="How long from its start, like 2h.")]]
    author: Annotated[str, Meta(min_length=1)]
    comment: NotRequired[str]


class SilenceExpired(TypedDict):
    """That a silence ends now."""

    id: str
    expired: bool


class QuarantineView(TypedDict):
    """A request that was not understood."""

    id: str
    source: str
    received_at: Moment
    reason: str
    path: Annotated[
        str, Meta(description="Place of the fault in the body; empty where there is no one place.")
    ]
    accepted: Annotated[int, Meta(description="Good alerts of it that were accepted.")]
    method: str
    subpath: str
    content_type: str
    headers: Annotated[Mapping[str, str], Meta(description="Secrets are masked.")]
    query: Mapping[str, str]


class QuarantineWhole(QuarantineView):
    """A request that was not understood, with its body."""

    body: str


class ParkedView(TypedDict):
    """A ticket that its tool refused for good."""

    destination: str
    key: str
    incident: str
    title: str
    priority: Priority
    state: TicketState
    reason: str
    ticket: str | None


class ParkedWhole(ParkedView):
    """A ticket that its tool refused for good, with the request that was refused."""

    request: str


class IncidentPage(TypedDict):
    """Incidents."""

    items: Sequence[IncidentView]
    next: Next


class AlertPage(TypedDict):
    """Alerts."""

    items: Sequence[AlertView]
    next: Next


class TimelinePage(TypedDict):
    """Lines of a story."""

    items: Sequence[TimelineView]
    next: Next


class QuarantinePage(TypedDict):
    """Requests that were not understood."""

    items: Sequence[QuarantineView]
    next: Next


class ParkedPage(TypedDict):
    """Parked tickets."""

    items: Sequence[ParkedView]
    next: Next


class Dropped(TypedDict):
    """It is let go of."""

    id: str
    dropped: Literal[True]


class Replayed(TypedDict):
    """It was tried again."""

    id: str
    accepted: int
    faults: int


class ParkedDropped(TypedDict):
    """It is given up."""

    destination: str
    key: str
    dropped: Literal[True]


class ParkedRetried(TypedDict):
    """It will be tried again."""

    destination: str
    key: str
    retried: Literal[True]


class DifferenceView(TypedDict):
    """A ticket that is not as it should be."""

    destination: str
    key: str
    ticket: str
    what: Sequence[str]


class Reconciled(TypedDict):
    """What a look at the tickets of open incidents brought."""

    checked: int
    differences: Sequence[DifferenceView]
    repaired: bool


class ConfigurationView(TypedDict):
    """The configuration in force, and how the last reload went."""

    version: Annotated[str, Meta(description="Every decision names the version that it was made under.")]
    loaded_at: Moment
    failed: Annotated[bool, Meta(description="Whether the last reload found mistakes, and changed nothing.")]
    mistakes: Sequence[str]


class AuditView(TypedDict):
    """Something that was asked for beyond looking."""

    at: Moment
    actor: Annotated[str, Meta(description="Name of the token, or of the person.", examples=["deploy-bot"])]
    role: str
    method: str
    path: str
    status: Annotated[int, Meta(description="What was answered.", examples=[200])]
    peer: Annotated[str, Meta(description="Address that it came from; a proxy's, where there is one.")]


class AuditPage(TypedDict):
    """Part of the audit log."""

    items: Sequence[AuditView]
    next: Next


class Live(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class DependencyView(TypedDict):
    """Whether something that is needed is there."""

    status: Literal["ok", "down"]
    error: NotRequired[str]


class Ready(TypedDict):
    """Whether all that is needed is there."""

    status: Literal["ok", "down"]
    dependencies: Mapping[str, DependencyView]


class CallbackTaken(TypedDict):
    """How many of our tickets a callback told of."""

    tickets: int


class FaultView(TypedDict):
    """A part of a body that could not be understood."""

    path: str
    message: str


class TakenView(TypedDict):
    """What became of a body."""

    id: str
    accepted: Annotated[int, Meta(description="Alerts that are on durable storage.")]
    nothing: NotRequired[Annotated[str, Meta(description="Why there was no alert in it.")]]
    changes: NotRequired[Annotated[int, Meta(description="News of changes on durable storage.")]]
    faults: NotRequired[Sequence[FaultView]]
    quarantine: NotRequired[Annotated[str, Meta(description="Id in quarantine of what was not understood.")]]


class ProblemView(TypedDict):
    """What is wrong with a request, as RFC 9457 says. Some have more members, which name the place or the limit."""

    type: Annotated[
        str,
        Meta(description="Names the problem to programs.", examples=["urn:tocsin:problem:unknown-source"]),
    ]
    title: Annotated[str, Meta(examples=["Unknown source"])]
    status: Annotated[int, Meta(examples=[404])]
    detail: Annotated[str, Meta(description="For people.", examples=["there is no source 'prom'"])]
