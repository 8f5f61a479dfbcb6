"""TOPdesk's incident API, as far as Tocsin uses it, with its traps.

Written from the vendor's reference. The traps: a list of none is a 204 without a body, a part of one a 206; a long
title is refused; a request and an action are added to; names that do not exist are refused; a partial needs a major.
"""

from __future__ import annotations

import html
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

USER = "tocsin"
PASSWORD = "abcde-fghij"  # noqa: S105 - of a fake
LISTS = {
    "statuses": ["Logged", "In progress", "On hold", "Completed", "Closed"],
    "impacts": ["Organization", "Department", "Person"],
    "urgencies": ["Not able to work", "Partially able to work", "Able to work"],
    "priorities": ["P1", "P2", "P3", "P4", "P5"],
}
NAMED = {
    "processingStatus": "statuses",
    "impact": "impacts",
    "urgency": "urgencies",
    "priority": "priorities",
}
FIELDS = {
    *NAMED,
    "briefDescription",
    "request",
    "action",
    "actionInvisibleForCaller",
    "caller",
    "callerLookup",
    "externalNumber",
    "operatorGroup",
    "majorCall",
    "majorCallObject",
    "closureCode",
    "externalLink",
    "optionalFields1",
    "feedbackMessage",
}
STATES = {
    TicketState.OPEN: "Logged",
    TicketState.ACKNOWLEDGED: "In progress",
    TicketState.IN_PROGRESS: "In progress",
    TicketState.ON_HOLD: "On hold",
    TicketState.RESOLVED: "Completed",
    TicketState.CLOSED: "Closed",
}
TITLE_LENGTH = 80
QUERY = re.compile(r"(?P<name>externalNumber|modificationDate)(?P<how>==|=ge=)(?P<value>[^;,()]*)")


@dataclass(slots=True)
class Incident:
    """One incident."""

    id: str
    data: dict[str, Any]
    created: float
    updated: float
    actions: list[str] = field(default_factory=list)
    actor: str = "Tocsin"


class FakeTopdesk(Fake):
    """One TOPdesk."""

    type = "topdesk"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    extra_field = "feedbackMessage"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.incidents: dict[str, Incident] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        root = "/tas/api/incidents"
        return [
            web.get(f"{root}/{{list:statuses|impacts|urgencies|priorities}}", self._names),
            web.get(root, self._list),
            web.post(root, self._create),
            web.get(f"{root}/id/{{id}}", self._show),
            web.patch(f"{root}/id/{{id}}", self._update),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        login = {"username": USER, "password": PASSWORD}
        return {"type": "topdesk", "url": url, "callback_secret": SECRET, **login}

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
        major = data.get("majorCallObject")
        return Shown(
            data["briefDescription"],
            _plain(data["request"]),
            data["processingStatus"]["name"] not in {"Completed", "Closed"},
            data["priority"]["name"],
            comments=tuple(_plain(action) for action in incident.actions),
            state=data["processingStatus"]["name"],
            fields=data,
            links=(major["id"],) if major else (),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        incident = self.incidents[id_]
        if deed.state is not None:
            incident.data["processingStatus"] = {"name": STATES[deed.state]}
        if deed.priority is not None:
            incident.data["priority"] = {"name": deed.priority.value}
        if deed.assignee is not None:
            incident.data["operator"] = {"id": "o1", "name": deed.assignee}
        if deed.comment is not None:
            incident.actions.append(html.escape(deed.comment))
        incident.updated, incident.actor = time.time(), deed.actor
        if deed.delete:
            del self.incidents[id_]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the action sequence of our guide posts."""
        incident = self.incidents[id_]
        return posting(
            id=id_,
            state=incident.data["processingStatus"]["name"],
            priority=incident.data["priority"]["name"],
            actor=incident.actor,
            updated_at=_moment(incident.updated),
            comment=_plain(next(reversed(incident.actions), "")),
        )

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login."""
        login = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != login:
            return web.Response(status=401)
        return await handler(request)

    async def _names(self, request: web.Request) -> web.Response:
        names = LISTS[request.match_info["list"]]
        return web.json_response([{"id": f"{number}", "name": name} for number, name in enumerate(names)])

    async def _list(self, request: web.Request) -> web.Response:
        found = list(self.incidents.values())
        query = request.query.get("query")
        if query is not None:
            match = QUERY.fullmatch(query)
            if match is None:
                return _wrong("query")
            found = [one for one in found if _is_hit(one, match)]
        name, _, order = request.query.get("sort", "creationDate:asc").partition(":")
        found.sort(key=lambda one: one.updated if name == "modificationDate" else one.created)
        found = found[::-1] if order == "desc" else found
        start, size = int(request.query.get("start", "0")), int(request.query.get("pageSize", "10"))
        rows = [_shown(one) for one in found[start : start + size]]
        if not rows:
            return web.Response(status=204)
        return web.json_response(rows, status=206 if len(found) > start + size else 200)

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        wrong = _mistakes(data)
        if wrong or not ({"caller", "callerLookup"} & data.keys()):
            return _wrong(*wrong, "caller")
        id_ = str(uuid4())
        self.incidents[id_] = Incident(id_, data, time.time(), time.time())
        return web.json_response(_shown(self.incidents[id_]), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._incident(request)))

    async def _update(self, request: web.Request) -> web.Response:
        incident, data = self._incident(request), await request.json()
        major = self.incidents.get(data.get("majorCallObject", {}).get("id"))
        wrong = _mistakes(data)
        if wrong or (major is not None and not major.data.get("majorCall")):
            return _wrong(*wrong, "majorCallObject")
        if "action" in data:
            incident.actions.append(data.pop("action"))
            data.pop("actionInvisibleForCaller")
        incident.data |= data
        incident.updated, incident.actor = time.time(), "Tocsin"
        return web.json_response(_shown(incident))

    def _incident(self, request: web.Request) -> Incident:
        incident = self.incidents.get(request.match_info["id"])
        if incident is None:
            raise web.HTTPNotFound
        return incident


def _is_hit(incident: Incident, query: re.Match[str]) -> bool:
    if query["name"] == "externalNumber":
        return bool(incident.data.get("externalNumber") == query["value"])
    return incident.updated >= datetime.fromisoformat(query["value"]).timestamp()


def _mistakes(data: Mapping[str, Any]) -> list[str]:
    wrong = sorted(data.keys() - FIELDS)
    wrong += [
        name for name, list_ in NAMED.items() if name in data and data[name]["name"] not in LISTS[list_]
    ]
    return wrong + ["briefDescription"] * (len(data.get("briefDescription", "")) > TITLE_LENGTH)


def _shown(incident: Incident) -> dict[str, Any]:
    name = incident.data["processingStatus"]["name"]
    return {
        **incident.data,
        "id": incident.id,
        "number": f"I {incident.id[:6]}",
        "modificationDate": _moment(incident.updated),
        "modifier": {"id": "o2", "name": incident.actor},
        "completed": name in {"Completed", "Closed"},
        "closed": name == "Closed",
    }


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", "\n")))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _wrong(*names: str) -> web.Response:
    return web.json_response(
        [{"message": f"The value for the field {name!r} is wrong"} for name in names], status=400
    )
