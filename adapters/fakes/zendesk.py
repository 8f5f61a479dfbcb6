"""Zendesk Support's REST API, as far as Tocsin uses it, with its traps.

Written from the vendor's reference. The traps: a closed ticket takes no change; no ticket goes back to new; one that
nobody is assigned to cannot be solved; the same idempotency key with another body is refused; a list by an external
id without one is a list of all; solving a problem solves its incidents; the export shows nothing of the last minute
(here: of ``search_lag``) and is for administrators.
"""

from __future__ import annotations

import hmac
import html
import json
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

EMAIL = "tocsin@example.org"
TOKEN = "0123456789abcdef"  # noqa: S105 - of a fake
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
ME = 7
ALICE = 8
PAGE = 50
FIELDS = {
    "subject",
    "priority",
    "status",
    "type",
    "external_id",
    "problem_id",
    "assignee_id",
    "group_id",
    "tags",
    "recipient",
    "custom_fields",
}
STATUSES = {"new", "open", "pending", "hold", "solved", "closed"}
STATES = {
    TicketState.OPEN: "open",
    TicketState.ACKNOWLEDGED: "open",
    TicketState.IN_PROGRESS: "open",
    TicketState.ON_HOLD: "pending",
    TicketState.RESOLVED: "solved",
    TicketState.CLOSED: "closed",
}


@dataclass(slots=True)
class Ticket:
    """One ticket."""

    id: int
    data: dict[str, Any]
    comments: list[dict[str, Any]]
    updated: float = 0.0
    actor: int = ME
    event: str = "created"
    files: list[str] = field(default_factory=list)


class FakeZendesk(Fake):
    """One account."""

    type = "zendesk"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "urgent",
        Priority.P2: "high",
        Priority.P3: "normal",
        Priority.P4: "low",
        Priority.P5: "low",
    }
    longest = 50_000
    extra_field = "recipient"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.tickets: dict[int, Ticket] = {}
        self.users = {ME: "Tocsin"}
        self.role = "admin"
        self.keys: dict[str, tuple[bytes, int]] = {}
        """What was created by an idempotency key."""
        self.uploads: dict[str, bytes] = {}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        one = "/api/v2/tickets/{id:\\d+}"
        return [
            web.get("/api/v2/users/me.json", self._myself),
            web.get("/api/v2/tickets.json", self._list),
            web.post("/api/v2/tickets.json", self._create),
            web.get(f"{one}.json", self._show),
            web.put(f"{one}.json", self._update),
            web.put(f"{one}/tags.json", self._tag),
            web.post("/api/v2/uploads.json", self._upload),
            web.get("/api/v2/incremental/tickets/cursor.json", self._export),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {"type": "zendesk", "url": url, "email": EMAIL, "token": TOKEN, "callback_secret": SECRET}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "fedcba9876543210"}

    def ids(self) -> list[str]:
        """List all tickets."""
        return [str(id_) for id_ in self.tickets]

    def look(self, id_: str) -> Shown:
        """See a ticket."""
        ticket = self.tickets[int(id_)]
        data = ticket.data
        first, *others = [_plain(comment["html_body"]) for comment in ticket.comments]
        parents = [tag.removeprefix("child_of_") for tag in data["tags"] if tag.startswith("child_of_")]
        problem = [str(data["problem_id"])] if data.get("problem_id") else []
        return Shown(
            data["subject"],
            first,
            data["status"] not in {"solved", "closed"},
            data["priority"],
            comments=tuple(others),
            state=data["status"],
            fields=data,
            links=(*parents, *problem),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        ticket = self.tickets[int(id_)]
        if deed.state is not None:
            ticket.data["status"], ticket.event = STATES[deed.state], "status_changed"
        if deed.priority is not None:
            ticket.data["priority"], ticket.event = self.priorities[deed.priority], "priority_changed"
        if deed.assignee is not None:
            self.users[ALICE] = deed.assignee
            ticket.data["assignee_id"], ticket.event = ALICE, "agent_assignment_changed"
        if deed.comment is not None:
            ticket.comments.append(_comment(deed.comment, ALICE, len(ticket.comments)))
            ticket.event = "comment_added"
        if deed.delete:
            ticket.data["status"], ticket.event = "deleted", "soft_deleted"
        ticket.updated, ticket.actor = time.time(), ALICE

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give the event of the last change, signed."""
        ticket = self.tickets[int(id_)]
        data, said = ticket.data, ticket.comments[-1]
        author = {"id": str(said["author_id"]), "is_staff": True, "name": "alice"}
        comment = {
            "id": str(said["id"]),
            "body": _plain(said["html_body"]),
            "is_public": False,
            "author": author,
        }
        body = {
            "type": f"zen:event-type:ticket.{ticket.event}",
            "account_id": 1,
            "id": f"e-{ticket.updated}",
            "time": _moment(ticket.updated),
            "zendesk_event_version": "2022-11-06",
            "subject": f"zen:ticket:{ticket.id}",
            "detail": {
                "id": str(ticket.id),
                "actor_id": str(ticket.actor),
                "status": data["status"].upper(),
                "priority": data["priority"].upper(),
                "subject": data["subject"],
                "external_id": data["external_id"],
                "updated_at": _moment(ticket.updated),
            },
            "event": {"comment": comment} if ticket.event == "comment_added" else {"meta": {"version": 1}},
        }
        raw, stamp = json.dumps(body).encode(), _moment(ticket.updated)
        signature = hmac.new(SECRET.encode(), stamp.encode() + raw, "sha256").digest()
        headers = {
            "content-type": "application/json",
            "x-zendesk-webhook-signature": b64encode(signature).decode(),
            "x-zendesk-webhook-signature-timestamp": stamp,
        }
        return headers, raw

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login."""
        login = "Basic " + b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") not in {login, f"Bearer {TOKEN}"}:
            return web.json_response({"error": "Couldn't authenticate you"}, status=401)
        return await handler(request)

    async def _myself(self, _: web.Request) -> web.Response:
        return web.json_response({"user": {"id": ME, "name": "Tocsin", "role": self.role}})

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("external_id", "")
        there = [one for one in self.tickets.values() if one.data["status"] != "deleted"]
        found = [one for one in there if not wanted or one.data["external_id"] == wanted]
        return web.json_response({"tickets": [_shown(one) for one in found], "count": len(found)})

    async def _create(self, request: web.Request) -> web.Response:
        body, key = await request.read(), request.headers.get("Idempotency-Key", "")
        if key in self.keys:
            before, made = self.keys[key]
            if before != body:
                return _error(400, "IdempotentRequestError", "different parameters")
            shown = {"ticket": _shown(self.tickets[made])}
            return web.json_response(shown, status=201, headers={"x-idempotency-lookup": "hit"})
        data = json.loads(body)["ticket"]
        source = self.tickets.get(data.pop("via_followup_source_id", 0))
        if source is not None and source.data["status"] != "closed":
            return _error(422, "RecordInvalid", "the source of a follow-up must be closed")
        id_ = len(self.tickets) + 1
        blank: dict[str, Any] = {
            "status": "new",
            "external_id": None,
            "assignee_id": None,
            "group_id": None,
            "tags": [],
        }
        ticket = Ticket(id_, blank, [])
        refused = self._write(ticket, data)
        if refused is not None:
            return refused
        self.tickets[id_] = ticket
        if key:
            self.keys[key] = body, id_
        return web.json_response(
            {"ticket": _shown(ticket)}, status=201, headers={"x-idempotency-lookup": "miss"}
        )

    async def _show(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        return web.json_response({"ticket": _shown(ticket), **self._sideloaded(request)})

    async def _update(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        if ticket.data["status"] == "closed":
            return _error(422, "RecordInvalid", "Status: closed prevents ticket update")
        refused = self._write(ticket, (await request.json())["ticket"])
        return refused or web.json_response({"ticket": _shown(ticket), "audit": {"id": 1}})

    async def _tag(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request)
        ticket.data["tags"] = sorted({*ticket.data["tags"], *(await request.json())["tags"]})
        return web.json_response({"tags": ticket.data["tags"]})

    async def _upload(self, request: web.Request) -> web.Response:
        token = f"up{len(self.uploads)}"
        self.uploads[token] = await request.read()
        return web.json_response({"upload": {"token": token}}, status=201)

    async def _export(self, request: web.Request) -> web.Response:
        if self.role != "admin":
            return _error(403, "Forbidden", "you do not have access to this page")
        after = (float(request.query.get("start_time", "0")), 0)
        if "cursor" in request.query:
            moment, _, id_ = request.query["cursor"].partition("/")
            after = (float(moment), int(id_))
        until = time.time() - self.search_lag
        changed = sorted((one.updated, one.id) for one in self.tickets.values() if one.updated <= until)
        left = [pair for pair in changed if pair > after]
        page = left[:PAGE]
        end = page[-1] if page else after
        body = {
            "tickets": [_shown(self.tickets[id_]) for _, id_ in page],
            "after_cursor": f"{end[0]!r}/{end[1]}",
            "end_of_stream": len(left) <= PAGE,
            **self._sideloaded(request),
        }
        return web.json_response(body)

    def _write(self, ticket: Ticket, data: dict[str, Any]) -> web.Response | None:
        comment = data.pop("comment", None)
        unknown = data.keys() - FIELDS
        status = data.get("status", ticket.data["status"])
        if unknown or status not in STATUSES or (status == "new" != ticket.data["status"]):
            return _error(422, "RecordInvalid", f"Status or {unknown} is not valid")
        if status == "solved" and not {**ticket.data, **data}.get("assignee_id"):
            return _error(422, "RecordInvalid", "Assignee: is required when solving a ticket")
        ticket.data |= data
        if comment is not None:
            said = _comment(comment["html_body"], ME, len(ticket.comments), is_html=True)
            ticket.comments.append(said)
            ticket.files += comment.get("uploads", [])
        if status == "solved" and ticket.data.get("type") == "problem":
            for other in self.tickets.values():
                if other.data.get("problem_id") == ticket.id and other.data["status"] != "closed":
                    other.data["status"], other.updated = "solved", time.time()
        ticket.updated, ticket.actor, ticket.event = time.time(), ME, "status_changed"
        return None

    def _ticket(self, request: web.Request) -> Ticket:
        ticket = self.tickets.get(int(request.match_info["id"]))
        if ticket is None or ticket.data["status"] == "deleted":
            raise web.HTTPNotFound(text='{"error":"RecordNotFound"}', content_type="application/json")
        return ticket

    def _sideloaded(self, request: web.Request) -> dict[str, Any]:
        if request.query.get("include") != "users,groups":
            return {}
        return {"users": [{"id": id_, "name": name} for id_, name in self.users.items()], "groups": []}


def _comment(text: str, author: int, number: int, *, is_html: bool = False) -> dict[str, Any]:
    return {"id": 900 + number, "author_id": author, "html_body": text if is_html else html.escape(text)}


def _shown(ticket: Ticket) -> dict[str, Any]:
    return {"id": ticket.id, "updated_at": _moment(ticket.updated), **ticket.data}


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", "\n")))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "description": description}, status=status)
