"""The shapes of answers about problems, known errors and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from app.api.shapes import Moment, Next, TicketView
from domain.change import ChangeState
from domain.incident import Stage
from domain.priority import Level, Priority
from domain.problem import ProblemState


class WorkaroundView(TypedDict):
    """How to get along while the cause is still there."""

    text: str
    url: str


class ProblemRecordView(TypedDict):
    """A problem: the cause of incidents that recur."""

    id: str
    state: ProblemState
    stage: Stage
    assignee: str
    title: str
    rule: Annotated[str, Meta(description="Id of the rule that opened it.")]
    signature: Annotated[str, Meta(description="What its incidents have in common.")]
    labels: Mapping[str, str]
    services: Sequence[str]
    priority: Priority
    impact: Annotated[Level, Meta(description="The highest that one of its incidents had.")]
    frequency: Annotated[Level, Meta(description="How often it recurs.")]
    team: str
    occurrences: Annotated[int, Meta(description="All its incidents.")]
    incidents: Annotated[Sequence[str], Meta(description="Ids of its last incidents, the oldest first.")]
    workaround: WorkaroundView | None
    previous: Annotated[str | None, Meta(description="The closed problem of the same signature before it.")]
    opened_at: Moment
    changed_at: Moment
    resolved_at: Moment | None
    closed_at: Moment | None
    revision: int
    tickets: Sequence[TicketView]


class ProblemPage(TypedDict):
    """Problems."""

    items: Sequence[ProblemRecordView]
    next: Next


class ProblemAsked(TypedDict):
    """It is asked for, and done a moment later."""

    id: str
    asked: Literal[True]


class KnownErrorView(TypedDict):
    """A workaround, and the incidents it is for."""

    id: str
    origin: Annotated[Literal["configuration", "api"], Meta(description="Where it was recorded.")]
    match: Annotated[Sequence[str], Meta(description="What an incident must be like.")]
    workaround: WorkaroundView
    problem: str | None
    author: str
    recorded_at: Moment | None
    matched: Annotated[int, Meta(description="How many incidents were shown it.")]
    helped: Annotated[int, Meta(description="How many of them were over soon after.")]


class KnownErrorPage(TypedDict):
    """Known errors."""

    items: Sequence[KnownErrorView]
    next: Next


class ChangeView(TypedDict):
    """What was told of a change."""

    id: Annotated[str, Meta(description="SOURCE/KEY; the key is what the tool calls it.")]
    source: str
    kind: str
    state: ChangeState
    title: str
    services: Sequence[str]
    resources: Annotated[Sequence[str], Meta(description="The configuration items that are changed.")]
    environment: str
    starts_at: Moment
    ends_at: Moment | None
    at: Annotated[Moment, Meta(description="When the tool said so.")]
    actor: str
    url: str


class ChangePage(TypedDict):
    """Changes."""

    items: Sequence[ChangeView]
    next: Next
