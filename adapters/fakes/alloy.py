"""Alloy Navigator's API, version 2, as far as Tocsin uses it.

Written from the vendor's API User's Guide. The traps: objects change by actions only, and only by the fields on
their forms; others are dropped without a word; an action that the workflow does not allow now is refused; a
failure may be a 200 with ``success`` false; a list is a POST; its dates have no zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from secrets import token_hex
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

CLIENT, SECRET = "tocsin-app", "an application's secret+"
KEY = "UDF_TocsinKey"
CREATE, UPDATE, NOTE, RESOLVE, REOPEN, START, HOLD, CLOSE = 101, 102, 103, 104, 105, 106, 107, 108
FORMS = {
    CREATE: {"Summary", "Description", "Priority", "Impact", "Urgency", "Assignee_Group", KEY, "Room"},
    UPDATE: {"Summary", "Description", "Priority", "Impact", "Urgency"},
    NOTE: {"Comments"},
    RESOLVE: {"Resolution"},
}
LEADS = {RESOLVE: "Resolved", REOPEN: "New", START: "In Progress", HOLD: "Pending", CLOSE: "Closed"}
OVER = {"Resolved", "Closed"}
WORDS = {
    TicketState.OPEN: "New",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
PRIORITIES = {
    Priority.P1: "Immediate",
    Priority.P2: "High",
    Priority.P3: "Medium",
    Priority.P4: "Low",
    Priority.P5: "Low",
}
COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda held, value: held == value,
    ">=": lambda held, value: held >= value.rstrip("Z").replace("T", " "),
}


@dataclass(slots=True)
class Object:
    """One object."""

    values: dict[str, str]
    notes: list[str] = field(default_factory=list)


class Failed(Exception):
    """An answer without success, and its text."""


class FakeAlloy(Fake):
    """An Alloy Navigator with one class of objects and a small workflow."""

    type = "alloy"
    priorities = PRIORITIES
    extra_field = "Room"
    deeds: ClassVar[frozenset[str]] = frozenset(
        {"actor", "state", "priority", "assignee", "comment", "delete"}
    )
    logins: ClassVar[frozenset[str]] = frozenset({"/api/token"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.objects: dict[str, Object] = {}
        self.tokens: set[str] = set()
        """Those that have not ended."""
        self.forms = {action: set(form) for action, form in FORMS.items()}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.post("/api/token", self._token),
            web.post("/api/v2", self._create),
            web.post("/api/v2/Incidents", self._list),
            web.get("/api/v2/object/{oid}", self._show),
            web.post("/api/v2/object/{oid}/action/{action:\\d+}", self._action),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        states = {"resolved": RESOLVE, "closed": CLOSE, "open": REOPEN, "on_hold": HOLD}
        states |= {"acknowledged": START, "in_progress": START}
        return {
            "type": "alloy",
            "url": f"{url}/api",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "key_field": KEY,
            "actions": {"create": CREATE, "update": UPDATE, "comment": NOTE, "states": states},
            "labels": {"team": "Assignee_Group"},
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another secret."""
        return self.settings(url) | {"client_secret": "guess"}

    def ids(self) -> list[str]:
        """List all objects."""
        return list(self.objects)

    def look(self, id_: str) -> Shown:
        """See an object."""
        one = self.objects[id_]
        values = one.values
        notes = tuple(_plain(note) for note in one.notes)
        is_open = values["Status"] not in OVER
        text = _plain(values["Description"])
        return Shown(values["Summary"], text, is_open, values["Priority"], notes, values["Status"], values)

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a technician does."""
        if deed.delete:
            del self.objects[id_]
            return
        one = self.objects[id_]
        if deed.state is not None:
            one.values["Status"] = WORDS[deed.state]
        if deed.priority is not None:
            one.values["Priority"] = PRIORITIES[deed.priority]
        if deed.assignee is not None:
            one.values["Assignee"] = deed.assignee
        if deed.comment is not None:
            one.notes.append(deed.comment)
        one.values["Modified_Date"] = _now()

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, and tell what failed."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if request.path not in self.logins and (scheme != "bearer" or token not in self.tokens):
            text = "Authorization has been denied for this request."
            return web.json_response({"Message": text}, status=401)
        try:
            return await handler(request)
        except Failed as failed:
            told = {"success": False, "errorCode": 1, "errorText": str(failed), "responseObject": None}
            return web.json_response(told)

    async def _token(self, request: web.Request) -> web.Response:
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        if dict(await request.post()) != wanted:
            return web.json_response({"error": "invalid_client"}, status=400)
        token = token_hex(16)
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": 28799})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if set(body) != {"ActionId", "Fields"} or int(body["ActionId"]) != CREATE:
            raise Failed("Action not found")
        oid = f"T{len(self.objects) + 1:06}"
        values = {"Ticket": oid, "Status": "New", "Assignee": "", "Created_Date": _now()}
        self.objects[oid] = Object(values | self._kept(CREATE, body["Fields"]) | {"Modified_Date": _now()})
        return _done({"Succeed": True, "ObjectId": f"{{{token_hex(8).upper()}}}", "ObjectOID": oid})

    async def _show(self, request: web.Request) -> web.Response:
        one = self._one(request)
        items = [{"name": name, "caption": name, "value": value} for name, value in one.values.items()]
        return _done({"Items": items})

    async def _action(self, request: web.Request) -> web.Response:
        one, action = self._one(request), int(request.match_info["action"])
        status = one.values["Status"]
        if action not in {*FORMS, *LEADS} - {CREATE} or (action == REOPEN) > (status in OVER):
            raise Failed(f"Action {action} is not available for this object")
        kept = self._kept(action, await request.json())
        if "Comments" in kept:
            one.notes.append(kept.pop("Comments"))
        one.values |= kept | {"Modified_Date": _now(), "Status": LEADS.get(action, status)}
        return _done({"Succeed": True, "ObjectOID": one.values["Ticket"]})

    async def _list(self, request: web.Request) -> web.Response:
        body = await request.json()
        found = [one.values for one in self.objects.values() if _fits(one.values, body.get("filters", []))]
        for by in body.get("sort", []):
            found.sort(key=lambda values: values[by["property"]], reverse=by["direction"] == "DESC")
        page = found[body.get("offset", 0) :][: body.get("limit", 50)]
        names = body["fields"]
        rows = [[values.get(name) for name in names] for values in page]
        return _done({"Fields": [{"Name": name, "Caption": name} for name in names], "Data": rows})

    def _kept(self, action: int, fields: Mapping[str, str]) -> dict[str, str]:
        """What is on the form; the rest is dropped."""
        return {name: value for name, value in fields.items() if name in self.forms.get(action, set())}

    def _one(self, request: web.Request) -> Object:
        oid = request.match_info["oid"]
        if oid not in self.objects:
            raise Failed(f"Object {oid} not found.")
        return self.objects[oid]


def _fits(values: Mapping[str, str], filters: Iterable[Mapping[str, str]]) -> bool:
    return all(COMPARE[one["operation"]](values.get(one["name"], ""), one["value"]) for one in filters)


def _done(content: Mapping[str, Any]) -> web.Response:
    return web.json_response({"success": True, "errorCode": 0, "errorText": "", "responseObject": content})


def _plain(text: str) -> str:
    return unescape(re.sub("<br>", "\n", text))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
