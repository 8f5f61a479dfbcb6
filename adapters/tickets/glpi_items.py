"""GLPI's items and columns, and our tickets in their words. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from adapters.tickets.fields import render_fields
from adapters.tickets.moments import moment, shown_moment
from adapters.tickets.priorities import priority_of
from adapters.tickets.text import one_line, to_html_within, with_link
from domain.priority import Level, Priority
from domain.ticket import Comment, DesiredTicket, TicketSeen, TicketState
from domain.times import Millis

if TYPE_CHECKING:
    from adapters.tickets.glpi import GlpiConfig

TITLE_LENGTH = 255
HTML_BYTES = 60_000
KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
PROBLEM = "problem/"
"""What stands before the number of a problem in the id of a ticket."""
ASSIGNED = 2
"""The status that GLPI itself gives a ticket with a group or a technician."""
PLANNED = 3
STATES = {
    TicketState.OPEN: 1,
    TicketState.ACKNOWLEDGED: ASSIGNED,
    TicketState.IN_PROGRESS: ASSIGNED,
    TicketState.ON_HOLD: 4,
    TicketState.RESOLVED: 5,
    TicketState.CLOSED: 6,
}
PRIORITIES = {Priority.P1: 6, Priority.P2: 5, Priority.P3: 4, Priority.P4: 3, Priority.P5: 2}
LEVELS = {Level.HIGH: 5, Level.MEDIUM: 3, Level.LOW: 1}
# Numbers of search options, the same for tickets and problems.
TITLE, ID, PRIORITY, TECHNICIAN, GROUP, STATUS, DATE, TEXT = "1", "2", "3", "5", "8", "12", "19", "21"
SHOWN = (TITLE, ID, PRIORITY, TECHNICIAN, GROUP, STATUS, DATE)

Row = dict[str, Any]
"""A line of a search: values by the numbers of search options."""


class Started(msgspec.Struct):
    """The answer to a login."""

    session_token: Annotated[str, msgspec.Meta(min_length=1)]


class Created(msgspec.Struct):
    """The answer to a create."""

    id: int


class Found(msgspec.Struct):
    """The answer to a search; without data where there is none."""

    totalcount: int
    data: list[Row] = []


class Item(msgspec.Struct):
    """An item as it is stored."""

    id: int
    content: str | None = ""


class Choice(msgspec.Struct):
    """One of a list, by its number."""

    id: int
    name: str = ""


class PostedItem(msgspec.Struct):
    """A ticket, a problem or a followup, as GLPI 11 posts it."""

    id: int
    name: str | None = None
    status: Choice | int | None = None
    priority: Choice | int | None = None
    date_mod: str | None = None
    date_creation: str | None = None
    itemtype: str = ""
    items_id: int | None = None
    content: str | None = None
    user: Choice | None = None


class Posted(msgspec.Struct):
    """What a webhook posts by its own payload."""

    event: str
    item: PostedItem


def to_new(config: GlpiConfig, ticket: DesiredTicket, *, is_problem: bool) -> dict[str, Any]:
    """Translate a ticket into what GLPI creates."""
    group = config.teams.get(ticket.team, config.group)
    return {
        **({} if is_problem else {"type": 1}),
        **({"entities_id": config.entity} if config.entity is not None else {}),
        **({"_groups_id_assign": group} if group is not None else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: GlpiConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date. The key is the last line of the description."""
    return {
        "name": one_line(ticket.title, TITLE_LENGTH),
        "content": f"<p>{to_html_within(with_link(ticket), HTML_BYTES)}</p><p>Tocsin: {ticket.key}</p>",
        "impact": {**LEVELS, **config.impacts}[ticket.impact],
        "urgency": {**LEVELS, **config.urgencies}[ticket.urgency],
        "priority": {**PRIORITIES, **config.priorities}[ticket.priority],
        **render_fields(config.fields, ticket),
    }


def has_key(item: Item, key: str) -> bool:
    """Tell whether our key is in the description of an item."""
    return re.search(rf"Tocsin: {re.escape(key)}(?![\w.-])", plain(item.content or "")) is not None


def to_seen(config: GlpiConfig, row: Row, *, is_problem: bool) -> TicketSeen:
    """Say how a ticket stands by a line of a search."""
    number = row.get(ID)
    return TicketSeen(
        id=f"{PROBLEM}{number}" if is_problem else str(number),
        at=shown_moment(f"GLPI {number}", row.get(DATE), ZoneInfo(config.time_zone)),
        state=config.state(as_number(row.get(STATUS))),
        title=plain(str(row.get(TITLE) or "")),
        priority=priority_of(as_number(row.get(PRIORITY)), {**PRIORITIES, **config.priorities}),
        assignee=holders(row.get(TECHNICIAN)) or holders(row.get(GROUP)),
    )


def to_news(config: GlpiConfig, posted: Posted, *, is_problem: bool) -> TicketSeen:
    """Say what a webhook tells.

    Raises:
        ValueError: it tells no moment.
    """
    item = posted.item
    at = moment(item.date_mod or item.date_creation or "", ZoneInfo(config.time_zone))
    if item.items_id is not None:
        prefix = PROBLEM if item.itemtype == "Problem" else ""
        return TicketSeen(f"{prefix}{item.items_id}", at, comments=(_comment(item, at),))
    return TicketSeen(
        id=f"{PROBLEM}{item.id}" if is_problem else str(item.id),
        at=at,
        state=config.state(_number_of(item.status)),
        title=item.name,
        priority=priority_of(_number_of(item.priority), {**PRIORITIES, **config.priorities}),
        is_deleted=posted.event == "delete",
    )


def plain(text: str) -> str:
    """Take the marks out of a text. GLPI 10 stores even those that make it HTML as entities."""
    once = html.unescape(text) if "<" not in text and "&lt;p" in text else text
    lines = re.sub(r"<br\s*/?>|</p>", "\n", once)
    return html.unescape(re.sub(r"<[^<>]*>", "", lines)).strip()


def holders(value: Any) -> str:
    """Name who is assigned: one, several or nobody, by name or number."""
    several = value if isinstance(value, list) else [value]
    return ", ".join(str(one) for one in several if one not in (None, "", 0, "0"))


def as_number(value: Any) -> int:
    """Read a number that a search may show as text; 0 for none."""
    text = str(value)
    return int(text) if text.isdecimal() else 0


def _number_of(value: Choice | int | None) -> int:
    return value.id if isinstance(value, Choice) else value or 0


def _comment(item: PostedItem, at: Millis) -> Comment:
    author = item.user.name or str(item.user.id) if item.user is not None else ""
    return Comment(str(item.id), author, plain(item.content or ""), at)
