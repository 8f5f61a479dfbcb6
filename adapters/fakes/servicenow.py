"""ServiceNow's Table API and its inbound events, as far as Tocsin uses them, with their traps.

Written from the vendor's documentation. The traps: a part of a query with an unknown column is left out, and the
rest is run; unknown columns of a write are left out; texts are cut; priority is computed; a resolved incident
needs a code and notes, a problem its cause and fix; a closed one cannot be changed; times are whole seconds.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

USER = "tocsin"
PASSWORD = "correct-horse"  # noqa: S105 - of a fake
TOKEN = "oauth-0123456789"  # noqa: S105 - of a fake
COLUMNS = {
    "correlation_id": 100,
    "correlation_display": 100,
    "short_description": 160,
    "description": 4000,
    "state": 40,
    "impact": 40,
    "urgency": 40,
    "assignment_group": 32,
    "assigned_to": 32,
    "work_notes": 4000,
    "comments": 4000,
    "close_code": 40,
    "close_notes": 4000,
    "hold_reason": 40,
    "resolution_code": 40,
    "cause_notes": 4000,
    "fix_notes": 4000,
    "parent": 32,
    "parent_incident": 32,
    "problem_id": 32,
    "u_origin": 100,
}
"""Those that may be written, and how much each holds."""
MANDATORY = {"incident": ("close_code", "close_notes"), "problem": ("cause_notes", "fix_notes")}
NEW = {"incident": "1", "problem": "101"}
OVER = {"incident": {"6", "7"}, "problem": {"106", "107"}}
CLOSED = {"incident": "7", "problem": "107"}
STATES = {
    TicketState.OPEN: "1",
    TicketState.ACKNOWLEDGED: "2",
    TicketState.IN_PROGRESS: "2",
    TicketState.ON_HOLD: "3",
    TicketState.RESOLVED: "6",
    TicketState.CLOSED: "7",
}
PART = re.compile(r"(?P<column>[a-z_]+)(?P<how>>=|=)(?P<value>.*)")
ORDER = re.compile(r"ORDERBY(?P<down>DESC)?(?P<column>[a-z_]+)")


class FakeServiceNow(Fake):
    """One instance."""

    type = "servicenow"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "1",
        Priority.P2: "2",
        Priority.P3: "3",
        Priority.P4: "4",
        Priority.P5: "5",
    }
    longest = 4000
    extra_field = "u_origin"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tables: dict[str, dict[str, dict[str, str]]] = {"incident": {}, "problem": {}}
        """Records by sys_id."""
        self.notes: dict[str, list[str]] = {}
        self.files: list[tuple[str, str, bytes]] = []
        self.tokens = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.post("/oauth_token.do", self._token),
            web.get("/api/now/table/{table}", self._search),
            web.post("/api/now/table/{table}", self._create),
            web.get("/api/now/table/{table}/{id}", self._show),
            web.patch("/api/now/table/{table}/{id}", self._update),
            web.post("/api/now/attachment/file", self._attach),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        login = {"username": USER, "password": PASSWORD}
        return {"type": "servicenow", "url": url, "auth": {"basic": login}, "callback_secret": SECRET}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"auth": {"basic": {"username": USER, "password": "wrong"}}}

    def ids(self) -> list[str]:
        """List all incidents, and all problems."""
        return [*self.tables["incident"], *(f"problem/{id_}" for id_ in self.tables["problem"])]

    def look(self, id_: str) -> Shown:
        """See a record."""
        table, record = self._record(id_)
        links = [record.get("parent_incident"), record.get("parent"), record.get("problem_id")]
        return Shown(
            record["short_description"],
            record["description"],
            record["state"] not in OVER[table],
            record["priority"],
            comments=tuple(self.notes[record["sys_id"]]),
            state=record["state"],
            fields=record,
            links=tuple(link for link in links if link),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        table, record = self._record(id_)
        if deed.state is not None:
            record["state"] = STATES[deed.state]
        if deed.priority is not None:
            pairs = {"1": ("1", "1"), "2": ("1", "2"), "3": ("2", "2"), "4": ("2", "3"), "5": ("3", "3")}
            record["impact"], record["urgency"] = pairs[self.priorities[deed.priority]]
        if deed.assignee is not None:
            record["assigned_to.name"] = deed.assignee
        if deed.comment is not None:
            self.notes[record["sys_id"]].append(deed.comment)
        _touch(record, deed.actor)
        if deed.delete:
            del self.tables[table][record["sys_id"]]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the business rule of our guide posts."""
        _, record = self._record(id_)
        return posting(
            id=id_,
            state=record["state"],
            priority=record["priority"],
            assignee=record.get("assigned_to.name"),
            actor=record["sys_updated_by"],
            updated_at=record["sys_updated_on"],
            comment=next(reversed(self.notes[record["sys_id"]]), ""),
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login."""
        login = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        allowed = {login, f"Bearer {TOKEN}-{self.tokens}"}
        is_key = request.headers.get("x-sn-apikey") == PASSWORD
        if request.path == "/oauth_token.do" or is_key or request.headers.get("Authorization") in allowed:
            return await handler(request)
        return _error(401, "User Not Authenticated", "Required to provide Auth information")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("grant_type"), form.get("client_secret")) != ("client_credentials", PASSWORD):
            return web.json_response({"error": "access_denied"}, status=401)
        self.tokens += 1
        return web.json_response({"access_token": f"{TOKEN}-{self.tokens}", "expires_in": 1799})

    async def _search(self, request: web.Request) -> web.Response:
        found = list(self._table(request).values())
        for part in request.query.get("sysparm_query", "").split("^"):
            found = _narrowed(found, part)
        offset = int(request.query.get("sysparm_offset", "0"))
        limit = int(request.query.get("sysparm_limit", "10000"))
        rows = [_asked(request, record) for record in found[offset : offset + limit]]
        return web.json_response({"result": rows})

    async def _create(self, request: web.Request) -> web.Response:
        table = self._table(request)
        name = request.match_info["table"]
        number = f"{'INC' if name == 'incident' else 'PRB'}{len(table) + 1:07}"
        record = {"sys_id": uuid4().hex, "number": number, "state": NEW[name], "impact": "3", "urgency": "3"}
        record |= {"short_description": "", "description": "", "sys_created_on": _now()}
        self.notes[record["sys_id"]] = []
        table[record["sys_id"]] = record
        self._write(record, await request.json())
        return web.json_response({"result": _asked(request, record)}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"result": _asked(request, self._one(request))})

    async def _update(self, request: web.Request) -> web.Response:
        name, record = request.match_info["table"], self._one(request)
        if record["state"] == CLOSED[name]:
            return _error(403, "Operation Failed", "aborted by Business Rule 'Closed is read only'")
        data = await request.json()
        lacking = [one for one in MANDATORY[name] if not {**record, **data}.get(one)]
        if data.get("state") in OVER[name] and lacking:
            return _error(403, "Data Policy Exception", f"mandatory: {', '.join(lacking)}")
        self._write(record, data)
        return web.json_response({"result": _asked(request, record)})

    async def _attach(self, request: web.Request) -> web.Response:
        query = request.query
        self._record_of(query["table_name"], query["table_sys_id"])
        self.files.append((query["table_sys_id"], query["file_name"], await request.read()))
        return web.json_response({"result": {"sys_id": uuid4().hex}}, status=201)

    def _write(self, record: dict[str, str], data: Mapping[str, Any]) -> None:
        kept = {name: str(value)[: COLUMNS[name]] for name, value in data.items() if name in COLUMNS}
        if kept.get("work_notes"):
            self.notes[record["sys_id"]].append(kept["work_notes"])
        record |= {name: value for name, value in kept.items() if name not in {"work_notes", "comments"}}
        _touch(record, USER)

    def _table(self, request: web.Request) -> dict[str, dict[str, str]]:
        table = self.tables.get(request.match_info["table"])
        if table is None:
            raise web.HTTPBadRequest(text='{"error":{"message":"Invalid table"},"status":"failure"}')
        return table

    def _one(self, request: web.Request) -> dict[str, str]:
        return self._record_of(request.match_info["table"], request.match_info["id"])

    def _record_of(self, table: str, id_: str) -> dict[str, str]:
        record = self.tables.get(table, {}).get(id_)
        if record is None:
            text = json.dumps({"error": {"message": "No Record found"}, "status": "failure"})
            raise web.HTTPNotFound(text=text, content_type="application/json")
        return record

    def _record(self, id_: str) -> tuple[str, dict[str, str]]:
        table, _, sys_id = id_.rpartition("/")
        return table or "incident", self.tables[table or "incident"][sys_id]


class FakeServiceNowEvents(Fake):
    """The inbound events of an instance. Its rules make one ticket of each message_key."""

    type = "servicenow"
    priorities: ClassVar[Mapping[Priority, str]] = FakeServiceNow.priorities
    longest = 3800
    extra_field = "event_class"

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.alerts: dict[str, dict[str, str]] = {}
        """The last event of each message_key."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [web.post("/api/global/em/jsonv2", self._take), web.get("/api/now/table/em_event", self._list)]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "servicenow",
            "url": url,
            "table": "em_event",
            "auth": {"basic": {"username": USER, "password": PASSWORD}},
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"auth": {"basic": {"username": USER, "password": "wrong"}}}

    def ids(self) -> list[str]:
        """List the keys of all alerts."""
        return list(self.alerts)

    def look(self, id_: str) -> Shown:
        """See an alert."""
        event = self.alerts[id_]
        title, _, text = event["description"].partition("\n\n")
        return Shown(title, text, event["severity"] != "0", event["severity"], fields=event)

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login."""
        login = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != login:
            return _error(401, "User Not Authenticated", "Required to provide Auth information")
        return await handler(request)

    async def _take(self, request: web.Request) -> web.Response:
        events = (await request.json())["records"]
        taken = [event for event in events if event.get("severity") and event.get("source")]
        for event in taken:
            self.alerts[event["message_key"]] = event
        return web.json_response({"result": {"Default Bulk Endpoint": f"{len(taken)} events were inserted"}})

    async def _list(self, request: web.Request) -> web.Response:
        limit = int(request.query["sysparm_limit"])
        return web.json_response({"result": [{"sys_id": key} for key in self.alerts][:limit]})


def _narrowed(records: list[dict[str, str]], part: str) -> list[dict[str, str]]:
    """Run one part of a query; one that is not understood changes nothing."""
    order = ORDER.fullmatch(part)
    if order is not None:
        return sorted(records, key=lambda record: record[order["column"]], reverse=bool(order["down"]))
    match = PART.fullmatch(part)
    if match is None or match["column"] not in {*COLUMNS, "sys_updated_on", "sys_created_on"}:
        return records
    column, value = match["column"], match["value"]
    if match["how"] == "=":
        return [record for record in records if record.get(column, "") == value]
    return [record for record in records if record.get(column, "") >= value]


def _asked(request: web.Request, record: Mapping[str, str]) -> dict[str, str]:
    """Show the columns that were asked for; those without a value are empty."""
    names = request.query.get("sysparm_fields", ",".join(record)).split(",")
    return {name: record.get(name, "") for name in names if name}


def _touch(record: dict[str, str], actor: str) -> None:
    record["priority"] = str(min(5, max(1, int(record["impact"]) + int(record["urgency"]) - 1)))
    record |= {"sys_updated_on": _now(), "sys_updated_by": actor}


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S")


def _error(status: int, message: str, detail: str) -> web.Response:
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return web.json_response(body, status=status)
