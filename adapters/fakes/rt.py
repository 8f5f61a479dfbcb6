"""Request Tracker 5's REST 2.0, as far as Tocsin uses it, with its traps.

Written from what a real RT 5.0.3 answered; the same tests run on both. The traps: an illegal status is a 200
with a message; a search by an unknown custom field finds nothing; a unique custom field is left out of the
second ticket; an unknown queue is a 403; a merged ticket answers with the one it went into; illegal values of
a list are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Fake, Handler, Shown
from domain.priority import Priority

QUEUE = "Incidents"
TOKEN = "1-14-0123456789abcdef"  # noqa: S105 - of a fake
FIELDS = {"ExternalID": None, "Impact": ("high", "medium", "low"), "Urgency": ("high", "medium", "low")}
UNIQUE = "ExternalID"
STATUSES = {"new", "open", "stalled", "resolved", "rejected", "deleted"}
CLOSED = {"resolved", "rejected", "deleted"}
QUERY = re.compile(r"CF\.\{(?P<field>[^{}]+)\} = '(?P<value>(?:[^'\\]|\\.)*)'")
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
        return {"type": "rt", "url": url, "token": TOKEN, "queue": QUEUE}

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
            ticket.subject, text, is_open, str(ticket.priority), comments=tuple(comments), state=ticket.status
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return _message(401, "Unauthorized")
        return await handler(request)

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"Version": "5.0.3"})

    async def _queue(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != QUEUE:
            return _message(403, "Forbidden")
        fields = [{"type": "customfield", "ref": "customfield", "name": name} for name in FIELDS]
        links = [{"ref": "self"}, {"ref": "create", "type": "ticket"}]
        return web.json_response({"Name": QUEUE, "TicketCustomFields": fields, "_hyperlinks": links})

    async def _search(self, request: web.Request) -> web.Response:
        query = QUERY.fullmatch(request.query["query"])
        if query is None:
            return _message(400, "Wrong query, expecting a VALUE")
        value = re.sub(r"\\(.)", r"\1", query["value"])
        found = [ticket for ticket in self.tickets.values() if _is_hit(ticket, query["field"], value)]
        return web.json_response({"total": len(found), "items": [_shown(ticket, str) for ticket in found]})

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data["Queue"] != QUEUE:
            return _message(403, f"No permission to create tickets in the queue '{data['Queue']}'")
        id_ = len(self.tickets) + 1
        fields = {name: value for name, value in data["CustomFields"].items() if self._may_hold(name, value)}
        subject = data["Subject"].replace("\n", "")
        self.tickets[id_] = Ticket(id_, subject, data["Priority"], fields, [data["Content"]])
        return web.json_response({"id": str(id_), "type": "ticket"}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._ticket(request), int))

    async def _update(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        messages: list[str] = []
        for name, value in (await request.json()).items():
            change = getattr(self, f"_set_{name.lower()}")
            messages += change(ticket, value)
        return web.json_response(messages)

    async def _comment(self, request: web.Request) -> web.Response:
        self._ticket(request).contents.append((await request.json())["Content"])
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
        return name in FIELDS and value in (FIELDS[name] or ())

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
        "CustomFields": [{"name": name, "values": values} for name, values in held.items()],
    }
