"""What Roundup's REST API shows of issues, and our tickets in its words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.priorities import priority_of
from adapters.tickets.states import state_of, wanted_state
from adapters.tickets.text import one_line
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketAction, TicketSeen, TicketState
from domain.times import Millis

if TYPE_CHECKING:
    from adapters.tickets.roundup import RoundupConfig

D = TypeVar("D")

KEY = "external_id"
TITLE = 250
FIELDS = f"title,status,priority,assignedto,activity,actor,messages,superseder,{KEY}"
PRIORITIES = {
    Priority.P1: "critical",
    Priority.P2: "urgent",
    Priority.P3: "bug",
    Priority.P4: "feature",
    Priority.P5: "wish",
}
STATES = {
    TicketState.OPEN: "unread",
    TicketState.ACKNOWLEDGED: "chatting",
    TicketState.IN_PROGRESS: "in-progress",
    TicketState.ON_HOLD: "deferred",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "resolved",
}
READS = MappingProxyType(
    {
        "need-eg": TicketState.ON_HOLD,
        "testing": TicketState.IN_PROGRESS,
        "done-cbb": TicketState.RESOLVED,
    }
)
"""Statuses of the classic template that Tocsin does not set."""


class Answer(msgspec.Struct, Generic[D]):
    """What every answer is wrapped in."""

    data: D


class Page(msgspec.Struct, Generic[D]):
    """A page of a list."""

    collection: list[D]


class Item(msgspec.Struct, Generic[D]):
    """One thing, and the tag that a write must show."""

    attributes: D
    etag: str = msgspec.field(name="@etag")


class Made(msgspec.Struct):
    """What a create answers, and what a link shows of an issue or a message."""

    id: str


class Named(msgspec.Struct):
    """What a link shows of a status, a priority, or a user."""

    name: str = ""
    username: str = ""


class Issue(msgspec.Struct):
    """An issue."""

    activity: str
    messages: list[Made]
    id: str = ""
    title: str | None = None
    status: Named | None = None
    priority: Named | None = None
    assignedto: Named | None = None
    actor: Named | None = None
    superseder: list[Made] = []
    external_id: str | None = None

    @property
    def at(self) -> Millis:
        """When it last changed."""
        return moment(self.activity)

    @property
    def word(self) -> str:
        """Its status."""
        return self.status.name if self.status is not None else ""


class Msg(msgspec.Struct):
    """A message."""

    content: str | None
    creation: str
    author: Named | None
    id: str = ""

    @property
    def at(self) -> Millis:
        """When it was written."""
        return moment(self.creation)

    @property
    def by(self) -> str:
        """Who wrote it."""
        return self.author.username if self.author is not None else ""


def moment(text: str) -> Millis:
    """Read a moment of Roundup, which is in UTC.

    >>> moment("2024-01-01.00:00:00")
    1704067200000
    """
    return shown_moment("Roundup", text.replace(".", "T", 1))


def to_new(config: RoundupConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return the properties of a new issue; what the site sets goes first, our key last."""
    assigned = {"assignedto": config.teams[ticket.team]} if ticket.team in config.teams else {}
    return {**assigned, **_columns(config, ticket), "status": config.words()[ticket.state], KEY: ticket.key}


def to_changes(
    config: RoundupConfig, ticket: DesiredTicket, action: TicketAction, now: Issue
) -> dict[str, Any]:
    """Return what of *ticket* the issue does not show. Other properties are written once: they are people's then."""
    columns = _columns(config, ticket)
    shown = {"title": now.title, "priority": now.priority.name if now.priority is not None else None}
    changes = {name: columns[name] for name in shown if columns[name] != shown[name]}
    state = wanted_state(action, ticket.state, state_in(config, now.word))
    if state is not None and config.words()[state] != now.word:
        changes["status"] = config.words()[state]
    return changes


def to_seen(config: RoundupConfig, issue: Issue, messages: Iterable[Msg] = ()) -> TicketSeen:
    """Say how an issue stands. *messages* may be those of others, too."""
    own = {one.id for one in issue.messages}
    return TicketSeen(
        id=issue.id,
        at=issue.at,
        actor=issue.actor.username if issue.actor is not None else "",
        state=state_in(config, issue.word),
        title=issue.title,
        priority=_priority(config, issue.priority),
        assignee=issue.assignedto.username if issue.assignedto is not None else "",
        comments=tuple(
            Comment(one.id, one.by, one.content or "", one.at) for one in messages if one.id in own
        ),
        merged_into=issue.superseder[0].id if issue.superseder else "",
    )


def state_in(config: RoundupConfig, word: str) -> TicketState | None:
    """Return what a status means; None if that is not known."""
    return state_of(word, config.words()) or config.reads.get(word)


def heard(
    config: RoundupConfig,
) -> tuple[Mapping[str, TicketState | None], Mapping[str, Priority | None]]:
    """Return what the words in a callback mean, in lower case."""
    known = {*config.words().values(), *config.reads}
    words = {**PRIORITIES, **config.priorities}
    return (
        {word.lower(): state_in(config, word) for word in known},
        {word.lower(): priority_of(word, words) for word in words.values()},
    )


def _priority(config: RoundupConfig, priority: Named | None) -> Priority | None:
    return None if priority is None else priority_of(priority.name, {**PRIORITIES, **config.priorities})


def _columns(config: RoundupConfig, ticket: DesiredTicket) -> dict[str, Any]:
    columns = {
        "title": one_line(ticket.title, TITLE),
        "priority": {**PRIORITIES, **config.priorities}[ticket.priority],
    }
    return {**columns, **render_fields(config.fields, ticket)}
