"""What Redmine's REST API shows of issues, and our tickets in its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.states import state_of, wanted_state
from adapters.tickets.text import clean, one_line
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketAction, TicketKind, TicketSeen, TicketState
from domain.times import Millis, to_millis

if TYPE_CHECKING:
    from adapters.tickets.redmine import RedmineConfig

SUBJECT_LENGTH = 255
LONGEST = 60_000
# What `load_default_data` makes.
PRIORITIES = {Priority.P1: 5, Priority.P2: 4, Priority.P3: 3, Priority.P4: 2, Priority.P5: 1}
STATES = {
    TicketState.OPEN: 1,
    TicketState.ACKNOWLEDGED: 2,
    TicketState.IN_PROGRESS: 2,
    TicketState.ON_HOLD: 4,
    TicketState.RESOLVED: 3,
    TicketState.CLOSED: 5,
}


class Named(msgspec.Struct, frozen=True):
    """A thing by its number."""

    id: int
    name: str = ""


class Status(msgspec.Struct, frozen=True):
    """A status; from 5.0 on it tells whether it closes."""

    id: int
    name: str = ""
    is_closed: bool = False


class CustomField(msgspec.Struct, frozen=True):
    """A custom field of an issue; lists have several values."""

    id: int
    value: Any = None


class Journal(msgspec.Struct, frozen=True):
    """One change of an issue."""

    id: int
    created_on: datetime
    notes: str | None = None
    user: Named = Named(0)


class Issue(msgspec.Struct, frozen=True):
    """An issue as Redmine shows it."""

    id: int
    status: Status
    updated_on: datetime
    subject: str = ""
    description: str | None = None
    priority: Named = Named(0)
    assigned_to: Named | None = None
    custom_fields: list[CustomField] = []
    journals: list[Journal] = []

    def value(self, field: int) -> str:
        """Return what a custom field holds."""
        return next((str(one.value or "") for one in self.custom_fields if one.id == field), "")


class One(msgspec.Struct):
    """An answer about one issue."""

    issue: Issue


class Page(msgspec.Struct):
    """A page of issues."""

    issues: list[Issue]
    total_count: int = 0


class Relation(msgspec.Struct):
    """A link between two issues."""

    issue_id: int
    issue_to_id: int


class Relations(msgspec.Struct):
    """All of an issue."""

    relations: list[Relation] = []


class Project(msgspec.Struct):
    """A project as Redmine shows it to us."""

    trackers: list[Named] = []


class Shown(msgspec.Struct):
    """The answer about a project."""

    project: Project


class Me(msgspec.Struct):
    """Who we are."""

    user: Named


class Told(msgspec.Struct):
    """What of a webhook is about the issue."""

    issue: Issue
    journal: Journal | None = None


class Posted(msgspec.Struct):
    """What a webhook of Redmine 7 posts."""

    type: str
    timestamp: datetime
    data: Told


def to_new(config: RedmineConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into a new issue."""
    is_problem = ticket.kind is TicketKind.PROBLEM
    assignee = config.teams.get(ticket.team)
    columns, custom = to_fields(config, ticket)
    return {
        "project_id": config.project,
        "tracker_id": (config.problem_tracker if is_problem else None) or config.tracker,
        "status_id": status_id(config, TicketState.OPEN),
        **({"assigned_to_id": assignee} if assignee is not None else {}),
        **columns,
        "custom_fields": [
            {"id": number, "value": value}
            for number, value in {**custom, config.key_field: ticket.key}.items()
        ],
    }


def to_fields(config: RedmineConfig, ticket: DesiredTicket) -> tuple[dict[str, Any], dict[int, Any]]:
    """Return what is kept up to date: columns by name, and custom fields by number."""
    levels = {config.impact_field: ticket.impact, config.urgency_field: ticket.urgency}
    columns: dict[str, Any] = {
        "subject": one_line(ticket.title, SUBJECT_LENGTH),
        "description": to_text(ticket.description, ticket.url),
        "priority_id": {**PRIORITIES, **config.priorities}[ticket.priority],
    }
    custom: dict[int, Any] = {number: level.value for number, level in levels.items() if number is not None}
    for name, value in render_fields(config.fields, ticket).items():
        if name.startswith("cf_") and name[3:].isdecimal():
            custom[int(name[3:])] = value
        else:
            columns[name] = value
    return columns, custom


def to_changes(
    config: RedmineConfig, ticket: DesiredTicket, action: TicketAction, now: Issue
) -> dict[str, Any]:
    """Return what of *ticket* the issue does not show."""
    columns, custom = to_fields(config, ticket)
    shown = {
        "subject": now.subject,
        "description": (now.description or "").replace("\r\n", "\n"),
        "priority_id": now.priority.id,
    }
    changes = {name: value for name, value in columns.items() if shown.get(name) != value}
    fields = [
        {"id": number, "value": value} for number, value in custom.items() if now.value(number) != str(value)
    ]
    state = wanted_state(action, ticket.state, state_in(config, now.status))
    if fields:
        changes["custom_fields"] = fields
    if state is not None and status_id(config, state) != now.status.id:
        changes["status_id"] = status_id(config, state)
    return changes


def to_text(text: str, url: str = "") -> str:
    r"""Show plain text as it is, in Textile as in Markdown, and below it a link.

    What could be markup is written as a character's number, also spaces that begin a line: they would make code.

    >>> to_text("a *b*\n  c", "https://x.example")
    'a &#42;b&#42;\n&#160;&#160;c\n\nhttps://x.example'
    """
    plain = "".join(c if c.isalnum() or c in " \n\t," else f"&#{ord(c)};" for c in clean(text))
    indented = re.sub(r"^[ \t]+", lambda spaces: "&#160;" * len(spaces[0]), plain, flags=re.MULTILINE)
    escaped = indented
    if len(indented) > LONGEST:
        escaped = re.sub(r"&[^;]{0,8}$", "", indented[:LONGEST]) + "…"
    return f"{escaped}\n\n{url}" if url else escaped


def status_id(config: RedmineConfig, state: TicketState) -> int:
    """Return the status that stands for *state*."""
    return {**STATES, **config.states}[state]


def state_in(config: RedmineConfig, status: Status) -> TicketState | None:
    """Return what a status means; one that closes and that nobody listed is closed."""
    known = state_of(status.id, {**STATES, **config.states})
    return TicketState.CLOSED if known is None and status.is_closed else known


def to_seen(
    config: RedmineConfig, issue: Issue, journals: Sequence[Journal] = (), own: int = 0
) -> TicketSeen:
    """Say how an issue stands, with the notes of *journals* but for those of *own*, who we are."""
    priorities = {number: priority for priority, number in {**PRIORITIES, **config.priorities}.items()}
    return TicketSeen(
        id=str(issue.id),
        at=millis(issue.updated_on),
        state=state_in(config, issue.status),
        title=issue.subject,
        priority=priorities.get(issue.priority.id),
        assignee=issue.assigned_to.name if issue.assigned_to is not None else "",
        comments=tuple(
            Comment(str(one.id), one.user.name, one.notes, millis(one.created_on))
            for one in journals
            if one.notes and one.user.id != own
        ),
    )


def millis(moment: datetime) -> Millis:
    """Read a moment; Redmine's are in UTC."""
    return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def what_is_missing(config: RedmineConfig, project: Project) -> list[str]:
    """List what must be set up in Redmine, in words for its administrator."""
    trackers = {one.id: one.name for one in project.trackers}
    return [
        f"project {config.project} has no tracker {number}; it has: {_listed(trackers)}"
        for number in (config.tracker, config.problem_tracker)
        if number is not None and number not in trackers
    ]


def _listed(known: Mapping[int, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in known.items()) or "none"
