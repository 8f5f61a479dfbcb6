"""What Zammad's REST API shows of tickets, and our tickets in its words. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.states import state_of, wanted_state
from adapters.tickets.text import clean, cut, one_line, with_link
from domain.ports import LinkKind
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketAction, TicketKind, TicketSeen, TicketState
from domain.times import to_millis

if TYPE_CHECKING:
    from adapters.tickets.zammad import ZammadConfig

TITLE_LENGTH = 250
LONGEST = 100_000
MERGED = "merged"
PRIORITIES = {
    Priority.P1: "3 high",
    Priority.P2: "3 high",
    Priority.P3: "2 normal",
    Priority.P4: "1 low",
    Priority.P5: "1 low",
}
STATES = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "pending reminder",
    TicketState.RESOLVED: "closed",
    TicketState.CLOSED: "closed",
}
LINKS = {LinkKind.CHILD_OF: "parent", LinkKind.CAUSED_BY: "normal"}

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Ticket(msgspec.Struct):
    """A ticket as Zammad shows it when asked to expand."""

    id: int
    state: str
    updated_at: Moment
    number: str = ""
    title: str = ""
    priority: str = ""
    owner: str = ""
    group: str = ""


class Raw(msgspec.Struct):
    """The one thing that every answer about a ticket has."""

    id: int


class User(msgspec.Struct):
    """Who wrote something."""

    login: str = ""
    email: str = ""

    @property
    def name(self) -> str:
        """How people know the user."""
        return self.email or self.login


class Word(msgspec.Struct):
    """A thing by its name."""

    name: str = ""


class Article(msgspec.Struct):
    """What was written."""

    id: int
    created_at: Moment
    body: str = ""
    content_type: str = "text/plain"
    created_by: User = msgspec.field(default_factory=User)


class PostedTicket(msgspec.Struct):
    """A ticket as a trigger posts it."""

    id: int
    updated_at: Moment
    state: str | Word
    title: str = ""
    priority: str | Word = ""
    owner: User | None = None
    updated_by: User | None = None


class Posted(msgspec.Struct):
    """What a webhook of a trigger posts."""

    ticket: PostedTicket
    article: Article | None = None


class Me(msgspec.Struct):
    """Who we are."""

    login: str
    email: str = ""


def to_new(config: ZammadConfig, ticket: DesiredTicket, now: float) -> dict[str, Any]:
    """Translate a ticket into a new one."""
    return {
        "group": config.teams.get(ticket.team, config.group),
        "customer_id": f"guess:{config.customer}",
        config.key_field: ticket.key,
        **({"tags": config.problem_tag} if ticket.kind is TicketKind.PROBLEM else {}),
        **to_state(config, ticket.state, now),
        **to_fields(config, ticket),
        "article": {"subject": one_line(ticket.title, TITLE_LENGTH), **to_article(with_link(ticket))},
    }


def to_fields(config: ZammadConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    levels = {config.impact_field: ticket.impact, config.urgency_field: ticket.urgency}
    return {
        "title": one_line(ticket.title, TITLE_LENGTH),
        "priority": {**PRIORITIES, **config.priorities}[ticket.priority],
        **{name: level.value for name, level in levels.items() if name is not None},
        **render_fields(config.fields, ticket),
    }


def to_state(config: ZammadConfig, state: TicketState, now: float) -> dict[str, Any]:
    """Ask for a state; one that waits needs a moment to wait for."""
    word = config.word(state)
    if not word.startswith("pending"):
        return {"state": word}
    until = datetime.fromtimestamp(now + config.pending / 1000, UTC)
    return {"state": word, "pending_time": until.isoformat(timespec="seconds")}


def to_changes(
    config: ZammadConfig,
    ticket: DesiredTicket,
    action: TicketAction,
    now: Ticket,
    shown: Mapping[str, Any],
    clock: float,
) -> dict[str, Any]:
    """Return what of *ticket* Zammad does not show. A first article stays: what matters is told by another."""
    changes = {name: value for name, value in to_fields(config, ticket).items() if shown.get(name) != value}
    state = wanted_state(action, ticket.state, state_in(config, now.state))
    if state is not None and config.word(state) != now.state:
        changes |= to_state(config, state, clock)
    if "priority" in changes or action in {TicketAction.RESOLVE, TicketAction.REOPEN}:
        changes |= {"article": to_article(with_link(ticket))} if changes else {}
    return changes


def to_article(text: str) -> dict[str, Any]:
    """Write plain text that only agents see."""
    return {"body": cut(clean(text), LONGEST), "type": "note", "internal": True, "content_type": "text/plain"}


def state_in(config: ZammadConfig, word: str) -> TicketState | None:
    """Return what a state means."""
    return state_of(word, {**STATES, **config.states})


def priority_in(config: ZammadConfig, word: str) -> Priority | None:
    """Return what a priority means: where one word stands for two of ours it says nothing."""
    words = {**PRIORITIES, **config.priorities}
    found = [priority for priority, name in words.items() if name == word]
    return found[0] if len(found) == 1 else None


def to_seen(config: ZammadConfig, ticket: Ticket) -> TicketSeen:
    """Say how a ticket stands. That one was merged is told, not into which."""
    return TicketSeen(
        id=str(ticket.id),
        at=to_millis(ticket.updated_at),
        state=TicketState.CLOSED if ticket.state == MERGED else state_in(config, ticket.state),
        title=ticket.title,
        priority=priority_in(config, ticket.priority),
        assignee="" if ticket.owner in {"", "-"} else ticket.owner,
    )


def to_told(config: ZammadConfig, posted: Posted, own: Me) -> TicketSeen:
    """Say how the ticket of a callback stands."""
    ticket, article = posted.ticket, posted.article
    state, priority = (one.name if isinstance(one, Word) else one for one in (ticket.state, ticket.priority))
    flat = Ticket(ticket.id, state, ticket.updated_at, title=ticket.title, priority=priority)
    comments: list[Comment] = []
    if article is not None and article.created_by.login != own.login:
        at = to_millis(article.created_at)
        comments.append(Comment(str(article.id), article.created_by.name, plain(article), at))
    return msgspec.structs.replace(
        to_seen(config, flat),
        assignee="" if ticket.owner is None or ticket.owner.login in {"", "-"} else ticket.owner.name,
        actor=ticket.updated_by.name if ticket.updated_by is not None else "",
        comments=tuple(comments),
    )


def plain(article: Article) -> str:
    """Read an article as text; what people write in the browser is HTML."""
    if "html" not in article.content_type:
        return article.body
    broken = re.sub(r"(?i)<br ?/?>|</(?:p|div|li)>", "\n", article.body)
    return html.unescape(re.sub(r"<[^<>]*>", "", broken)).strip()
