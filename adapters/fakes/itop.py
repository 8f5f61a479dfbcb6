"""iTop's REST/JSON service, as far as Tocsin uses it, with its traps.

Written from the project's documentation and source. The traps: errors are a 200 with a code; statuses are reached by
stimuli, which want their fields; one that does not fit the status is code 100; priority is computed; a closed ticket
takes no change; a list has no order; times tell no zone.
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Shown
from adapters.fakes.told import SECRET, posting
from domain.priority import Priority
from domain.ticket import TicketState

TOKEN = "tok0123456789abcdef"  # noqa: S105 - of a fake
NAMES = {
    "SELECT Organization WHERE name = 'Acme'": 1,
    "SELECT Person WHERE email = 'alerts@example.org'": 2,
    "SELECT Person WHERE email = 'agent@example.org'": 3,
    "SELECT Team WHERE name = 'Payments L2'": 4,
}
FIELDS = {
    "org_id",
    "caller_id",
    "origin",
    "title",
    "description",
    "impact",
    "urgency",
    "team_id",
    "agent_id",
    "pending_reason",
    "solution",
    "resolution_code",
    "private_log",
    "parent_incident_id",
    "parent_problem_id",
    "service_details",
}
STIMULI = {
    "new": {"ev_assign": "assigned", "ev_autoresolve": "resolved"},
    "assigned": {"ev_resolve": "resolved", "ev_pending": "pending", "ev_autoresolve": "resolved"},
    "pending": {"ev_assign": "assigned", "ev_autoresolve": "resolved"},
    "resolved": {"ev_reopen": "assigned", "ev_close": "closed"},
    "closed": {},
}
PROBLEM_STIMULI = {
    "new": {"ev_assign": "assigned"},
    "assigned": {"ev_resolve": "resolved"},
    "resolved": {"ev_close": "closed"},
    "closed": {},
}
WANTED = {
    "ev_assign": ("team_id", "agent_id"),
    "ev_pending": ("pending_reason",),
    "ev_resolve": ("solution", "resolution_code"),
}
MATRIX = {
    "1": {"1": "1", "2": "1", "3": "2", "4": "4"},
    "2": {"1": "1", "2": "2", "3": "3", "4": "4"},
    "3": {"1": "2", "2": "3", "3": "3", "4": "4"},
}
STATES = {
    TicketState.OPEN: "new",
    TicketState.ACKNOWLEDGED: "assigned",
    TicketState.IN_PROGRESS: "assigned",
    TicketState.ON_HOLD: "pending",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "closed",
}
PAIRS = {
    Priority.P1: ("1", "1"),
    Priority.P2: ("2", "2"),
    Priority.P3: ("2", "3"),
    Priority.P4: ("3", "4"),
    Priority.P5: ("3", "4"),
}
QUERY = re.compile(r"SELECT (?P<kind>Incident|Problem) WHERE (?P<where>.*)", re.DOTALL)
PART = re.compile(r"(?P<name>\w+) (?P<how>=|>=|LIKE|!=) (?:'(?P<text>[^']*)'|(?P<number>\d+))")


@dataclass(slots=True)
class Ticket:
    """One incident or problem."""

    id: int
    kind: str
    data: dict[str, Any]
    updated: float
    status: str = "new"
    log: list[str] = field(default_factory=list)
    actor: str = "Tocsin"


class FakeItop(Fake):
    """One iTop."""

    type = "itop"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "1",
        Priority.P2: "2",
        Priority.P3: "3",
        Priority.P4: "4",
        Priority.P5: "4",
    }
    longest = 60_000
    extra_field = "service_details"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[str, Ticket] = {}
        self.made = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [web.get("/webservices/rest.php", self._read), web.post("/webservices/rest.php", self._write)]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "itop",
            "url": url,
            "token": TOKEN,
            "organization": "Acme",
            "caller": "alerts@example.org",
            "agent": "agent@example.org",
            "team": "Payments L2",
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "wrong"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return list(self.tickets)

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[id_]
        data = ticket.data
        parents = [("Incident", data.get("parent_incident_id")), ("Problem", data.get("parent_problem_id"))]
        return Shown(
            data["title"],
            _plain(data["description"]),
            ticket.status not in {"resolved", "closed"},
            _priority(data),
            comments=tuple(ticket.log),
            state=ticket.status,
            fields=data,
            links=tuple(f"{kind}::{key}" for kind, key in parents if key),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        ticket = self.tickets[id_]
        if deed.state is not None:
            ticket.status = STATES[deed.state]
        if deed.priority is not None:
            ticket.data["impact"], ticket.data["urgency"] = PAIRS[deed.priority]
        if deed.assignee is not None:
            ticket.data |= {"team_id": 4, "agent_id": 9, "agent_id_friendlyname": deed.assignee}
        if deed.comment is not None:
            ticket.log.append(deed.comment)
        ticket.updated, ticket.actor = time.time(), deed.actor
        if deed.delete:
            del self.tickets[id_]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the action of our guide posts."""
        ticket = self.tickets[id_]
        return posting(
            id=id_,
            state=ticket.status,
            priority=_priority(ticket.data),
            actor=ticket.actor,
            updated_at=_moment(ticket.updated),
            comment=next(reversed(ticket.log), ""),
        )

    async def _read(self, request: web.Request) -> web.Response:
        asked = json.loads(request.query["json_data"])
        if asked["operation"] != "core/get":
            return _answer(11, "Unknown verb")
        if request.headers.get("Auth-Token") != TOKEN:
            return _answer(1, "Error: Invalid login")
        if asked["key"] in NAMES:
            return _answer(0, "Found: 1", {"x": _entry(asked["class"], NAMES[asked["key"]], {})})
        if asked["class"] not in {"Incident", "Problem"}:
            return _answer(0, "Found: 0")
        query = QUERY.fullmatch(asked["key"])
        if query is None:
            return _answer(100, f"Error: OQL parse error in {asked['key']}")
        parts = [PART.fullmatch(part) for part in query["where"].split(" AND ")]
        rows = [one for one in self.tickets.values() if one.kind == query["kind"]]
        found = [one for one in rows if all(part is not None and _is_hit(one, part) for part in parts)]
        page, size = int(asked.get("page", "1")), int(asked.get("limit", "0"))
        found = found[(page - 1) * size : page * size] if size else found
        objects = {f"{one.kind}::{one.id}": _shown(one, asked) for one in found}
        return _answer(0, f"Found: {len(found)}", objects or None)

    async def _write(self, request: web.Request) -> web.Response:
        asked = json.loads(str((await request.post())["json_data"]))
        if request.headers.get("Auth-Token") != TOKEN:
            return _answer(1, "Error: Invalid login")
        data = asked["fields"]
        unknown = data.keys() - FIELDS
        lost = [value for value in data.values() if str(value).startswith("SELECT ") and value not in NAMES]
        if unknown or lost:
            return _answer(100, f"Error: {unknown or lost}: unknown")
        data = {
            name: NAMES.get(value, value) if isinstance(value, str) else value for name, value in data.items()
        }
        if asked["operation"] == "core/create":
            return self._create(asked, data)
        ticket = self.tickets.get(f"{asked['class']}::{asked['key']}")
        if ticket is None:
            return _answer(100, f"Error: Invalid object {asked['class']}::{asked['key']}")
        if asked["operation"] == "core/apply_stimulus":
            return self._apply(ticket, asked, data)
        return self._change(ticket, asked, data)

    def _create(self, asked: Mapping[str, Any], data: dict[str, Any]) -> web.Response:
        lacking = [name for name in ("org_id", "caller_id", "title", "description") if not data.get(name)]
        if lacking:
            return _answer(100, f"Error: Missing mandatory attribute(s): {', '.join(lacking)}")
        self.made += 1
        ticket = Ticket(self.made, asked["class"], {"agent_id": 0, **data}, time.time())
        self.tickets[f"{ticket.kind}::{ticket.id}"] = ticket
        return _told(ticket, asked, "created")

    def _change(self, ticket: Ticket, asked: Mapping[str, Any], data: dict[str, Any]) -> web.Response:
        if ticket.status == "closed" and data.keys() - {"private_log"}:
            return _answer(100, "Error: title: Attribute not allowed to be changed")
        item = data.pop("private_log", None)
        if item is not None:
            ticket.log.append(item["add_item"]["message"])
        ticket.data |= data
        ticket.updated, ticket.actor = time.time(), "Tocsin"
        return _told(ticket, asked, "updated")

    def _apply(self, ticket: Ticket, asked: Mapping[str, Any], data: dict[str, Any]) -> web.Response:
        stimulus = asked["stimulus"]
        ways = STIMULI if ticket.kind == "Incident" else PROBLEM_STIMULI
        to = ways[ticket.status].get(stimulus)
        lacking = [name for name in WANTED.get(stimulus, ()) if not {**ticket.data, **data}.get(name)]
        if to is None:
            return _answer(
                100, f"Error: Invalid stimulus: '{stimulus}' on the object in state '{ticket.status}'"
            )
        if lacking:
            return _answer(100, f"Error: Missing mandatory attribute(s): {', '.join(lacking)}")
        ticket.data |= data
        ticket.status, ticket.updated, ticket.actor = to, time.time(), "Tocsin"
        return _told(ticket, asked, "updated")


def _told(ticket: Ticket, asked: Mapping[str, Any], message: str) -> web.Response:
    return _answer(0, "", {f"{ticket.kind}::{ticket.id}": _shown(ticket, asked) | {"message": message}})


def _shown(ticket: Ticket, asked: Mapping[str, Any]) -> dict[str, Any]:
    values = _values(ticket)
    fields = {name: values.get(name, "") for name in asked["output_fields"].split(",")}
    return _entry(ticket.kind, ticket.id, fields)


def _entry(kind: str, key: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "", "class": kind, "key": str(key), "fields": fields}


def _values(ticket: Ticket) -> dict[str, Any]:
    return {
        **ticket.data,
        "id": str(ticket.id),
        "ref": f"I-{ticket.id:06}",
        "status": ticket.status,
        "priority": _priority(ticket.data),
        "last_update": _moment(ticket.updated),
    }


def _is_hit(ticket: Ticket, part: re.Match[str]) -> bool:
    held = str(_values(ticket).get(part["name"], ""))
    value = part["number"] or part["text"] or ""
    if part["how"] == "LIKE":
        return value.strip("%").casefold() in held.casefold()
    return {"=": held == value, "!=": held != value, ">=": held >= value}[part["how"]]


def _priority(data: Mapping[str, Any]) -> str:
    return MATRIX[data["impact"]][data["urgency"]]


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", "\n")))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _answer(code: int, message: str, objects: object = None) -> web.Response:
    return web.json_response({"code": code, "message": message, "objects": objects})
