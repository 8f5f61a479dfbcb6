"""BMC Helix ITSM's REST API, as far as Tocsin uses it, with its traps.

Written from what a working client of it sends. The traps: a token that runs out; one form makes incidents, another
changes them, by an id of its own; a name that is misspelled one way for writing and another for reading; a change
answers nothing; priority is made of impact and urgency; pending and resolved want a reason, resolved a resolution.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

USER = "tocsin"
PASSWORD = "p&ss word"  # noqa: S105 - of a fake
FIELDS = {
    "z1D_Action",
    "First_Name",
    "Last_Name",
    "Vendor Ticket Number",
    "Service_Type",
    "Reported Source",
    "Status",
    "Status_Reason",
    "Resolution",
    "Description",
    "Detailed_Decription",
    "Impact",
    "Urgency",
    "Company",
    "Assigned Support Company",
    "Assigned Support Organization",
    "Assigned Group",
    "Categorization Tier 1",
}
REQUIRED = ("First_Name", "Last_Name", "Description", "Impact", "Urgency", "Status", "Service_Type")
STATES = {
    TicketState.OPEN: "Assigned",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
WANTED = {"Pending": ("Status_Reason",), "Resolved": ("Status_Reason", "Resolution")}
STATUSES = {"New", "Assigned", "In Progress", "Pending", "Resolved", "Closed", "Cancelled"}
READ = {"Detailed_Decription": "Detailed Decription"}
LONGEST = 100
QUERY = re.compile(r"'(?P<name>[^']+)'\s*(?P<how>=|>=|!=)\s*(?P<value>\"[^\"]*\"|\$NULL\$)")


@dataclass(slots=True)
class Incident:
    """One incident."""

    number: str
    data: dict[str, Any]
    created: float
    updated: float
    logs: list[str] = field(default_factory=list)
    actor: str = USER

    @property
    def request_id(self) -> str:
        """What the form for changes calls it."""
        entry = "INC_E" + self.number[5:]
        return f"{entry}|{entry}"


class FakeBmcHelix(Fake):
    """One BMC Helix ITSM."""

    type = "bmc_helix"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "Critical",
        Priority.P2: "High",
        Priority.P3: "Medium",
        Priority.P4: "Low",
        Priority.P5: "Low",
    }
    longest = 32_000
    extra_field = "Categorization Tier 1"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})
    logins: ClassVar[frozenset[str]] = frozenset({"/api/jwt/login"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.incidents: dict[str, Incident] = {}
        self.made = 0
        self.tokens = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        entry = "/api/arsys/v1/entry"
        return [
            web.post("/api/jwt/login", self._login),
            web.post(f"{entry}/HPD:IncidentInterface_Create", self._create),
            web.get(f"{entry}/HPD:IncidentInterface", self._search),
            web.put(f"{entry}/HPD:IncidentInterface/{{id}}", self._update),
            web.post(f"{entry}/HPD:WorkLog", self._log),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        login = {"username": USER, "password": PASSWORD, "callback_secret": SECRET}
        return {"type": "bmc_helix", "url": url, "first_name": "Monitoring", "last_name": "Tocsin", **login}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"password": "wrong"}

    def ids(self) -> list[str]:
        """List all incidents."""
        return list(self.incidents)

    def look(self, id_: str) -> Shown:
        """See an incident."""
        incident = self.incidents[id_]
        data = incident.data
        return Shown(
            data["Description"],
            data["Detailed_Decription"],
            data["Status"] not in {"Resolved", "Closed", "Cancelled"},
            _priority(data),
            comments=tuple(incident.logs),
            state=data["Status"],
            fields=data,
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        incident = self.incidents[id_]
        if deed.state is not None:
            incident.data["Status"] = STATES[deed.state]
        if deed.priority is not None:
            incident.data["Impact"] = incident.data["Urgency"] = deed.priority.value[1:] + "-x"
        if deed.assignee is not None:
            incident.data["Assignee"] = deed.assignee
        if deed.comment is not None:
            incident.logs.append(deed.comment)
        incident.updated, incident.actor = time.time(), deed.actor
        if deed.delete:
            del self.incidents[id_]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what a workflow of our guide posts."""
        incident = self.incidents[id_]
        return posting(
            id=id_,
            state=incident.data["Status"],
            priority=_priority(incident.data),
            actor=incident.actor,
            updated_at=_moment(incident.updated),
            comment=next(reversed(incident.logs), ""),
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        token = request.headers.get("Authorization")
        if request.path not in self.logins and token != f"AR-JWT e30.{self.tokens}.x":
            return _error(401, "Authentication failed", 623)
        return await handler(request)

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return _error(401, "Authentication failed", 623)
        self.tokens = self.tokens or 1
        return web.Response(text=f"e30.{self.tokens}.x")

    async def _create(self, request: web.Request) -> web.Response:
        data = (await request.json())["values"]
        wrong = [*(data.keys() - FIELDS), *(name for name in REQUIRED if not data.get(name))]
        if wrong or data["z1D_Action"] != "CREATE" or len(data["Description"]) > LONGEST:
            return _error(400, f"Required field (without a default) not specified: {wrong}", 307)
        self.made += 1
        number = f"INC{self.made:012}"
        self.incidents[number] = Incident(number, data, time.time(), time.time())
        return web.json_response({"values": {"Incident Number": number}, "_links": {}}, status=201)

    async def _search(self, request: web.Request) -> web.Response:
        query = QUERY.fullmatch(request.query["q"])
        if query is None or query["name"] not in {*FIELDS, "Incident Number", "Last Modified Date"}:
            return _error(400, f"Error encountered while executing: {request.query['q']}", 1587)
        found = [one for one in self.incidents.values() if _is_hit(one, query)]
        name, _, order = request.query.get("sort", "Submit Date.asc").partition(".")
        found.sort(key=lambda one: one.updated if name == "Last Modified Date" else one.created)
        found = found[::-1] if order == "desc" else found
        start, size = int(request.query.get("offset", "0")), int(request.query.get("limit", "1000"))
        asked = request.query["fields"].removeprefix("values(").removesuffix(")").split(",")
        rows = [
            {"values": {name: _values(one).get(name) for name in asked}}
            for one in found[start : start + size]
        ]
        return web.json_response({"entries": rows, "_links": {}})

    async def _update(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        incident = next((one for one in self.incidents.values() if one.request_id == id_), None)
        data = (await request.json())["values"]
        if incident is None:
            return _error(404, "Entry does not exist in database", 302)
        lacking = [name for name in WANTED.get(data.get("Status", ""), ()) if not data.get(name)]
        if data.keys() - FIELDS or lacking or data.get("Status", "New") not in STATUSES:
            return _error(400, f"The following fields are required: {lacking}", 1291051)
        incident.data |= data
        incident.updated, incident.actor = time.time(), USER
        return web.Response(status=204)

    async def _log(self, request: web.Request) -> web.Response:
        data = (await request.json())["values"]
        incident = self.incidents.get(data["Incident Number"])
        if incident is None:
            return _error(400, "The incident number is not valid", 45487)
        incident.logs.append(data["Detailed Description"])
        incident.updated = time.time()
        return web.Response(status=201)


def _is_hit(incident: Incident, query: re.Match[str]) -> bool:
    held = str(_values(incident).get(query["name"]) or "")
    if query["how"] == "!=":
        return held != ""
    value = query["value"].strip('"')
    return incident.updated >= float(value) if query["how"] == ">=" else held == value


def _values(incident: Incident) -> dict[str, Any]:
    data = {READ.get(name, name): value for name, value in incident.data.items()}
    return {
        **data,
        "Request ID": incident.request_id,
        "Incident Number": incident.number,
        "Priority": _priority(incident.data),
        "Last Modified By": incident.actor,
        "Last Modified Date": _moment(incident.updated),
    }


def _priority(data: Mapping[str, Any]) -> str:
    place = max(int(data["Impact"][0]), int(data["Urgency"][0]))
    return ("Critical", "High", "Medium", "Low", "Low")[place - 1]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _error(status: int, text: str, number: int) -> web.Response:
    body = [{"messageType": "ERROR", "messageText": text, "messageNumber": number, "messageAppendedText": ""}]
    return web.json_response(body, status=status)
