"""Freshservice's REST API version 2, as far as Tocsin uses it, with its traps.

Written from the vendor's reference. The traps: the filter takes tags but no custom text, and may lag; lists show no
tags; writing tags writes all; unknown fields and missing required ones are a 400; the trash is still shown.
"""

from __future__ import annotations

import html
import json
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

API_KEY = "k0123456789abcdef"
FIELDS = {
    "email",
    "subject",
    "description",
    "status",
    "priority",
    "impact",
    "urgency",
    "source",
    "type",
    "tags",
    "group_id",
    "responder_id",
    "category",
    "custom_fields",
    "resolution_notes",
}
REQUIRED = ("email", "subject", "description", "status", "priority")
STATES = {
    TicketState.OPEN: 2,
    TicketState.ACKNOWLEDGED: 2,
    TicketState.IN_PROGRESS: 2,
    TicketState.ON_HOLD: 3,
    TicketState.RESOLVED: 4,
    TicketState.CLOSED: 5,
}
TAG = re.compile(r"\"tag:'(?P<tag>[^'\"]*)'\"")


@dataclass(slots=True)
class Ticket:
    """One ticket."""

    id: int
    data: dict[str, Any]
    created: float
    updated: float
    notes: list[str] = field(default_factory=list)
    actor: str = "Tocsin"


class FakeFreshservice(Fake):
    """One account."""

    type = "freshservice"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "4",
        Priority.P2: "3",
        Priority.P3: "2",
        Priority.P4: "1",
        Priority.P5: "1",
    }
    extra_field = "category"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.02) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[int, Ticket] = {}
        self.agents: dict[int, str] = {}
        self.required: tuple[str, ...] = ()
        """Custom fields that the form requires."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get("/api/v2/ticket_form_fields", self._form),
            web.get("/api/v2/tickets/filter", self._filter),
            web.get("/api/v2/tickets", self._list),
            web.post("/api/v2/tickets", self._create),
            web.get("/api/v2/tickets/{id:\\d+}", self._show),
            web.put("/api/v2/tickets/{id:\\d+}", self._update),
            web.post("/api/v2/tickets/{id:\\d+}/notes", self._note),
            web.get("/api/v2/agents/{id:\\d+}", self._agent),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "freshservice",
            "url": url,
            "api_key": API_KEY,
            "requester": "alerts@example.org",
            "search_lag": 2 * self.search_lag,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key."""
        return self.settings(url) | {"api_key": "wrong"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [str(id_) for id_ in self.tickets]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[int(id_)]
        data = ticket.data
        return Shown(
            data["subject"],
            _plain(data["description"]),
            data["status"] not in {4, 5},
            str(data["priority"]),
            comments=tuple(_plain(note) for note in ticket.notes),
            state=str(data["status"]),
            fields=data,
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        ticket = self.tickets[int(id_)]
        if deed.state is not None:
            ticket.data["status"] = STATES[deed.state]
        if deed.priority is not None:
            ticket.data["priority"] = int(self.priorities[deed.priority])
        if deed.assignee is not None:
            self.agents[11] = deed.assignee
            ticket.data["responder_id"] = 11
        if deed.comment is not None:
            ticket.notes.append(html.escape(deed.comment))
        if deed.delete:
            ticket.data["deleted"] = True
        ticket.updated, ticket.actor = time.time(), deed.actor

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the automator of our guide posts."""
        ticket = self.tickets[int(id_)]
        return posting(
            id=id_,
            state=str(ticket.data["status"]),
            priority=str(ticket.data["priority"]),
            actor=ticket.actor,
            updated_at=_moment(ticket.updated),
            comment=_plain(next(reversed(ticket.notes), "")),
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the key."""
        login = "Basic " + b64encode(f"{API_KEY}:X".encode()).decode()
        if request.headers.get("Authorization") != login:
            text = {
                "code": "invalid_credentials",
                "message": "You have to be logged in to perform this action.",
            }
            return web.json_response(text, status=401)
        return await handler(request)

    async def _form(self, _: web.Request) -> web.Response:
        names = ["subject", "description", "status", "requester", *self.required]
        fields = [{"name": name, "required_for_agents": True} for name in names]
        return web.json_response({"ticket_fields": [*fields, {"name": "group"}]})

    async def _filter(self, request: web.Request) -> web.Response:
        query = TAG.fullmatch(request.query.get("query", ""))
        if query is None:
            return _invalid("query")
        seen = time.time() - self.search_lag
        there = [one for one in self.tickets.values() if one.created <= seen and not one.data.get("deleted")]
        found = [one for one in there if query["tag"] in one.data["tags"]]
        return web.json_response({"tickets": [_shown(one) for one in found[:30]]})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        from_ = query.get("updated_since", "")
        found = [one for one in self.tickets.values() if _moment(one.updated) >= from_]
        found.sort(key=lambda one: (one.updated, one.id), reverse=query.get("order_type") != "asc")
        return web.json_response({"tickets": [_shown(one) for one in found[(page - 1) * size : page * size]]})

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        wrong = [*(data.keys() - FIELDS), *(name for name in REQUIRED if not data.get(name))]
        wrong += [name for name in self.required if name not in data.get("custom_fields", {})]
        if wrong:
            return _invalid(*wrong)
        id_ = len(self.tickets) + 1
        self.tickets[id_] = Ticket(id_, {"tags": [], **data}, time.time(), time.time())
        return web.json_response({"ticket": _shown(self.tickets[id_])}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        tags = {"tags": ticket.data["tags"]} if "tags" in request.query.get("include", "") else {}
        return web.json_response({"ticket": {**_shown(ticket), **tags}})

    async def _update(self, request: web.Request) -> web.Response:
        ticket, data = self._ticket(request), await request.json()
        if data.keys() - FIELDS or ticket.data.get("deleted"):
            return _invalid(*data)
        ticket.data |= data
        ticket.updated, ticket.actor = time.time(), "Tocsin"
        return web.json_response({"ticket": _shown(ticket)})

    async def _note(self, request: web.Request) -> web.Response:
        data = await request.json()
        if data.keys() != {"body", "private"}:
            return _invalid(*data)
        ticket = self._ticket(request)
        ticket.notes.append(data["body"])
        return web.json_response({"conversation": {"id": len(ticket.notes)}}, status=201)

    async def _agent(self, request: web.Request) -> web.Response:
        name = self.agents[int(request.match_info["id"])]
        return web.json_response({"agent": {"id": 11, "first_name": name, "last_name": None}})

    def _ticket(self, request: web.Request) -> Ticket:
        ticket = self.tickets.get(int(request.match_info["id"]))
        if ticket is None:
            raise web.HTTPNotFound
        return ticket


def _shown(ticket: Ticket) -> dict[str, Any]:
    data = {name: value for name, value in ticket.data.items() if name != "tags"}
    return {
        "id": ticket.id,
        "updated_at": _moment(ticket.updated),
        "responder_id": None,
        "group_id": None,
        **data,
    }


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", "\n")))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(*names: str) -> web.Response:
    errors = [{"field": name, "message": "is not valid", "code": "invalid_value"} for name in names]
    body = json.dumps({"description": "Validation failed", "errors": errors})
    return web.Response(status=400, text=body, content_type="application/json")
