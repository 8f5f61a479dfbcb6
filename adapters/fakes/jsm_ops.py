"""Jira Service Management's integration events, and Opsgenie's Alert API of which they are a part.

Written from the vendor's pages. The traps: all writes are accepted at once and done a little later, a request is
not found until then; an alias joins the open alert only; a closed alert takes no more changes, and cannot be opened;
the search finds by parts of words; the key of an integration reads and changes nothing in Jira.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority

KEY = "eb243592-faa2-4ba2-a551-1afdf565c889"
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
PROCESSING = 0.02
"""Seconds until an accepted write is done."""
_LIMITS = {"message": 130, "alias": 512, "description": 15_000, "entity": 512, "source": 100, "user": 100}
_NEW = {*_LIMITS, "priority", "responders", "visibleTo", "actions", "tags", "details", "note"}
_PRIORITIES = {priority.value for priority in Priority}


@dataclass(slots=True)
class Alert:
    """One alert."""

    id: str
    fields: dict[str, Any]
    status: str = "open"
    acknowledged: bool = False
    owner: str = ""
    notes: list[str] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: str = "Create"
    actor: str = ""


Done = tuple[bool, str, str]
"""Whether it was a success, what is said of it, and the id of the alert."""


class FakeJsmOps(Fake):
    """Jira Service Management: alerts are created, acknowledged, noted and closed."""

    type: ClassVar[str] = "jsm_ops"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    longest: ClassVar[int] = 15_000
    extra_field: ClassVar[str] = "entity"
    deeds: ClassVar[frozenset[str]] = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.alerts: dict[str, Alert] = {}
        self.requests: dict[str, tuple[str, Done]] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        one = "/v2/alerts/{id}"
        return [
            web.get("/v2/alerts/requests/{id}", self._request),
            web.post("/v2/alerts", self._create),
            *(
                web.post(f"{one}/{verb}", self._verb(verb))
                for verb in ("acknowledge", "unacknowledge", "close", "notes")
            ),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        lag = self.search_lag + 4 * PROCESSING
        return {
            "type": "jsm_ops",
            "url": url,
            "api_key": KEY,
            "search_lag": lag,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key."""
        return self.settings(url) | {"api_key": str(uuid4())}

    def limited(self) -> Answer:
        """Ask for fewer requests."""
        told = {"message": "You are making too many requests!", "took": 0.0, "requestId": str(uuid4())}
        return Answer(429, json.dumps(told), {"X-RateLimit-State": "THROTTLED"})

    def ids(self) -> list[str]:
        """List all alerts."""
        return list(self.alerts)

    def look(self, id_: str) -> Shown:
        """See an alert."""
        alert = self.alerts[id_]
        return Shown(
            title=alert.fields["message"],
            text=alert.fields.get("description", ""),
            is_open=alert.status == "open",
            priority=alert.fields["priority"],
            comments=tuple(alert.notes),
            state="acked" if alert.status == "open" and alert.acknowledged else alert.status,
            fields=alert.fields,
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does in the web app."""
        alert = self.alerts[id_]
        if deed.state is not None and deed.state.is_over:
            self._happened(alert, "Close", deed.actor, status="closed")
        elif deed.state is not None:
            acknowledged = deed.state.value != "open"
            action = "Acknowledge" if acknowledged else "UnAcknowledge"
            self._happened(alert, action, deed.actor, acknowledged=acknowledged)
        if deed.priority is not None:
            alert.fields["priority"] = deed.priority.value
            self._happened(alert, "UpdatePriority", deed.actor)
        if deed.assignee is not None:
            self._happened(alert, "AssignOwnership", deed.actor, owner=deed.assignee)
        if deed.comment is not None:
            alert.notes.append(deed.comment)
            self._happened(alert, "AddNote", deed.actor)
        if deed.delete:
            del self.alerts[id_]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the outgoing webhook would post."""
        alert = self.alerts[id_]
        told: dict[str, Any] = {
            "alertId": alert.id,
            **{name: alert.fields.get(name) for name in ("message", "alias", "entity", "source", "tags")},
            "priority": alert.fields["priority"],
            "username": alert.actor,
            "createdAt": int(alert.at.timestamp() * 1000),
            "updatedAt": int(alert.at.timestamp() * 1_000_000) * 1000,
        }
        told |= {"note": alert.notes[-1]} if alert.last == "AddNote" else {}
        told |= {"owner": alert.owner} if alert.last == "AssignOwnership" else {}
        body = {"action": alert.last, "alert": told, "source": {"name": "", "type": "web"}}
        return {"content-type": "application/json", "x-tocsin-secret": SECRET}, json.dumps(body).encode()

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the key of the integration."""
        if request.headers.get("Authorization") != f"GenieKey {KEY}":
            return _error(401, "Could not authenticate")
        return await handler(request)

    def _happened(self, alert: Alert, action: str, actor: str, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(alert, name, value)
        alert.at, alert.last, alert.actor = datetime.now(UTC), action, actor

    def _open(self, alias: str) -> Alert | None:
        return next(
            (one for one in self.alerts.values() if one.status == "open" and one.fields["alias"] == alias),
            None,
        )

    def _accept(self, action: str, do: Callable[[], Done]) -> web.Response:
        """Answer at once, and do it a little later."""
        id_ = str(uuid4())

        def done() -> None:
            self.requests[id_] = (action, do())

        asyncio.get_running_loop().call_later(PROCESSING, done)
        told = {"result": "Request will be processed", "took": 0.1, "requestId": id_}
        return web.json_response(told, status=202)

    async def _request(self, request: web.Request) -> web.Response:
        known = self.requests.get(request.match_info["id"])
        if known is None:
            return _error(404, "Request not found. It might not be processed, yet.")
        action, (is_success, status, alert_id) = known
        data = {
            "success": is_success,
            "action": action,
            "processedAt": datetime.now(UTC).isoformat(),
            "isSuccess": is_success,
            "status": status,
            "alertId": alert_id,
            "alias": "",
        }
        return web.json_response({"data": data, "took": 0.1, "requestId": str(uuid4())})

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        wrong = sorted(data.keys() - _NEW)
        wrong += [name for name, most in _LIMITS.items() if len(data.get(name, "")) > most]
        if wrong or not data.get("message") or data.get("priority", "P3") not in _PRIORITIES:
            return _error(422, f"Request body is not processable: {', '.join(wrong) or 'message, priority'}")

        def create() -> Done:
            alert = self._open(data["alias"]) if "alias" in data else None
            if alert is not None:
                return True, "Alert count is incremented", alert.id
            id_ = f"{uuid4()}-1700000000000"
            self.alerts[id_] = Alert(id_, {"alias": id_, "priority": "P3", **data})
            return True, "Created alert", id_

        return self._accept("Create", create)

    def _verb(self, verb: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            data, id_ = await request.json(), request.match_info["id"]
            if data.keys() - {"user", "source", "note"} or (verb == "notes" and not data.get("note")):
                return _error(422, "Request body is not processable")
            return self._accept(verb, lambda: self._do(verb, id_, data))

        return handle

    def _do(self, verb: str, id_: str, data: dict[str, Any]) -> Done:
        alert, actor = self.alerts.get(id_), data.get("user", "")
        if alert is None:
            return False, "Alert does not exist", ""
        if verb == "notes":
            alert.notes.append(data["note"])
            self._happened(alert, "AddNote", actor)
        elif alert.status == "closed":
            return False, "Alert is already closed", alert.id
        elif verb == "close":
            self._happened(alert, "Close", actor, status="closed")
        else:
            action = "Acknowledge" if verb == "acknowledge" else "UnAcknowledge"
            self._happened(alert, action, actor, acknowledged=verb == "acknowledge")
        return True, "Done", alert.id


class FakeOpsgenie(FakeJsmOps):
    """Opsgenie: alerts can be read, searched and changed, too."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        one = "/v2/alerts/{id}"
        changes = (
            web.put(f"{one}/{name}", self._changed(name)) for name in ("message", "description", "priority")
        )
        return [
            *super().routes(),
            web.get("/v2/alerts", self._list),
            web.get(one, self._show),
            *changes,
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return super().settings(url) | {"product": "opsgenie"}

    async def _show(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        by_alias = request.query.get("identifierType") == "alias"
        alert = self._open(id_) if by_alias else self.alerts.get(id_)
        if alert is None:
            return _error(404, "Alert does not exist")
        shown = {**_shown(alert), "description": alert.fields.get("description", "")}
        return web.json_response({"data": shown, "took": 0.1, "requestId": str(uuid4())})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "20"))
        if limit > 100 or offset + limit > 20_000:  # noqa: PLR2004 - Opsgenie's numbers
            return _error(422, "limit is out of range")
        name, _, value = query.get("query", "").partition(":")
        part = {"tag": "tags", "alias": "alias"}.get(name.strip())
        if part is None:
            return _error(422, f"Query is not valid: {name}")
        word = value.strip().strip('"').lower()
        found = [one for one in self.alerts.values() if word in str(one.fields.get(part, "")).lower()]
        found = sorted(found, key=lambda one: one.at, reverse=query.get("order", "desc") == "desc")
        page = [_shown(one) for one in found[offset : offset + limit]]
        return web.json_response({"data": page, "paging": {}, "took": 0.1, "requestId": str(uuid4())})

    def _changed(self, name: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            data, id_ = await request.json(), request.match_info["id"]
            if data.keys() != {name} or len(data[name]) > _LIMITS.get(name, 2):
                return _error(422, "Request body is not processable")

            def change() -> Done:
                alert = self.alerts.get(id_)
                if alert is None or alert.status == "closed":
                    return False, "Alert is closed" if alert else "Alert does not exist", ""
                alert.fields[name] = data[name]
                self._happened(alert, f"Update{name.capitalize()}", "Alert API")
                return True, "Done", alert.id

            return self._accept(f"Update{name.capitalize()}", change)

        return handle


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "alias": alert.fields["alias"],
        "message": alert.fields["message"],
        "status": alert.status,
        "acknowledged": alert.acknowledged,
        "priority": alert.fields["priority"],
        "owner": alert.owner,
        "tags": alert.fields.get("tags", []),
        "updatedAt": alert.at.isoformat().replace("+00:00", "Z"),
    }


def _error(status: int, message: str) -> web.Response:
    told = {"message": message, "took": 0.0, "requestId": str(uuid4())}
    return web.json_response(told, status=status)
