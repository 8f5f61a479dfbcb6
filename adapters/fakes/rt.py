"""Request Tracker 5's REST 2.0, as far as Tocsin uses it, with its traps.

Written from what a real RT 5.0.3 answered; the same tests run on both. The traps: an illegal status is a 200
with a message; a search by an unknown custom field finds nothing; a unique custom field is left out of the
second ticket; an unknown queue is a 403; a merged ticket answers with the one it went into; illegal values of
a list are dropped. RT posts nothing; ``callback_of`` is what the scrip of docs/destinations/rt.md posts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

QUEUE = "Incidents"
QUEUES = {QUEUE, "Problems"}
SECRET = "of-the-scrip"  # noqa: S105 - of a fake
ME = "tocsin"
TOKEN = "1-14-0123456789abcdef"  # noqa: S105 - of a fake
FIELDS = {
    "ExternalID": None,
    "Impact": ("high", "medium", "low"),
    "Urgency": ("high", "medium", "low"),
    "Service": None,
}
UNIQUE = "ExternalID"
STATUSES = {"new", "open", "stalled", "resolved", "rejected", "deleted"}
CLOSED = {"resolved", "rejected", "deleted"}
QUERY = re.compile(r"CF\.\{(?P<field>[^{}]+)\} = '(?P<value>(?:[^'\\]|\\.)*)'")
CHANGED = re.compile(r"\((?P<queues>.*)\) AND LastUpdated > '(?P<since>[^']*) UTC'")
WORDS = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "stalled",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "rejected",
}
ROOT = "/REST/2.0"


@dataclass(slots=True)
class Ticket:
    """One ticket."""

    id: int
    subject: str
    priority: int
    fields: dict[str, str]
    contents: list[str]
    status: str = "new"
    merged_into: int | None = None
    queue: str = QUEUE
    owner: str = "Nobody"
    actor: str = ME
    comment: str = ""
    updated: float = 0.0
    links: list[str] = field(default_factory=list)


class FakeRT(Fake):
    """One queue of a Request Tracker."""

    type = "rt"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "100",
        Priority.P2: "75",
        Priority.P3: "50",
        Priority.P4: "25",
        Priority.P5: "0",
    }

    extra_field = "CF.Service"
    deeds = frozenset({"state", "priority", "assignee", "comment", "merge_into", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[int, Ticket] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get(f"{ROOT}/rt", self._version),
            web.get(f"{ROOT}/queue/{{name}}", self._queue),
            web.get(f"{ROOT}/tickets", self._search),
            web.post(f"{ROOT}/ticket", self._create),
            web.get(f"{ROOT}/ticket/{{id:\\d+}}", self._show),
            web.put(f"{ROOT}/ticket/{{id:\\d+}}", self._update),
            web.post(f"{ROOT}/ticket/{{id:\\d+}}/comment", self._comment),
            web.get(f"{ROOT}/ticket/{{id:\\d+}}/attachments", self._attachments),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "rt",
            "url": url,
            "token": TOKEN,
            "queue": QUEUE,
            "problem_queue": "Problems",
            "user": ME,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "1-14-ffffffffffffffff"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [str(id_) for id_ in self.tickets]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[int(id_)]
        is_open = ticket.status not in CLOSED
        text, *comments = ticket.contents
        return Shown(
            ticket.subject,
            text,
            is_open,
            str(ticket.priority),
            comments=tuple(comments),
            state=ticket.status,
            fields={f"CF.{name}": value for name, value in ticket.fields.items()},
            links=tuple(ticket.links),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        ticket = self.tickets[int(id_)]
        if deed.state is not None:
            ticket.status = WORDS[deed.state]
        if deed.delete:
            ticket.status = "deleted"
        if deed.priority is not None:
            ticket.priority = int(self.priorities[deed.priority])
        if deed.assignee is not None:
            ticket.owner = deed.assignee
        if deed.comment is not None:
            ticket.contents.append(deed.comment)
        if deed.merge_into is not None:
            ticket.merged_into = int(deed.merge_into)
        ticket.actor, ticket.comment, ticket.updated = deed.actor, deed.comment or "", time.time()

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Post as the scrip does."""
        ticket = self.tickets[int(id_)]
        body = {
            "id": ticket.id,
            "state": ticket.status,
            "priority": ticket.priority,
            "assignee": "" if ticket.owner == "Nobody" else ticket.owner,
            "actor": ticket.actor,
            "updated_at": _moment(ticket.updated),
            "comment": ticket.comment,
        }
        return {"content-type": "application/json", "x-tocsin-secret": SECRET}, json.dumps(body).encode()

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return _message(401, "Unauthorized")
        return await handler(request)

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"Version": "5.0.3"})

    async def _queue(self, request: web.Request) -> web.Response:
        if request.match_info["name"] not in QUEUES:
            return _message(403, "Forbidden")
        fields = [{"type": "customfield", "ref": "customfield", "name": name} for name in FIELDS]
        links = [{"ref": "self"}, {"ref": "create", "type": "ticket"}]
        return web.json_response(
            {"Name": request.match_info["name"], "TicketCustomFields": fields, "_hyperlinks": links}
        )

    async def _search(self, request: web.Request) -> web.Response:
        if changed := CHANGED.fullmatch(request.query["query"]):
            return self._page(request, self._changed(changed["queues"], changed["since"]))
        query = QUERY.fullmatch(request.query["query"])
        if query is None:
            return _message(400, "Wrong query, expecting a VALUE")
        value = re.sub(r"\\(.)", r"\1", query["value"])
        found = [ticket for ticket in self.tickets.values() if _is_hit(ticket, query["field"], value)]
        return self._page(request, found)

    def _changed(self, queues: str, since: str) -> list[Ticket]:
        named = re.findall(r"Queue = '([^']*)'", queues)
        moment = datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp()
        seen = [one for one in self.tickets.values() if one.status != "deleted" and one.merged_into is None]
        found = [one for one in seen if one.queue in named and one.updated > moment]
        return sorted(found, key=lambda one: -one.updated)

    def _page(self, request: web.Request, found: list[Ticket]) -> web.Response:
        size = min(int(request.query.get("per_page", "20")), 100)
        start = (int(request.query.get("page", "1")) - 1) * size
        items = [_shown(ticket, str) for ticket in found[start : start + size]]
        pages = float(-(-len(found) // size))  # as Perl counts them
        return web.json_response({"total": len(found), "pages": pages, "items": items})

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data["Queue"] not in QUEUES:
            return _message(403, f"No permission to create tickets in the queue '{data['Queue']}'")
        id_ = len(self.tickets) + 1
        fields = {name: value for name, value in data["CustomFields"].items() if self._may_hold(name, value)}
        subject = data["Subject"].replace("\n", "")
        ticket = Ticket(id_, subject, data["Priority"], fields, [data["Content"]], queue=data["Queue"])
        ticket.updated = time.time()
        self.tickets[id_] = ticket
        return web.json_response({"id": str(id_), "type": "ticket"}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._ticket(request), int))

    async def _update(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        messages: list[str] = []
        for name, value in (await request.json()).items():
            change = getattr(self, f"_set_{name.lower()}")
            messages += change(ticket, value)
        ticket.actor, ticket.comment, ticket.updated = ME, "", time.time()
        return web.json_response(messages)

    async def _comment(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        ticket.comment = (await request.json())["Content"]
        ticket.contents.append(ticket.comment)
        ticket.actor, ticket.updated = ME, time.time()
        return web.json_response(["Comments added"], status=201)

    async def _attachments(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [{"Content": text} for text in self._ticket(request).contents]})

    def _ticket(self, request: web.Request) -> Ticket:
        ticket = self.tickets.get(int(request.match_info["id"]))
        if ticket is None:
            raise web.HTTPNotFound(text='{"message":"Not Found"}', content_type="application/json")
        return ticket if ticket.merged_into is None else self.tickets[ticket.merged_into]

    def _may_hold(self, name: str, value: str) -> bool:
        if name == UNIQUE:
            return all(ticket.fields.get(UNIQUE) != value for ticket in self.tickets.values())
        if name not in FIELDS:
            return False
        values = FIELDS[name]
        return values is None or value in values

    def _set_status(self, ticket: Ticket, status: str) -> list[str]:
        if status == ticket.status:
            return []
        if status not in STATUSES:
            return [f"Ticket {ticket.id}: Status '{status}' isn't a valid status for this ticket."]
        ticket.status = status
        return [f"Ticket {ticket.id}: Status changed to '{status}'"]

    def _set_subject(self, ticket: Ticket, subject: str) -> list[str]:
        ticket.subject = subject
        return [f"Ticket {ticket.id}: Subject changed to '{subject}'"]

    def _set_priority(self, ticket: Ticket, priority: int) -> list[str]:
        ticket.priority = priority
        return [f"Ticket {ticket.id}: Priority changed to '{priority}'"]

    def _set_customfields(self, ticket: Ticket, fields: dict[str, str]) -> list[str]:
        ticket.fields |= {name: value for name, value in fields.items() if self._may_hold(name, value)}
        return [f"{name} changed to {value}" for name, value in fields.items()]

    def _set_addmemberof(self, ticket: Ticket, others: list[str]) -> list[str]:
        new = [other for other in others if other not in ticket.links]
        ticket.links += new
        known = set(others) - set(new)
        return [f"Ticket {ticket.id} member of Ticket {other}." for other in new] + [
            f"Ticket {ticket.id} member of Ticket {other}: already exists" for other in sorted(known)
        ]

    _set_addrefersto = _set_addmemberof

    def _set_mergeinto(self, ticket: Ticket, into: int) -> list[str]:
        ticket.merged_into = into
        return ["Merge Successful"]


def _message(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _is_hit(ticket: Ticket, name: str, value: str) -> bool:
    return ticket.fields.get(name) == value and ticket.status != "deleted" and ticket.merged_into is None


def _shown(ticket: Ticket, id_type: type[str | int]) -> dict[str, Any]:
    """A search shows an id as text, a read as a number; numbers of columns are text in both."""
    held = {name: [ticket.fields[name]] if name in ticket.fields else [] for name in FIELDS}
    return {
        "id": id_type(ticket.id),
        "Subject": ticket.subject,
        "Status": ticket.status,
        "Priority": str(ticket.priority),
        "Owner": {"type": "user", "id": ticket.owner},
        "LastUpdated": _moment(ticket.updated),
        "CustomFields": [{"name": name, "values": values} for name, values in held.items()],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
