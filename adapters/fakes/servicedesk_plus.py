"""ServiceDesk Plus' version 3 of its API, on premises and in the cloud, as far as Tocsin uses it.

Written from the vendor's pages (sdpop-v3-api, sdpod-v3-api). The traps: ``input_data`` is a form field or a query
parameter, never JSON; times are texts of milliseconds; a list tells its status as a list; a failure may come as
a 200; without ``fields_required`` a list shows no additional fields; tokens of the cloud end after an hour.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from secrets import token_hex
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

KEY = "udf_sline_tocsin"
TOKEN, SECRET = "4F1D2A3B-0000", "a secret of the trigger"
CLIENT = {"client_id": "1000.ABC", "client_secret": "an id's secret", "refresh_token": "1000.refresh+1"}
STATUSES = {"Open", "In Progress", "Onhold", "Resolved", "Closed"}
OVER = {"Resolved", "Closed"}
NAMED = {"status": STATUSES, "priority": {"High", "Medium", "Normal", "Low"}}
WORDS = {
    TicketState.OPEN: "Open",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Onhold",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
SETTABLE = {
    *("subject", "description", "status", "priority", "impact", "urgency", "requester", "template", "group"),
    *("udf_fields", "resolution", "level"),
}
CONDITIONS = {"is", "greater or equal"}
MOST = 100


@dataclass(slots=True)
class Request:
    """One request."""

    id: str
    values: dict[str, Any]
    changed: int = 0
    actor: str = "Tocsin"
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class Failed(Exception):
    """A ``response_status`` "failed", and its message."""


class FakeServiceDeskPlus(Fake):
    """A desk on premises."""

    type = "servicedesk_plus"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "High",
        Priority.P2: "Medium",
        Priority.P3: "Normal",
        Priority.P4: "Low",
        Priority.P5: "Low",
    }
    extra_field = "udf_sline_room"
    deeds: ClassVar[frozenset[str]] = frozenset(
        {"actor", "state", "priority", "assignee", "comment", "delete"}
    )

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.requests: dict[str, Request] = {}
        self.closing_rule = ""
        """Status that is not taken: it is kept as it was, with "success"."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        one = "/api/v3/requests/{id:\\d+}"
        return [
            web.get("/api/v3/requests", self._list),
            web.post("/api/v3/requests", self._create),
            web.get(one, self._show),
            web.put(one, self._update),
            web.post(f"{one}/notes", self._note),
            web.post(f"{one}/link_requests", self._link),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        login: dict[str, Any] = {"token": TOKEN}
        return {"type": "servicedesk_plus", "url": url, "key_field": KEY, "callback_secret": SECRET} | login

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key."""
        return self.settings(url) | {"token": "guess"}

    def ids(self) -> list[str]:
        """List all requests."""
        return list(self.requests)

    def look(self, id_: str) -> Shown:
        """See a request."""
        request = self.requests[id_]
        values = request.values
        status = values["status"]["name"]
        return Shown(
            values["subject"],
            _plain(values["description"]),
            status not in OVER,
            values["priority"]["name"],
            tuple(_plain(note) for note in request.notes),
            status,
            values["udf_fields"],
            tuple(request.links),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a technician does."""
        request = self.requests[id_]
        request.actor = deed.actor
        if deed.delete:
            request.values["is_trashed"] = True
        if deed.state is not None:
            request.values["status"] = {"name": WORDS[deed.state]}
        if deed.priority is not None:
            request.values["priority"] = {"name": self.priorities[deed.priority]}
        if deed.assignee is not None:
            request.values["technician"] = {"name": deed.assignee}
        if deed.comment is not None:
            request.notes.append(deed.comment)
        request.changed = _now()

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what a custom trigger posts that was written as our page says."""
        request = self.requests[id_]
        body = {
            "id": id_,
            "state": request.values["status"]["name"],
            "actor": request.actor,
            "comment": request.notes[-1] if request.notes else "",
            "comment_id": str(len(request.notes)) if request.notes else "",
        }
        return {"x-tocsin-secret": SECRET}, msgspec.json.encode(body)

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login, and tell what failed."""
        if request.path not in self.logins and not self.is_known(request):
            return _failed(401, "UNAUTHORISED")
        try:
            return await handler(request)
        except Failed as failed:
            return _failed(400, str(failed))

    def is_known(self, request: web.Request) -> bool:
        """Tell whether a request shows the technician's key."""
        return request.headers.get("authtoken") == TOKEN

    async def _list(self, request: web.Request) -> web.Response:
        info = json.loads(request.query["input_data"])["list_info"]
        if info["row_count"] > MOST:
            raise Failed("row_count must not be more than 100")
        found = [one for one in self.requests.values() if not one.values.get("is_trashed")]
        found = [one for one in found if all(_fits(one, each) for each in info.get("search_criteria", []))]
        found.sort(key=lambda one: one.changed if info["sort_field"] == "last_updated_time" else int(one.id))
        if info["sort_order"] == "desc":
            found.reverse()
        start = info.get("start_index", 1) - 1
        page = found[start : start + info["row_count"]]
        shown = [self._shown(one, info.get("fields_required", ["id", "subject", "status"])) for one in page]
        more = {"has_more_rows": start + len(page) < len(found)}
        status = [{"status_code": 2000, "status": "success"}]
        return web.json_response({"requests": shown, "list_info": more, "response_status": status})

    async def _create(self, request: web.Request) -> web.Response:
        values = await _data(request, "request")
        _check(values)
        made = Request(str(10_000 + len(self.requests)), {"status": {"name": "Open"}, **values}, _now())
        self.requests[made.id] = made
        return _succeeded({"request": self._shown(made)}, 201)

    async def _show(self, request: web.Request) -> web.Response:
        return _succeeded({"request": self._shown(self._one(request))})

    async def _update(self, request: web.Request) -> web.Response:
        one = self._one(request)
        values = await _data(request, "request")
        _check(values)
        if values.get("status", {}).get("name") == self.closing_rule:
            del values["status"]
        one.values |= values
        one.changed = _now()
        return _succeeded({"request": self._shown(one)})

    async def _note(self, request: web.Request) -> web.Response:
        note = await _data(request, "note")
        self._one(request).notes.append(note["description"])
        return _succeeded({"note": {"id": "1", **note}}, 201)

    async def _link(self, request: web.Request) -> web.Response:
        one = self._one(request)
        for link in await _data(request, "link_requests"):
            if link["linked_request"]["id"] in one.links:
                return _failed(200, "Request is already linked")
            one.links.append(link["linked_request"]["id"])
        return _succeeded({})

    def _one(self, request: web.Request) -> Request:
        one = self.requests.get(request.match_info["id"])
        if one is None:
            raise web.HTTPNotFound(text=_failed(404, "Invalid URL").text, content_type="application/json")
        return one

    def _shown(self, one: Request, fields: Iterable[str] = ()) -> dict[str, Any]:
        shown = {"is_trashed": False, **one.values, "id": one.id, "last_updated_time": _moment(one.changed)}
        return {name: value for name, value in shown.items() if not fields or name in fields}


class FakeServiceDeskPlusCloud(FakeServiceDeskPlus):
    """A desk in the cloud, and Zoho Accounts."""

    logins: ClassVar[frozenset[str]] = frozenset({"/oauth/v2/token"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tokens: set[str] = set()
        """Those that have not ended."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [*super().routes(), web.post("/oauth/v2/token", self._token)]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return super().settings(url) | {"token": None, "zoho": {"accounts": url, **CLIENT}}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another refresh token."""
        zoho = {"accounts": url, **CLIENT, "refresh_token": "guess"}
        return self.settings(url) | {"zoho": zoho}

    def limited(self) -> Answer:
        """Say that there were too many requests, as Zoho does."""
        body = '{"response_status":{"status_code":4000,"status":"failed","messages":[{"message":'
        return Answer(400, body + '"URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"}]}}')

    def is_known(self, request: web.Request) -> bool:
        """Tell whether a request shows a token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Zoho-oauthtoken" and token in self.tokens

    async def _token(self, request: web.Request) -> web.Response:
        if dict(await request.post()) != {"grant_type": "refresh_token", **CLIENT}:
            return web.json_response({"error": "invalid_code"})
        token = f"1000.{token_hex(16)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})


async def _data(request: web.Request, name: str) -> Any:
    """Read ``input_data``: a body of JSON has none."""
    form = await request.post()
    if "input_data" not in form:
        raise Failed("input_data is missing")
    return json.loads(str(form["input_data"]))[name]


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name not in SETTABLE or (name in NAMED and value["name"] not in NAMED[name]):
            raise Failed(f"{name}: Unable to parse the given data")
    if "\n" in values["subject"] or len(values["subject"]) > 250:  # noqa: PLR2004 - as documented
        raise Failed("subject: Given data is not valid")
    for name in values.get("udf_fields", {}):
        if name not in {KEY, "udf_sline_room"}:
            raise Failed(f"udf_fields.{name}: EXTRA_KEY_FOUND_IN_JSON")


def _fits(one: Request, criterion: Mapping[str, str]) -> bool:
    if criterion["condition"] not in CONDITIONS:
        raise Failed("condition: Invalid value")
    if criterion["field"] == "last_updated_time":
        return one.changed >= int(criterion["value"])
    name = criterion["field"].removeprefix("udf_fields.")
    return bool(one.values["udf_fields"].get(name) == criterion["value"])


def _succeeded(body: Mapping[str, Any], status: int = 200) -> web.Response:
    told = {"status_code": 2000, "status": "success"}
    return web.json_response({**body, "response_status": told}, status=status)


def _failed(status: int, message: str) -> web.Response:
    messages = [{"status_code": 4001, "type": "failed", "message": message}]
    told = {"status_code": 4000, "status": "failed", "messages": messages}
    return web.json_response({"response_status": told}, status=status)


def _moment(at: int) -> dict[str, str]:
    return {"value": str(at), "display_value": time.strftime("%b %d, %Y %I:%M %p", time.gmtime(at / 1000))}


def _plain(text: str) -> str:
    """Read HTML as a browser shows it."""
    return unescape(text.replace("<br>", "\n"))


def _now() -> int:
    return int(time.time() * 1000)
