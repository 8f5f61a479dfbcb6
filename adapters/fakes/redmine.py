"""Redmine 5, with the webhooks of 7, as far as Tocsin uses it, with its traps.

Written from what a real Redmine 5.0.4 answered, and for the webhooks from its source; the same tests run on the
real one. The traps: a filter that it does not know is ignored; closed issues are left out of lists; a status
that it does not know is a 204 that changes nothing; a read with a wrong key is answered as to anybody.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Deed, Fake, Shown
from domain.priority import Priority
from domain.ticket import TicketState

PROJECT = "ops"
KEY = "0123456789abcdef0123456789abcdef01234567"
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
ME = {"id": 5, "name": "Svc Alerts"}
TRACKERS = {4: "Incident", 5: "Problem"}
STATUSES = {1: "New", 2: "In Progress", 3: "Resolved", 4: "Feedback", 5: "Closed", 6: "Rejected"}
CLOSED = {5, 6}
FIELDS = {1: "ExternalID", 2: "Extra"}
COLUMNS = {"project_id", "tracker_id", "status_id", "priority_id", "subject", "description", "assigned_to_id"}
WORDS = {
    TicketState.OPEN: 1,
    TicketState.ACKNOWLEDGED: 2,
    TicketState.IN_PROGRESS: 2,
    TicketState.ON_HOLD: 4,
    TicketState.RESOLVED: 3,
    TicketState.CLOSED: 5,
}


@dataclass(slots=True)
class Issue:
    """One issue."""

    id: int
    columns: dict[str, Any]
    custom: dict[int, Any]
    updated: float
    assignee: str = ""
    journals: list[dict[str, Any]] = field(default_factory=list)
    links: list[int] = field(default_factory=list)


class FakeRedmine(Fake):
    """One project of a Redmine."""

    type = "redmine"
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "5",
        Priority.P2: "4",
        Priority.P3: "3",
        Priority.P4: "2",
        Priority.P5: "1",
    }
    longest = 60_000
    extra_field = "cf_2"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.issues: dict[int, Issue] = {}
        self.numbered = 0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        return [
            web.get("/users/current.json", self._current),
            web.get(f"/projects/{PROJECT}.json", self._project),
            web.get("/issues.json", self._list),
            web.post("/issues.json", self._create),
            web.get("/issues/{id:\\d+}.json", self._show),
            web.put("/issues/{id:\\d+}.json", self._edit),
            web.get("/issues/{id:\\d+}/relations.json", self._relations),
            web.post("/issues/{id:\\d+}/relations.json", self._relate),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "redmine",
            "url": url,
            "api_key": KEY,
            "project": PROJECT,
            "tracker": 4,
            "problem_tracker": 5,
            "key_field": 1,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key."""
        return self.settings(url) | {"api_key": KEY[::-1]}

    def ids(self) -> list[str]:
        """List all issues."""
        return [str(id_) for id_ in self.issues]

    def look(self, id_: str) -> Shown:
        """See an issue, its markup shown."""
        issue = self.issues[int(id_)]
        columns = issue.columns
        return Shown(
            columns["subject"],
            unescape(columns["description"]),
            columns["status_id"] not in CLOSED | {WORDS[TicketState.RESOLVED]},
            str(columns["priority_id"]),
            comments=tuple(unescape(one["notes"]) for one in issue.journals if one["notes"]),
            state=STATUSES[columns["status_id"]],
            fields={f"cf_{number}": value for number, value in issue.custom.items()},
            links=tuple(map(str, issue.links)),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        issue = self.issues[int(id_)]
        if deed.delete:
            del self.issues[int(id_)]
            return
        if deed.state is not None:
            issue.columns["status_id"] = WORDS[deed.state]
        if deed.priority is not None:
            issue.columns["priority_id"] = int(self.priorities[deed.priority])
        if deed.assignee is not None:
            issue.assignee = deed.assignee
        self._journal(issue, {"id": 9, "name": deed.actor}, deed.comment or "")

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Post as the webhooks of 7 do."""
        issue = self.issues[int(id_)]
        data: dict[str, Any] = {"issue": _shown(issue)}
        if issue.journals:
            data["journal"] = issue.journals[-1]
        told = {"type": "issue.updated", "timestamp": _moment(issue.updated), "data": data}
        body = json.dumps(told).encode()
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return {"content-type": "application/json", "x-redmine-signature-256": f"sha256={signature}"}, body

    def _is_ours(self, request: web.Request) -> bool:
        return request.headers.get("X-Redmine-API-Key") == KEY

    def _must_be_ours(self, request: web.Request) -> None:
        if not self._is_ours(request):
            raise web.HTTPUnauthorized

    async def _current(self, request: web.Request) -> web.Response:
        self._must_be_ours(request)
        return web.json_response({"user": {"id": ME["id"], "login": "svc-alerts"}})

    async def _project(self, request: web.Request) -> web.Response:
        self._must_be_ours(request)
        trackers = [{"id": number, "name": name} for number, name in TRACKERS.items()]
        return web.json_response({"project": {"identifier": PROJECT, "trackers": trackers}})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        seen = self.issues.values() if self._is_ours(request) else ()  # nobody may see a private project
        found = [issue for issue in seen if query.get("status_id") == "*" or _is_open(issue)]
        for number, name in FIELDS.items():
            wanted = query.get(f"cf_{number}")
            if wanted == "=":
                return web.json_response({"errors": [f"{name} cannot be blank"]}, status=422)
            if wanted is not None:
                found = [issue for issue in found if _fits(issue.custom.get(number, ""), wanted)]
        if (since := query.get("updated_on")) is not None:
            found = [issue for issue in found if _moment(issue.updated) >= since.removeprefix(">=")]
        if query.get("sort") == "updated_on:desc":
            found.sort(key=lambda issue: _moment(issue.updated), reverse=True)
        start, limit = int(query.get("offset", "0")), int(query.get("limit", "25"))
        issues = [_shown(issue) for issue in found[start : start + limit]]
        return web.json_response(
            {"issues": issues, "total_count": len(found), "offset": start, "limit": limit}
        )

    async def _create(self, request: web.Request) -> web.Response:
        self._must_be_ours(request)
        data = (await request.json())["issue"]
        if data.get("project_id") != PROJECT:
            raise web.HTTPNotFound
        if not data.get("subject"):
            return web.json_response({"errors": ["Subject cannot be blank"]}, status=422)
        self.numbered += 1
        columns = {"status_id": 1, "priority_id": 2, "description": ""}
        issue = Issue(self.numbered, columns, {}, time.time())
        if failed := self._change(issue, data):
            return failed
        self.issues[issue.id] = issue
        return web.json_response({"issue": _shown(issue)}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        more = {"journals": issue.journals} if "journals" in request.query.get("include", "") else {}
        return web.json_response({"issue": _shown(issue) | more})

    async def _edit(self, request: web.Request) -> web.Response:
        self._must_be_ours(request)
        issue, data = self._issue(request), (await request.json())["issue"]
        if failed := self._change(issue, data):
            return failed
        self._journal(issue, ME, data.get("notes", ""))
        return web.Response(status=204)

    async def _relations(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        known = [{"issue_id": issue.id, "issue_to_id": other} for other in issue.links]
        return web.json_response({"relations": known})

    async def _relate(self, request: web.Request) -> web.Response:
        issue, other = self._issue(request), (await request.json())["relation"]["issue_to_id"]
        if other in issue.links:
            return web.json_response({"errors": ["Related issue has already been taken"]}, status=422)
        issue.links.append(other)
        self.issues[other].links.append(issue.id)
        return web.json_response({"relation": {"issue_id": issue.id, "issue_to_id": other}}, status=201)

    def _issue(self, request: web.Request) -> Issue:
        issue = self.issues.get(int(request.match_info["id"]))
        if issue is None:
            raise web.HTTPNotFound
        return issue

    def _change(self, issue: Issue, data: Mapping[str, Any]) -> web.Response | None:
        """Take in what it knows; the rest is passed over without a word."""
        if len(data.get("subject", "")) > 255:  # noqa: PLR2004
            return web.json_response(
                {"errors": ["Subject is too long (maximum is 255 characters)"]}, status=422
            )
        known = {name: value for name, value in data.items() if name in COLUMNS}
        if known.get("status_id") not in STATUSES:
            known.pop("status_id", None)
        known["subject"] = re.sub(r"\s+", " ", known.get("subject", issue.columns.get("subject", "")))
        issue.columns |= known
        issue.custom |= {
            one["id"]: one["value"] for one in data.get("custom_fields", ()) if one["id"] in FIELDS
        }
        return None

    def _journal(self, issue: Issue, user: Mapping[str, Any], notes: str) -> None:
        issue.updated = time.time()
        issue.journals.append(
            {
                "id": 100 * issue.id + len(issue.journals),
                "user": dict(user),
                "notes": notes,
                "created_on": _moment(issue.updated),
                "details": [],
            }
        )


def _is_open(issue: Issue) -> bool:
    return issue.columns["status_id"] not in CLOSED


def _fits(value: str, wanted: str) -> bool:
    if wanted == "*":
        return bool(value)
    return value in wanted.removeprefix("=").split("|")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(issue: Issue) -> dict[str, Any]:
    columns = issue.columns
    status, priority = columns["status_id"], columns["priority_id"]
    assigned = {"assigned_to": {"id": 9, "name": issue.assignee}} if issue.assignee else {}
    return {
        "id": issue.id,
        "status": {"id": status, "name": STATUSES[status], "is_closed": status in CLOSED},
        "priority": {"id": priority, "name": str(priority)},
        "subject": columns["subject"],
        "description": columns["description"],
        **assigned,
        "custom_fields": [
            {"id": number, "name": name, "value": issue.custom.get(number, "")}
            for number, name in FIELDS.items()
        ],
        "updated_on": _moment(issue.updated),
    }
