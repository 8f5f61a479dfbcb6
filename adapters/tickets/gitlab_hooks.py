"""GitLab's webhooks (docs.gitlab.com, "Webhook events"): what they say of an issue or a comment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from adapters.tickets.issues import is_ours, key_in, priority_in
from domain.priority import Priority
from domain.ticket import Comment, TicketSeen, TicketState
from domain.times import to_millis

STATES = {"opened": TicketState.OPEN, "reopened": TicketState.OPEN, "closed": TicketState.RESOLVED}
HOOKS = {"issue", "incident", "work_item", "note"}


class User(msgspec.Struct, frozen=True):
    """Somebody."""

    username: str = ""
    name: str = ""


class HookLabel(msgspec.Struct):
    """A label in a webhook."""

    title: str = ""


class HookIssue(msgspec.Struct):
    """An issue in a webhook, or a note: which fields there are tells what it is."""

    iid: int | None = None
    id: int | None = None
    state: str | None = None
    title: str | None = None
    description: str | None = None
    updated_at: str | None = None
    labels: list[HookLabel] | None = None
    note: str | None = None
    noteable_type: str | None = None


class Posted(msgspec.Struct):
    """The body of a webhook."""

    object_kind: str
    user: User = User()
    object_attributes: HookIssue | None = None
    issue: HookIssue | None = None
    assignees: list[User] | None = None


def told_of(posted: Posted, label: str, words: Mapping[Priority, str]) -> TicketSeen | None:
    """Translate a webhook into what was seen; None for one that is not about an issue of ours."""
    if posted.object_kind not in HOOKS or posted.object_attributes is None:
        raise ValueError(f"{posted.object_kind} is of no use; choose issue events and comments")
    told = posted.object_attributes
    issue = posted.issue if posted.object_kind == "note" else told
    if issue is None or issue.iid is None or not _concerns_us(issue, label):
        return None
    labels = None if issue.labels is None else [label.title for label in issue.labels]
    at = to_millis(max(moment_of(one.updated_at) for one in (issue, told)))
    comments: tuple[Comment, ...] = ()
    if posted.object_kind == "note" and not is_ours(told.note):
        comments = (Comment(str(told.id), posted.user.username, told.note or "", at),)
    return TicketSeen(
        id=str(issue.iid),
        at=at,
        actor=posted.user.username,
        state=STATES.get(issue.state or ""),
        title=issue.title,
        priority=None if labels is None else priority_in(labels, words),
        assignee=None
        if posted.object_kind == "note" or posted.assignees is None
        else ", ".join(one.username for one in posted.assignees),
        comments=comments,
    )


def moment_of(text: str | None) -> datetime:
    """Read a moment in either of the forms that webhooks have.

    >>> moment_of("2026-01-01 12:00:00 UTC") == moment_of("2026-01-01T12:00:00.000Z")
    True
    """
    moment = datetime.fromisoformat((text or "").replace(" UTC", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _concerns_us(issue: HookIssue, name: str) -> bool:
    return bool(key_in(issue.description)) or name in {label.title for label in issue.labels or ()}
