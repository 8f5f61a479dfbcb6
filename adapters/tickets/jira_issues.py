"""What Jira's REST API shows of issues, and our tickets in its words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.tickets.atlassian import plain_text, to_adf, to_wiki
from adapters.tickets.fields import render_fields
from adapters.tickets.states import state_of
from adapters.tickets.text import one_line
from domain.ports import LinkKind
from domain.priority import Level, Priority
from domain.ticket import Comment, DesiredTicket, TicketKind, TicketSeen, TicketState
from domain.times import Millis, to_millis

if TYPE_CHECKING:
    from adapters.tickets.jira import JiraConfig

SUMMARY_LENGTH = 255
SHOWN = "summary,description,status,priority,assignee,labels,created,updated,comment"
PRIORITIES = {
    Priority.P1: "Highest",
    Priority.P2: "High",
    Priority.P3: "Medium",
    Priority.P4: "Low",
    Priority.P5: "Lowest",
}
IMPACTS = {
    Level.HIGH: "Extensive / Widespread",
    Level.MEDIUM: "Significant / Large",
    Level.LOW: "Minor / Localized",
}
URGENCIES = {Level.HIGH: "High", Level.MEDIUM: "Medium", Level.LOW: "Low"}
STATES = {
    TicketState.OPEN: "Open",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
LINK_TYPES = {LinkKind.CHILD_OF: "Relates", LinkKind.CAUSED_BY: "Problem/Incident"}
CATEGORIES = {
    "new": TicketState.OPEN,
    "indeterminate": TicketState.IN_PROGRESS,
    "done": TicketState.RESOLVED,
}


class Named(msgspec.Struct, frozen=True):
    """A thing of which the name counts."""

    name: str = ""


class Category(msgspec.Struct, frozen=True):
    """What kind of status one is: new, indeterminate or done."""

    key: str = ""


class Status(msgspec.Struct, rename="camel"):
    """A status of a workflow."""

    name: str
    status_category: Category = Category()


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A user: known by account id on Cloud, by name on Data Center."""

    account_id: str = ""
    name: str = ""
    display_name: str = ""

    @property
    def id(self) -> str:
        """What tells the user from others."""
        return self.account_id or self.name


class Said(msgspec.Struct):
    """A comment."""

    id: str
    created: str
    body: Any = ""
    author: User = User()


class SaidList(msgspec.Struct, frozen=True):
    """The comments of an issue."""

    comments: list[Said] = []


class Shown(msgspec.Struct):
    """The fields of an issue that we look at."""

    status: Status
    updated: str | None = None
    summary: str | None = None
    description: Any = None
    priority: Named | None = None
    assignee: User | None = None
    labels: list[str] = []
    comment: SaidList = SaidList()


class Issue(msgspec.Struct):
    """An issue as Jira shows it."""

    key: str
    fields: Shown


class Raw(msgspec.Struct):
    """The same, to compare any field."""

    fields: dict[str, Any]


class Page(msgspec.Struct, rename="camel"):
    """A page of a search. Cloud names the next page, Data Center the number of all."""

    issues: list[Issue]
    next_page_token: str | None = None
    total: int = 0


class Created(msgspec.Struct):
    """The answer to a create."""

    key: str


class Transition(msgspec.Struct):
    """A way out of the status that an issue is in."""

    id: str
    to: Status
    fields: dict[str, Any] = {}


class Transitions(msgspec.Struct):
    """All of them."""

    transitions: list[Transition]


class IssueType(msgspec.Struct):
    """An issue type of a project, with the statuses of its workflow."""

    name: str
    statuses: list[Named] = []


class Right(msgspec.Struct, rename="camel"):
    """Whether we have a permission."""

    have_permission: bool


class Rights(msgspec.Struct):
    """Our permissions in a project."""

    permissions: dict[str, Right]


class Posted(msgspec.Struct, rename={"event": "webhookEvent"}):
    """What a webhook posts."""

    event: str
    timestamp: int
    issue: Issue
    user: User = User()
    comment: Said | None = None


def to_new(config: JiraConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into the fields of a new issue."""
    is_problem = ticket.kind is TicketKind.PROBLEM
    component = config.teams.get(ticket.team)
    return {
        "project": {"key": config.project},
        "issuetype": {"name": config.problem_type if is_problem else config.issue_type},
        "labels": [config.label_prefix + ticket.key],
        **({"components": [{"name": component}]} if component else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: JiraConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    text = to_adf if config.deployment == "cloud" else to_wiki
    levels = {
        config.impact_field: {**IMPACTS, **config.impacts}[ticket.impact],
        config.urgency_field: {**URGENCIES, **config.urgencies}[ticket.urgency],
    }
    return {
        "summary": one_line(ticket.title, SUMMARY_LENGTH),
        "description": text(ticket.description, ticket.url),
        "priority": {"name": {**PRIORITIES, **config.priorities}[ticket.priority]},
        **{field: {"value": value} for field, value in levels.items() if field is not None},
        **render_fields(config.fields, ticket),
    }


def to_changes(config: JiraConfig, ticket: DesiredTicket, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of *ticket* the issue does not show."""
    wanted = to_fields(config, ticket)
    return {name: value for name, value in wanted.items() if not holds(shown.get(name), value)}


def holds(shown: object, wanted: object) -> bool:
    """Tell whether Jira shows what was written; it adds ids, addresses and the like.

    >>> holds({"id": "1", "name": "High"}, {"name": "High"}), holds([], [{"name": "x"}])
    (True, False)
    """
    if isinstance(wanted, dict):
        return isinstance(shown, dict) and all(holds(shown.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(shown, list) and len(shown) == len(wanted) and all(map(holds, shown, wanted))
    return shown == wanted


def state_in(config: JiraConfig, status: Status) -> TicketState | None:
    """Return what a status means: by its name, else by its kind."""
    words = {**STATES, **config.states}
    return state_of(status.name, words) or CATEGORIES.get(status.status_category.key)


def choose(ways: Sequence[Transition], word: str, state: TicketState) -> Transition | None:
    """Return the transition to the status called *word*, else the first to one of the same kind."""
    named = [way for way in ways if way.to.name.casefold() == word.casefold()]
    alike = [way for way in ways if is_alike(way.to, state)]
    return next(iter([*named, *alike]), None)


def is_alike(status: Status, state: TicketState) -> bool:
    """Tell whether a status is of the kind of *state*: not begun, under way, or over."""
    kind = CATEGORIES.get(status.status_category.key)
    if kind is None or kind.is_over or state.is_over:
        return kind is not None and kind.is_over and state.is_over
    return (kind is TicketState.OPEN) is (state is TicketState.OPEN)


def to_transition(config: JiraConfig, way: Transition) -> dict[str, Any]:
    """Ask for a transition, with a resolution where its screen has one."""
    asked = {"fields": {"resolution": {"name": config.resolution}}} if "resolution" in way.fields else {}
    return {"transition": {"id": way.id}, **asked}


def to_seen(
    config: JiraConfig, issue: Issue, *, at: Millis | None = None, since: Millis | None = None, own: str = ""
) -> TicketSeen:
    """Say how an issue stands. *since* adds the comments made from then on, but those of *own*, who we are.

    Raises:
        ValueError: it tells no moment.
    """
    fields = issue.fields
    words = {name: priority for priority, name in {**PRIORITIES, **config.priorities}.items()}
    comments = [to_comment(one) for one in fields.comment.comments if one.author.id != own]
    return TicketSeen(
        id=issue.key,
        at=moment(fields.updated) if fields.updated or at is None else at,
        state=state_in(config, fields.status),
        title=fields.summary,
        priority=words.get(fields.priority.name) if fields.priority is not None else None,
        assignee="" if fields.assignee is None else fields.assignee.display_name or fields.assignee.id,
        comments=tuple(one for one in comments if since is not None and one.at >= since),
    )


def to_comment(said: Said) -> Comment:
    """Translate a comment."""
    author = said.author.display_name or said.author.id
    return Comment(said.id, author, plain_text(said.body), moment(said.created))


def moment(text: str | None) -> Millis:
    """Read ``2026-01-01T09:00:00.000+0000``."""
    return to_millis(datetime.fromisoformat(text or ""))


def extra_fields(config: JiraConfig) -> list[str]:
    """Name the fields that only this configuration looks at."""
    named = (config.impact_field, config.urgency_field)
    return [*(field for field in named if field is not None), *config.fields]


def what_is_missing(config: JiraConfig, rights: Mapping[str, Right], types: Sequence[IssueType]) -> list[str]:
    """List what must be set up in Jira, in words for its administrator."""
    project = config.project
    missing = [
        f"we lack the permission {name} in project {project}; give it to our account's role"
        for name, right in rights.items()
        if not right.have_permission
    ]
    known = {one.name: {status.name.casefold() for status in one.statuses} for one in types}
    if config.issue_type not in known:
        names = ", ".join(sorted(known)) or "none"
        missing.append(f"project {project} has no issue type {config.issue_type!r}; it has: {names}")
    statuses = known.get(config.issue_type, set())
    missing += [
        f"the workflow of {config.issue_type!r} has no status {word!r}, set in states"
        for word in config.states.values()
        if statuses and word.casefold() not in statuses
    ]
    return missing
