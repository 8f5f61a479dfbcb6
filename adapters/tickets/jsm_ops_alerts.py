"""Alerts of Jira Service Management and Opsgenie: what they are made of, and what webhooks say of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from pydantic import SecretStr

from adapters.tickets.fields import render_fields
from adapters.tickets.signatures import check_secret
from adapters.tickets.text import clean, cut, one_line
from adapters.tickets.told import HEADER
from domain.errors import CallbackRefused
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketSeen, TicketState
from domain.times import Millis, to_millis

if TYPE_CHECKING:
    from adapters.tickets.jsm_ops import JsmOpsConfig

MESSAGE_LENGTH = 130
DESCRIPTION_LENGTH = 15_000
ENTITY_LENGTH = 512
NOTE_LENGTH = 25_000
OURS = "Tocsin"
"""Who we say that writes, so that our notes are known as ours."""
STATES = {
    "create": TicketState.OPEN,
    "unacknowledge": TicketState.OPEN,
    "acknowledge": TicketState.ACKNOWLEDGED,
    "close": TicketState.RESOLVED,
}
NEWS = STATES.keys() | {
    "addnote",
    "assignownership",
    "takeownership",
    "updatepriority",
    "updatemessage",
    "delete",
}
"""Actions that tell us something."""
_LATEST_MILLIS = 10**14

Id = Annotated[str, msgspec.Meta(min_length=1)]


class Accepted(msgspec.Struct, rename="camel"):
    """The answer to a write."""

    request_id: Id


class Outcome(msgspec.Struct, rename="camel"):
    """What became of it."""

    is_success: bool
    status: str = ""
    action: str = ""
    alert_id: str = ""


class Processed(msgspec.Struct):
    """The answer to the question for it."""

    data: Outcome


class Alert(msgspec.Struct, rename="camel"):
    """An alert as Opsgenie shows it."""

    id: Id
    status: str
    updated_at: datetime
    acknowledged: bool = False
    alias: str = ""
    message: str = ""
    priority: str = ""
    owner: str | None = ""
    description: str | None = None
    """Not in lists."""


class One(msgspec.Struct):
    """One alert."""

    data: Alert


class Many(msgspec.Struct):
    """A page of alerts."""

    data: list[Alert]


def to_alert(config: JsmOpsConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what is created."""
    team = config.teams.get(ticket.team, config.team)
    return {
        **_shown(ticket),
        "alias": ticket.key,
        "entity": one_line(ticket.service, ENTITY_LENGTH),
        "source": OURS,
        "user": OURS,
        "tags": config.tags,
        "details": {"url": ticket.url} if ticket.url else {},
        **({"responders": [_responder(team)]} if team else {}),
        **render_fields(config.fields, ticket),
    }


def to_changes(config: JsmOpsConfig, ticket: DesiredTicket, now: Alert) -> dict[str, Any]:
    """Return what of *ticket* an alert does not show; each is written for itself."""
    shown = {"message": now.message, "description": now.description, "priority": now.priority}
    wanted = _shown(ticket)
    wanted |= {name: value for name, value in render_fields(config.fields, ticket).items() if name in shown}
    return {name: value for name, value in wanted.items() if shown[name] != value}


def _shown(ticket: DesiredTicket) -> dict[str, Any]:
    return {
        "message": one_line(ticket.title, MESSAGE_LENGTH) or "unknown",
        "description": cut(clean(ticket.description), DESCRIPTION_LENGTH),
        "priority": ticket.priority.value,
    }


def _responder(team: str) -> dict[str, str]:
    try:
        return {"type": "team", "id": str(UUID(team))}
    except ValueError:
        return {"type": "team", "name": team}


def state_of(alert: Alert) -> TicketState:
    """Return the state that an alert is in."""
    if alert.status == "closed":
        return TicketState.RESOLVED
    return TicketState.ACKNOWLEDGED if alert.acknowledged else TicketState.OPEN


def to_seen(alert: Alert) -> TicketSeen:
    """Translate an alert into what was seen."""
    return TicketSeen(
        id=alert.id,
        at=to_millis(alert.updated_at),
        state=state_of(alert),
        title=alert.message,
        priority=_priority(alert.priority),
        assignee=alert.owner or "",
    )


def _priority(word: str) -> Priority | None:
    return next((one for one in Priority if one.value == word), None)


class Source(msgspec.Struct):
    """By what way it was done."""

    name: str | None = None


class Subject(msgspec.Struct, rename="camel"):
    """The alert in a webhook: only what the action is about can be relied on."""

    alert_id: Id
    message: str | None = None
    priority: str | None = None
    username: str | None = None
    owner: str | None = None
    note: str | None = None
    updated_at: int | None = None
    """In milliseconds or nanoseconds."""


class Posted(msgspec.Struct):
    """The body of a webhook."""

    action: str
    alert: Subject
    source: Source | None = None


def understood(secret: SecretStr | None, call: Callback) -> Sequence[TicketSeen]:
    """Authenticate and read a webhook; nothing for an action that is no news, like a tag.

    Raises:
        CallbackRefused: it has not our secret, or is of another shape.
    """
    if secret is None:
        raise CallbackRefused(
            "set callback_secret, and have the webhook send it in the header X-Tocsin-Secret", is_forged=True
        )
    check_secret(secret.get_secret_value(), call.headers, HEADER)
    try:
        posted = msgspec.json.decode(call.body, type=Posted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CallbackRefused(f"not a webhook of Jira Service Management or Opsgenie: {error}") from error
    action = posted.action.lower()
    return [_seen(posted, action, call.received_at)] if action in NEWS else []


def _seen(posted: Posted, action: str, received_at: Millis) -> TicketSeen:
    alert, at = posted.alert, _millis(posted.alert.updated_at, received_at)
    return TicketSeen(
        id=alert.alert_id,
        at=at,
        actor=alert.username or "",
        state=STATES.get(action),
        title=alert.message,
        priority=_priority(alert.priority or ""),
        assignee=(alert.owner or alert.username) if action.endswith("ownership") else None,
        comments=_comments(posted, at) if action == "addnote" else (),
        is_deleted=action == "delete",
    )


def _comments(posted: Posted, at: Millis) -> tuple[Comment, ...]:
    """Return the note, unless it is ours. It has no id: it is named by what it says, and when."""
    alert = posted.alert
    is_ours = OURS in (alert.username, posted.source.name if posted.source else None)
    if is_ours or not (alert.note or "").strip():
        return ()
    named = f"{alert.alert_id}\0{alert.updated_at}\0{alert.note}"
    return (Comment(sha256(named.encode()).hexdigest()[:16], alert.username or "", alert.note or "", at),)


def _millis(moment: int | None, received_at: Millis) -> Millis:
    """Read a moment that is told in milliseconds or in nanoseconds.

    >>> _millis(1704067200000000000, 0), _millis(1704067200000, 0), _millis(None, 5)
    (1704067200000, 1704067200000, 5)
    """
    if moment is None or moment <= 0:
        return received_at
    return moment if moment < _LATEST_MILLIS else moment // 1_000_000
