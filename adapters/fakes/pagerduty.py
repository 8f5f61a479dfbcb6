"""PagerDuty: its REST API v2 and its Events API v2, over the same incidents.

Written from developer.pagerduty.com and the published OpenAPI documents. The traps: a trigger for a key that
is resolved opens another incident; resolve and acknowledge for no open one are dropped with a 202; an open
incident's key cannot be used again; a resolved one cannot be resolved; the log is newest first.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

TOKEN, SENDER, SERVICE = "y_NbAkKc66ryYTWUXYEu", "tocsin@example.org", "PSERV1CE"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "pd-webhook-secret"  # noqa: S105 - of a fake
PRIORITIES = {f"PPRIO{number}": f"P{number}" for number in range(1, 6)}
WORDS = {
    TicketState.OPEN: "triggered",
    TicketState.ACKNOWLEDGED: "acknowledged",
    TicketState.IN_PROGRESS: "acknowledged",
    TicketState.ON_HOLD: "acknowledged",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "resolved",
}
_SEVERITIES = {"critical", "error", "warning", "info"}
_EVENT = {"routing_key", "event_action", "dedup_key", "payload", "links", "images", "client", "client_url"}
_PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
_NEW = {
    "type",
    "title",
    "service",
    "priority",
    "urgency",
    "body",
    "incident_key",
    "assignments",
    "incident_type",
    "escalation_policy",
    "conference_bridge",
}
_CHANGES = {
    "type",
    "status",
    "priority",
    "resolution",
    "title",
    "escalation_level",
    "urgency",
    "conference_bridge",
}


@dataclass(slots=True)
class Incident:
    """One incident, or in events mode the alert of it."""

    id: str
    key: str
    title: str
    text: str
    priority: str | None
    urgency: str
    fields: dict[str, Any]
    at: datetime
    status: str = "triggered"
    notes: list[str] = field(default_factory=list)
    assignee: str = ""
    merged_into: str = ""
    actor: str = ""
    last: str = "incident.triggered"


class FakePagerDuty(Fake):
    """One account, through REST."""

    type = "pagerduty"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    deeds: ClassVar[frozenset[str]] = frozenset(
        {"state", "priority", "assignee", "comment", "merge_into", "delete"}
    )
    longest: ClassVar[int] = 120_000

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.incidents: dict[str, Incident] = {}
        self.log: list[tuple[datetime, str]] = []

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        one = "/incidents/{id}"
        return [
            web.post("/v2/enqueue", self._enqueue),
            web.get("/incidents", self._list),
            web.post("/incidents", self._create),
            web.get(one, self._show),
            web.put(one, self._update),
            web.post(f"{one}/notes", self._note),
            web.get("/log_entries", self._entries),
            web.get("/services/{id}", self._service),
            web.get("/priorities", self._priorities),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "pagerduty",
            "url": url,
            "token": TOKEN,
            "sender": SENDER,
            "service": SERVICE,
            "priorities": {name: id_ for id_, name in PRIORITIES.items()},
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key."""
        return self.settings(url) | {"token": "another"}

    def limited(self) -> Answer:
        """Ask for fewer requests, as the REST API does."""
        return Answer(
            429, headers={"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "7"}
        )

    def ids(self) -> list[str]:
        """List all incidents."""
        return list(self.incidents)

    def look(self, id_: str) -> Shown:
        """See an incident."""
        return looked_at(self.incidents[id_])

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does in the web app."""
        incident = self.of(id_)
        incident.actor = deed.actor
        if deed.state is not None:
            incident.status = WORDS[deed.state]
            incident.last = f"incident.{incident.status}"
        if deed.priority is not None:
            incident.priority, incident.last = deed.priority.value, "incident.priority_updated"
        if deed.assignee is not None:
            incident.assignee, incident.last = deed.assignee, "incident.reassigned"
        if deed.comment is not None:
            incident.notes.append(deed.comment)
            incident.last = "incident.annotated"
        if deed.merge_into is not None:
            incident.status, incident.merged_into = "resolved", deed.merge_into
        self._happened(incident)
        if deed.delete:
            del self.incidents[incident.id]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the webhook subscription would post."""
        incident = self.of(id_)
        data = _note(incident) if incident.last == "incident.annotated" else _shown(incident)
        event = {
            "id": hashlib.sha1(f"{incident.id}{incident.at}".encode(), usedforsecurity=False).hexdigest(),
            "event_type": incident.last,
            "resource_type": "incident",
            "occurred_at": incident.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "agent": {"id": "PUSER1", "type": "user_reference", "summary": incident.actor},
            "client": None,
            "data": data,
        }
        body = json.dumps({"event": event}).encode()
        fits = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return {"x-pagerduty-signature": f"v1={'0' * 64},v1={fits}", "x-webhook-id": str(event["id"])}, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the key; the Events API has it in the body."""
        if not request.path.startswith("/v2/"):
            if request.headers.get("Authorization") != f"Token token={TOKEN}":
                return _error(401, 2006, "Unauthorized")
            if request.method != "GET" and request.headers.get("From") != SENDER:
                return _error(400, 2001, "Requester User Not Found")
        return await handler(request)

    def of(self, id_: str) -> Incident:
        """Return what a ticket's id stands for."""
        return self.incidents[id_]

    def _happened(self, incident: Incident) -> None:
        incident.at = datetime.now(UTC)
        self.log.append((incident.at, incident.id))

    def _open(self, key: str) -> Incident | None:
        return next(
            (one for one in self.incidents.values() if one.key == key and one.status != "resolved"), None
        )

    def _make(self, key: str, title: str, text: str, **more: Any) -> Incident:
        id_ = f"Q{len(self.log):013d}"
        incident = Incident(id_, key, title, text, at=datetime.now(UTC), **more)
        self.incidents[id_] = incident
        self._happened(incident)
        return incident

    async def _enqueue(self, request: web.Request) -> web.Response:
        event = await request.json()
        payload = event.get("payload", {})
        wrong = _mistakes(event, payload)
        if wrong:
            return web.json_response(
                {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}, status=400
            )
        known = self._open(event["dedup_key"])
        match event["event_action"]:
            case "trigger" if known is None:
                details = payload["custom_details"]
                self._make(
                    event["dedup_key"],
                    payload["summary"],
                    details["description"],
                    priority=details["priority"],
                    urgency="high",
                    fields=payload,
                )
            case "acknowledge" | "resolve" as action if known is not None:
                known.status = "resolved" if action == "resolve" else "acknowledged"
                known.last = f"incident.{known.status}"
                self._happened(known)
            case _:
                pass
        answer = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return web.json_response(answer, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [one for one in self.incidents.values() if query.get("incident_key", one.key) == one.key]
        if query.get("sort_by") == "created_at:desc":
            found.reverse()
        shown = [_shown(one) for one in found[: int(query.get("limit", "25"))]]
        return web.json_response({"incidents": shown, "limit": 25, "offset": 0, "more": False})

    async def _create(self, request: web.Request) -> web.Response:
        data = (await request.json())["incident"]
        if data.keys() - _NEW or data["type"] != "incident" or not data["title"]:
            return _error(400, 2001, "Invalid Input Provided", *sorted(data.keys() - _NEW))
        if data["service"]["id"] != SERVICE:
            return _error(400, 2001, "Invalid Input Provided", "Service not found")
        if self._open(data["incident_key"]) is not None:
            told = "Open incident with matching dedup key already exists on this service"
            return _error(400, 2002, "Arguments Caused Error", told)
        incident = self._make(
            data["incident_key"],
            data["title"],
            data["body"]["details"],
            priority=PRIORITIES[data["priority"]["id"]] if "priority" in data else None,
            urgency=data["urgency"],
            fields=data,
        )
        return web.json_response({"incident": _shown(incident)}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"incident": _shown(self._asked(request))})

    async def _update(self, request: web.Request) -> web.Response:
        incident = self._asked(request)
        data = (await request.json())["incident"]
        if data.keys() - _CHANGES:
            return _error(400, 2001, "Invalid Input Provided", *sorted(data.keys() - _CHANGES))
        if data.get("status") == incident.status == "resolved":
            return _error(400, 2001, "Arguments Caused Error", "Incident Already Resolved")
        incident.status = data.get("status", incident.status)
        incident.title = data.get("title", incident.title)
        incident.urgency = data.get("urgency", incident.urgency)
        if "priority" in data:
            incident.priority = PRIORITIES[data["priority"]["id"]]
        incident.last, incident.actor = f"incident.{incident.status}", SENDER
        self._happened(incident)
        return web.json_response({"incident": _shown(incident)})

    async def _note(self, request: web.Request) -> web.Response:
        incident = self._asked(request)
        content = (await request.json())["note"]["content"]
        if not content:
            return _error(400, 2001, "Invalid Input Provided", "Content cannot be empty")
        incident.notes.append(content)
        self._happened(incident)
        return web.json_response({"note": {"id": f"N{len(incident.notes)}", "content": content}})

    async def _entries(self, request: web.Request) -> web.Response:
        since, until = (datetime.fromisoformat(request.query[name]) for name in ("since", "until"))
        offset, limit = int(request.query["offset"]), min(100, int(request.query["limit"]))
        if offset + limit > 10_000:  # noqa: PLR2004 - PagerDuty's number
            return _error(400, 2001, "Invalid Input Provided", "Offset plus limit must be at most 10000")
        found = [(at, id_) for at, id_ in reversed(self.log) if since <= at < until]
        page = [
            {
                "id": f"R{at.timestamp()}",
                "type": "notify_log_entry",
                "created_at": at.isoformat(),
                "incident": {"id": id_, "type": "incident_reference"},
            }
            for at, id_ in found[offset : offset + limit]
        ]
        return web.json_response({"log_entries": page, "more": offset + limit < len(found)})

    async def _service(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != SERVICE:
            return _error(404, 2100, "Not Found")
        return web.json_response({"service": {"id": SERVICE, "summary": "Checkout"}})

    async def _priorities(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"priorities": [{"id": id_, "summary": name} for id_, name in PRIORITIES.items()]}
        )

    def _asked(self, request: web.Request) -> Incident:
        incident = self.incidents.get(request.match_info["id"])
        if incident is None:
            told = '{"error":{"message":"Not Found","code":2100}}'
            raise web.HTTPNotFound(text=told, content_type="application/json")
        return incident


def looked_at(incident: Incident) -> Shown:
    """Show an incident."""
    return Shown(
        title=incident.title,
        text=incident.text,
        is_open=incident.status != "resolved",
        priority=incident.priority or "",
        comments=tuple(incident.notes),
        state=incident.status,
        fields=incident.fields,
    )


def _mistakes(event: dict[str, Any], payload: dict[str, Any]) -> list[str]:
    wrong = sorted((event.keys() - _EVENT) | (payload.keys() - _PAYLOAD))
    if event.get("routing_key") != ROUTING_KEY:
        wrong.append("'routing_key' is invalid")
    if event["event_action"] == "trigger" and (
        payload.get("severity") not in _SEVERITIES or not payload.get("summary") or not payload.get("source")
    ):
        wrong.append("'payload' is invalid")
    return wrong


def _error(status: int, code: int, message: str, *errors: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code, "errors": errors}}, status=status)


def _shown(incident: Incident) -> dict[str, Any]:
    ids = {name: id_ for id_, name in PRIORITIES.items()}
    name = incident.priority
    priority = {"id": ids[name], "type": "priority", "summary": name} if name else None
    assignees = [{"id": "PUSER2", "type": "user_reference", "summary": incident.assignee}]
    merged = {
        "type": "merge_resolve_reason",
        "incident": {"id": incident.merged_into, "type": "incident_reference"},
    }
    return {
        "id": incident.id,
        "type": "incident",
        "html_url": f"https://acme.pagerduty.com/incidents/{incident.id}",
        "incident_key": incident.key,
        "status": incident.status,
        "title": incident.title,
        "urgency": incident.urgency,
        "priority": priority,
        "assignments": [{"at": "", "assignee": one} for one in assignees if incident.assignee],
        "assignees": [one for one in assignees if incident.assignee],
        **({"resolve_reason": merged} if incident.merged_into else {}),
        "updated_at": incident.at.isoformat(),
    }


def _note(incident: Incident) -> dict[str, Any]:
    return {
        "id": f"N{len(incident.notes)}",
        "type": "incident_note",
        "content": incident.notes[-1],
        "incident": {"id": incident.id, "type": "incident_reference", "summary": incident.title},
    }
