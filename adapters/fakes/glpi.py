"""GLPI's legacy REST API and GLPI 11's webhooks, as far as Tocsin uses them, with their traps.

Written from the project's documentation of apirest.php and from its source. The traps: everything wants a session,
which runs out; a read with a body is refused; a page beyond the end is a 400; the same link twice is refused; an
assigned ticket is in status 2; a solution makes it solved; the dustbin is not searched; times tell no zone.
"""

from __future__ import annotations

import hmac
import html
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

USER_TOKEN = "q56hqkniwot8wntb3z1qarka5atf365taaa2uyjrn"  # noqa: S105 - of a fake
APP_TOKEN = "f7g3csp8mgatg5ebc5elnazakw20i9fyev1qopya7"  # noqa: S105 - of a fake
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
COLUMNS = {
    "name",
    "content",
    "impact",
    "urgency",
    "priority",
    "type",
    "status",
    "entities_id",
    "_groups_id_assign",
    "itilcategories_id",
    "actiontime",
    "location",
}
OPTIONS = {
    "1": "name",
    "2": "id",
    "3": "priority",
    "5": "technician",
    "8": "group",
    "12": "status",
    "21": "content",
}
STATES = {
    TicketState.OPEN: 1,
    TicketState.ACKNOWLEDGED: 2,
    TicketState.IN_PROGRESS: 3,
    TicketState.ON_HOLD: 4,
    TicketState.RESOLVED: 5,
    TicketState.CLOSED: 6,
}
SOLVED = 5


@dataclass(slots=True)
class Item:
    """One ticket or problem."""

    id: int
    data: dict[str, Any]
    updated: float
    followups: list[str] = field(default_factory=list)
    said: bool = False
    """Whether the last change was a followup."""
    is_deleted: bool = False


class FakeGlpi(Fake):
    """One GLPI."""

    type = "glpi"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "6",
        Priority.P2: "5",
        Priority.P3: "4",
        Priority.P4: "3",
        Priority.P5: "2",
    }
    longest = 60_000
    extra_field = "location"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})
    logins: ClassVar[frozenset[str]] = frozenset({"/apirest.php/initSession"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.items: dict[str, dict[int, Item]] = {"Ticket": {}, "Problem": {}}
        self.links: dict[str, list[dict[str, Any]]] = {"Ticket_Ticket": [], "Problem_Ticket": []}
        self.sessions = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        root, kind = "/apirest.php", "{kind:Ticket|Problem}"
        return [
            web.get(f"{root}/initSession", self._start),
            web.get(f"{root}/search/{kind}", self._search),
            web.post(f"{root}/{kind}", self._create),
            web.get(f"{root}/{kind}/{{id:\\d+}}", self._show),
            web.put(f"{root}/{kind}/{{id:\\d+}}", self._update),
            web.get(f"{root}/{kind}/{{id:\\d+}}/{{link:Ticket_Ticket|Problem_Ticket}}", self._linked),
            web.post(f"{root}/{{link:Ticket_Ticket|Problem_Ticket}}", self._link),
            web.post(f"{root}/ITILFollowup", self._follow),
            web.post(f"{root}/ITILSolution", self._solve),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        tokens = {"user_token": USER_TOKEN, "app_token": APP_TOKEN, "callback_secret": SECRET}
        return {"type": "glpi", "url": url, **tokens}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"user_token": "wrong"}

    def ids(self) -> list[str]:
        """List all tickets, and all problems."""
        return [*map(str, self.items["Ticket"]), *(f"problem/{id_}" for id_ in self.items["Problem"])]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        item = self._item_of(id_)
        data = item.data
        parents = [
            one["tickets_id_2"] for one in self.links["Ticket_Ticket"] if one["tickets_id_1"] == item.id
        ]
        problems = [
            one["problems_id"] for one in self.links["Problem_Ticket"] if one["tickets_id"] == item.id
        ]
        return Shown(
            data["name"],
            _plain(data["content"]),
            data["status"] < SOLVED,
            str(data["priority"]),
            comments=tuple(_plain(text) for text in item.followups),
            state=str(data["status"]),
            fields=data,
            links=(*map(str, parents), *(f"problem/{one}" for one in problems)),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        item = self._item_of(id_)
        if deed.state is not None:
            item.data["status"] = STATES[deed.state]
        if deed.priority is not None:
            item.data["priority"] = int(self.priorities[deed.priority])
        if deed.assignee is not None:
            item.data["technician"] = deed.assignee
        if deed.comment is not None:
            item.followups.append(html.escape(deed.comment))
        item.said = deed.comment is not None
        item.is_deleted = deed.delete
        item.updated = time.time()

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what GLPI 11 posts by its default payload, signed."""
        item = self._item_of(id_)
        moment = datetime.fromtimestamp(item.updated, UTC).isoformat(timespec="seconds")
        shown: dict[str, Any] = {
            "id": item.id,
            "name": item.data["name"],
            "status": {"id": item.data["status"], "name": "-"},
            "priority": item.data["priority"],
            "date_mod": moment,
            "is_deleted": item.is_deleted,
        }
        if item.said:
            shown = {
                "id": 900 + len(item.followups),
                "itemtype": "Ticket",
                "items_id": item.id,
                "is_private": True,
            }
            shown |= {
                "content": item.followups[-1],
                "date_creation": moment,
                "user": {"id": 5, "name": "alice"},
            }
        body = json.dumps({"item": shown, "event": "new" if item.said else "update"}, indent=4).encode()
        stamp = str(int(item.updated))
        signature = hmac.new(SECRET.encode(), body + stamp.encode(), "sha256").hexdigest()
        return {
            "x-glpi-signature": signature,
            "x-glpi-timestamp": stamp,
            "content-type": "application/json",
        }, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the session."""
        if request.headers.get("App-Token") != APP_TOKEN:
            return _error(400, "ERROR_WRONG_APP_TOKEN_PARAMETER")
        if request.method == "GET" and request.can_read_body:
            return _error(400, "ERROR_JSON_PAYLOAD_FORBIDDEN")
        if request.path not in self.logins and request.headers.get("Session-Token") != f"s-{self.sessions}":
            return _error(401, "ERROR_SESSION_TOKEN_INVALID")
        return await handler(request)

    async def _start(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"user_token {USER_TOKEN}":
            return _error(401, "ERROR_GLPI_LOGIN_USER_TOKEN")
        self.sessions = self.sessions or 1
        return web.json_response({"session_token": f"s-{self.sessions}"})

    async def _search(self, request: web.Request) -> web.Response:
        query = request.query
        number, how, value = (query[f"criteria[0][{name}]"] for name in ("field", "searchtype", "value"))
        there = [one for one in self.items[request.match_info["kind"]].values() if not one.is_deleted]
        found = [_row(one) for one in there if _is_hit(_row(one), number, how, value)]
        found.sort(key=lambda row: (row[query["sort"]], row["2"]), reverse=query["order"] == "DESC")
        first, _, last = query["range"].partition("-")
        if int(first) > len(found):
            return _error(400, "ERROR_RANGE_EXCEED_TOTAL")
        asked = {value for name, value in query.items() if name.startswith("forcedisplay")}
        page = [{name: row[name] for name in asked} for row in found[int(first) : int(last) + 1]]
        body: dict[str, Any] = {"totalcount": len(found), "count": len(page)}
        return web.json_response(body | ({"data": page} if page else {}))

    async def _create(self, request: web.Request) -> web.Response:
        data = (await request.json())["input"]
        if data.keys() - COLUMNS or not data.get("name"):
            return _error(400, "ERROR_GLPI_ADD")
        items = self.items[request.match_info["kind"]]
        data = {"status": 2 if "_groups_id_assign" in data else 1, "technician": "", **data}
        items[len(items) + 1] = Item(len(items) + 1, data, time.time())
        return web.json_response({"id": len(items), "message": ""}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        item = self._item(request)
        return web.json_response({"id": item.id, "date_mod": _moment(item.updated), **item.data})

    async def _update(self, request: web.Request) -> web.Response:
        item, data = self._item(request), (await request.json())["input"]
        if data.keys() - COLUMNS:
            return web.json_response([{str(item.id): False, "message": "unknown column"}], status=207)
        item.data |= data
        item.updated, item.said = time.time(), False
        return web.json_response([{str(item.id): True, "message": ""}])

    async def _linked(self, request: web.Request) -> web.Response:
        id_, name = self._item(request).id, request.match_info["link"]
        own = "tickets_id_1" if name == "Ticket_Ticket" else "tickets_id"
        return web.json_response([one for one in self.links[name] if one[own] == id_])

    async def _link(self, request: web.Request) -> web.Response:
        links, data = self.links[request.match_info["link"]], (await request.json())["input"]
        if data in links:
            return _error(400, "ERROR_GLPI_ADD")
        links.append(data)
        return web.json_response({"id": len(links), "message": ""}, status=201)

    async def _follow(self, request: web.Request) -> web.Response:
        data = (await request.json())["input"]
        item = self.items[data["itemtype"]][data["items_id"]]
        item.followups.append(data["content"])
        item.updated, item.said = time.time(), True
        return web.json_response({"id": len(item.followups), "message": ""}, status=201)

    async def _solve(self, request: web.Request) -> web.Response:
        data = (await request.json())["input"]
        item = self.items[data["itemtype"]][data["items_id"]]
        if item.data["status"] >= SOLVED:
            return _error(400, "ERROR_GLPI_ADD")
        item.data |= {"status": SOLVED, "solution": data}
        item.updated, item.said = time.time(), False
        return web.json_response({"id": 1, "message": ""}, status=201)

    def _item(self, request: web.Request) -> Item:
        item = self.items[request.match_info["kind"]].get(int(request.match_info["id"]))
        if item is None:
            raise web.HTTPNotFound(text='["ERROR_ITEM_NOT_FOUND","Item not found"]')
        return item

    def _item_of(self, id_: str) -> Item:
        kind, _, number = id_.rpartition("/")
        return self.items["Problem" if kind else "Ticket"][int(number)]


def _row(item: Item) -> dict[str, Any]:
    data = {**item.data, "id": item.id, "group": item.data.get("_groups_id_assign", "")}
    return {**{number: data[name] for number, name in OPTIONS.items()}, "19": _moment(item.updated)}


def _is_hit(row: Mapping[str, Any], number: str, how: str, value: str) -> bool:
    held = str(row[number])
    if how == "contains":
        return value.casefold() in held.casefold()
    return held > value if how == "morethan" else held == value


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", "\n")))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _error(status: int, code: str) -> web.Response:
    return web.json_response([code, "see the documentation"], status=status)
