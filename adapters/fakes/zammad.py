"""Zammad, as far as Tocsin uses it, with its traps.

Written from the vendor's documentation. The traps: the search sees a new ticket late, and takes an attribute that
it does not know for text; states that wait need a moment; links name one ticket by its id, the other by its number;
an unknown state or group is a 422; a callback is signed with HMAC-SHA1.
"""

from __future__ import annotations

import hmac
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

TOKEN = "0123456789abcdef"  # noqa: S105 - of a fake
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
ME = "tocsin@example.org"
GROUPS = ("Users", "Ops")
ATTRIBUTES = {"tocsin_key", "extra"}
KNOWN = ATTRIBUTES | {"title", "group", "customer_id", "state", "priority", "pending_time", "tags", "article"}
STATES = {"new", "open", "pending reminder", "pending close", "closed", "merged"}
OVER = {"closed", "merged"}
ROOT = "/api/v1"
BY_KEY = re.compile(r"(?P<name>\w+):(?P<value>\w+)")
SINCE = re.compile(r"updated_at:\[(?P<since>\S+) TO \*\] AND _exists_:tocsin_key")
WORDS = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "pending reminder",
    TicketState.RESOLVED: "closed",
    TicketState.CLOSED: "closed",
}


@dataclass(slots=True)
class Ticket:
    """One ticket."""

    id: int
    fields: dict[str, Any]
    created: float
    updated: float
    owner: str = "-"
    actor: str = ME
    articles: list[dict[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    last: dict[str, Any] | None = None
    """The article that came with the last change."""

    @property
    def number(self) -> str:
        """What people call it by."""
        return str(93_000 + self.id)


class FakeZammad(Fake):
    """One group of a Zammad that has a fourth priority."""

    type = "zammad"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "4 disaster",
        Priority.P2: "3 high",
        Priority.P3: "2 normal",
        Priority.P4: "1 low",
        Priority.P5: "1 low",
    }
    longest = 100_000
    extra_field = "extra"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.02) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[int, Ticket] = {}
        self.numbered = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get(f"{ROOT}/users/me", self._me),
            web.get(f"{ROOT}/groups", self._groups),
            web.get(f"{ROOT}/tickets/search", self._search),
            web.post(f"{ROOT}/tickets", self._create),
            web.get(f"{ROOT}/tickets/{{id:\\d+}}", self._show),
            web.put(f"{ROOT}/tickets/{{id:\\d+}}", self._edit),
            web.post(f"{ROOT}/ticket_articles", self._article),
            web.post(f"{ROOT}/links/add", self._link),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "zammad",
            "url": url,
            "token": TOKEN,
            "group": "Ops",
            "customer": "alerts@example.org",
            "priorities": {"P1": "4 disaster"},
            "search_lag": 2 * self.search_lag,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": TOKEN[::-1]}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [str(id_) for id_ in self.tickets]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[int(id_)]
        text, *comments = (article["body"] for article in ticket.articles)
        return Shown(
            ticket.fields["title"],
            text,
            ticket.fields["state"] not in OVER,
            ticket.fields["priority"],
            comments=tuple(comments),
            state=ticket.fields["state"],
            fields=ticket.fields,
            links=tuple(ticket.links),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        ticket = self.tickets[int(id_)]
        if deed.delete:
            del self.tickets[int(id_)]
            return
        ticket.last = None
        if deed.state is not None:
            ticket.fields["state"] = WORDS[deed.state]
        if deed.priority is not None:
            ticket.fields["priority"] = self.priorities[deed.priority]
        if deed.assignee is not None:
            ticket.owner = deed.assignee
        if deed.comment is not None:
            self._say(ticket, deed.actor, deed.comment)
        ticket.updated, ticket.actor = time.time(), deed.actor

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Post as the default payload of a trigger's webhook is."""
        ticket = self.tickets[int(id_)]
        shown = ticket.fields | {
            "id": ticket.id,
            "number": ticket.number,
            "state": {"id": 2, "name": ticket.fields["state"]},
            "priority": {"id": 2, "name": ticket.fields["priority"]},
            "owner": {"login": ticket.owner, "email": "" if ticket.owner == "-" else ticket.owner},
            "updated_by": {"login": ticket.actor, "email": ticket.actor},
            "updated_at": _moment(ticket.updated),
        }
        body = json.dumps({"ticket": shown, "article": ticket.last}).encode()
        signature = hmac.new(SECRET.encode(), body, "sha1").hexdigest()
        return {"content-type": "application/json", "x-hub-signature": f"sha1={signature}"}, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        if request.headers.get("Authorization") != f"Token token={TOKEN}":
            return web.json_response({"error": "Authentication required"}, status=401)
        return await handler(request)

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response({"id": 3, "login": ME, "email": ME})

    async def _groups(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": number, "name": name} for number, name in enumerate(GROUPS, 1)])

    async def _search(self, request: web.Request) -> web.Response:
        query = request.query
        found = [one for one in self.tickets.values() if one.created + self.search_lag <= time.time()]
        if since := SINCE.fullmatch(query["query"]):
            found = [
                one for one in found if _moment(one.updated) >= since["since"] and "tocsin_key" in one.fields
            ]
        elif by_key := BY_KEY.fullmatch(query["query"]):
            found = [one for one in found if _is_hit(one, by_key["name"], by_key["value"])]
        elif query["query"] != "*":
            return web.json_response({"error": "Failed to parse query"}, status=422)
        by = {"created_at": lambda one: one.created, "updated_at": lambda one: one.updated}[query["sort_by"]]
        found.sort(key=by, reverse=query["order_by"] == "desc")
        size = min(int(query["per_page"]), 100)
        start = (int(query["page"]) - 1) * size
        return web.json_response([_shown(one) for one in found[start : start + size]])

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        for name in ("title", "group", "customer_id", "article"):
            if not data.get(name):
                raise _error(422, f"The required parameter {name!r} is missing.")
        self._check(data)
        self.numbered += 1
        article = data.pop("article")
        fields = {"state": "new", "priority": "2 normal", **data}
        ticket = Ticket(self.numbered, fields, time.time(), time.time())
        self._say(ticket, ME, article["body"])
        self.tickets[ticket.id] = ticket
        return web.json_response(_shown(ticket), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._ticket(request.match_info["id"])))

    async def _edit(self, request: web.Request) -> web.Response:
        ticket, data = self._ticket(request.match_info["id"]), await request.json()
        self._check(data)
        ticket.last = None
        if article := data.pop("article", None):
            self._say(ticket, ME, article["body"])
        ticket.fields |= data
        ticket.updated, ticket.actor = time.time(), ME
        return web.json_response(_shown(ticket))

    async def _article(self, request: web.Request) -> web.Response:
        data = await request.json()
        ticket = self._ticket(str(data["ticket_id"]))
        self._say(ticket, ME, data["body"])
        ticket.updated, ticket.actor = time.time(), ME
        return web.json_response(ticket.last, status=201)

    async def _link(self, request: web.Request) -> web.Response:
        data = await request.json()
        ticket = self._ticket(str(data["link_object_target_value"]))
        number = data["link_object_source_number"]
        other = next((one for one in self.tickets.values() if one.number == number), None)
        if other is None or data["link_type"] not in {"normal", "parent", "child"}:
            raise _error(422, "No such object")
        if str(other.id) not in ticket.links:
            ticket.links.append(str(other.id))
        return web.json_response({"id": 1}, status=201)

    def _ticket(self, id_: str) -> Ticket:
        ticket = self.tickets.get(int(id_))
        if ticket is None:
            raise _error(404, "Couldn't find Ticket with 'id'=" + id_)
        return ticket

    def _check(self, data: Mapping[str, Any]) -> None:
        if unknown := sorted(data.keys() - KNOWN):
            raise _error(422, f"unknown attribute '{unknown[0]}' for Ticket.")
        if data.get("state", "new") not in STATES:
            raise _error(422, "No lookup value found for 'state'")
        if data.get("priority", "1 low") not in self.priorities.values():
            raise _error(422, "No lookup value found for 'priority'")
        if data.get("group", "Ops") not in GROUPS:
            raise _error(422, "No lookup value found for 'group'")
        if data.get("state", "").startswith("pending") and "pending_time" not in data:
            raise _error(422, "Missing required value for field 'pending_time'!")

    def _say(self, ticket: Ticket, author: str, body: str) -> None:
        ticket.last = {
            "id": 1_000 * ticket.id + len(ticket.articles),
            "body": body,
            "created_at": _moment(time.time()),
            "created_by": {"login": author, "email": author},
        }
        ticket.articles.append(ticket.last)


def _is_hit(ticket: Ticket, name: str, value: str) -> bool:
    if name in ATTRIBUTES:
        return bool(ticket.fields.get(name) == value)
    return value in json.dumps(ticket.fields)  # text to look for anywhere


def _shown(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "number": ticket.number,
        **ticket.fields,
        "owner": ticket.owner,
        "updated_at": _moment(ticket.updated),
        "created_at": _moment(ticket.created),
    }


def _error(status: int, message: str) -> web.HTTPException:
    kind = web.HTTPNotFound if status == 404 else web.HTTPUnprocessableEntity  # noqa: PLR2004
    return kind(text=json.dumps({"error": message}), content_type="application/json")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
