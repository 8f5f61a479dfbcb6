"""Jira as Cloud (REST version 3) and as Data Center (version 2), as far as Tocsin uses it, with its traps.

Written from the vendor's reference. The traps: Cloud's search sees a new issue late and gives no total; texts
are documents on Cloud and wiki markup on Data Center, and each refuses the other; a status cannot be written,
and a transition to where the issue is does not exist; an unknown field is a 400; a label may not hold spaces.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority
from domain.ticket import TicketState

PROJECT = "OPS"
ME = "svc-tocsin"
SECRET = "of-the-webhook"  # noqa: S105 - of a fake
TOKEN = "0123456789abcdef"  # noqa: S105 - of a fake
TYPES = ("[System] Incident", "[System] Problem")
STATUSES = {
    "Open": "new",
    "In Progress": "indeterminate",
    "Pending": "indeterminate",
    "Resolved": "done",
    "Closed": "done",
}
WORDS = {
    TicketState.OPEN: "Open",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
FIELDS = {"project", "issuetype", "summary", "description", "priority", "labels", "components", "assignee"}
CUSTOM = {"customfield_10100"}
LABELS = re.compile(r'labels = "(?P<label>[^"\\]*)" ORDER BY created ASC')
CHANGED = re.compile(
    r'project = "(?P<project>\w+)" AND updated >= "-(?P<minutes>\d+)m" ORDER BY updated DESC'
)


@dataclass(slots=True)
class Issue:
    """One issue."""

    key: str
    fields: dict[str, Any]
    created: float
    updated: float
    status: str = "Open"
    comments: list[dict[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    actor: str = ME
    event: str = "jira:issue_created"


class FakeJira(Fake):
    """One project. A subclass says which Jira it is in."""

    type = "jira"
    version: ClassVar[int]
    priorities: ClassVar[Mapping[Priority, str]] = {
        Priority.P1: "Highest",
        Priority.P2: "High",
        Priority.P3: "Medium",
        Priority.P4: "Low",
        Priority.P5: "Lowest",
    }
    longest = 30_000
    extra_field = "customfield_10100"
    deeds = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.issues: dict[str, Issue] = {}
        self.numbered = 0

    @property
    def is_cloud(self) -> bool:
        """Whether it is Cloud."""
        return self.version == 3  # noqa: PLR2004 - Cloud's

    @property
    def login(self) -> str:
        """The header that lets us in."""
        if self.is_cloud:
            return "Basic " + b64encode(f"tocsin@example.org:{TOKEN}".encode()).decode()
        return f"Bearer {TOKEN}"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        root = f"/rest/api/{self.version}"
        search = "/search/jql" if self.is_cloud else "/search"
        return [
            web.get(f"{root}/myself", self._myself),
            web.get(f"{root}/mypermissions", self._permissions),
            web.get(f"{root}/project/{{key}}/statuses", self._types),
            web.get(f"{root}{search}", self._search),
            web.post(f"{root}/issue", self._create),
            web.get(f"{root}/issue/{{key}}", self._show),
            web.put(f"{root}/issue/{{key}}", self._edit),
            web.get(f"{root}/issue/{{key}}/transitions", self._ways),
            web.post(f"{root}/issue/{{key}}/transitions", self._move),
            web.post(f"{root}/issue/{{key}}/comment", self._comment),
            web.post(f"{root}/issueLink", self._link),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        settings: dict[str, Any] = {"type": "jira", "url": url, "token": TOKEN, "project": PROJECT}
        settings |= {"callback_secret": SECRET, "search_lag": 2 * self.search_lag}
        if self.is_cloud:
            return settings | {"user": "tocsin@example.org"}
        return settings | {"deployment": "data_center"}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "fedcba9876543210"}

    def limited(self) -> Answer:
        """Tell as Cloud does when a burst was too much."""
        headers = {"Retry-After": "7", "RateLimit-Reason": "jira-burst-based"}
        return Answer(429, '{"errorMessages":["Rate limit exceeded."]}', headers)

    def ids(self) -> list[str]:
        """List all issues."""
        return list(self.issues)

    def look(self, id_: str) -> Shown:
        """See an issue, its markup shown."""
        issue = self.issues[id_]
        return Shown(
            issue.fields["summary"],
            rendered(issue.fields.get("description")),
            STATUSES[issue.status] != "done",
            issue.fields["priority"]["name"],
            comments=tuple(rendered(one["body"]) for one in issue.comments),
            state=issue.status,
            fields=issue.fields,
            links=tuple(issue.links),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        issue = self.issues[id_]
        if deed.delete:
            del self.issues[id_]
            return
        if deed.state is not None:
            issue.status = WORDS[deed.state]
        if deed.priority is not None:
            issue.fields["priority"] = {"name": self.priorities[deed.priority]}
        if deed.assignee is not None:
            issue.fields["assignee"] = self._user(deed.assignee)
        if deed.comment is not None:
            self._add(issue, deed.actor, self._written(deed.comment))
        self._touch(issue, deed.actor, "jira:issue_updated" if deed.comment is None else "comment_created")

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Post as a webhook with a secret does; the body of a comment is text on both."""
        issue = self.issues[id_]
        told: dict[str, Any] = {
            "timestamp": int(issue.updated * 1000),
            "webhookEvent": issue.event,
            "user": self._user(issue.actor),
            "issue": self._shown(issue, set()),
        }
        if issue.event == "comment_created":
            last = issue.comments[-1]
            told["comment"] = last | {"body": rendered(last["body"])}
        body = json.dumps(told).encode()
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return {"content-type": "application/json", "x-hub-signature": f"sha256={signature}"}, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the login."""
        if request.headers.get("Authorization") != self.login:
            return web.json_response({"errorMessages": ["You are not authenticated."]}, status=401)
        return await handler(request)

    async def _myself(self, _: web.Request) -> web.Response:
        return web.json_response(self._user(ME))

    async def _permissions(self, request: web.Request) -> web.Response:
        if request.query["projectKey"] != PROJECT:
            raise _error(404, f"No project could be found with key '{request.query['projectKey']}'.")
        asked = request.query["permissions"].split(",")
        return web.json_response(
            {"permissions": {name: {"key": name, "havePermission": True} for name in asked}}
        )

    async def _types(self, _: web.Request) -> web.Response:
        statuses = [{"name": name} for name in STATUSES]
        return web.json_response([{"name": name, "statuses": statuses} for name in TYPES])

    async def _search(self, request: web.Request) -> web.Response:
        query, size = request.query, int(request.query["maxResults"])
        found = self._found(query["jql"])
        start = int(query.get("nextPageToken" if self.is_cloud else "startAt", "0") or 0)
        issues = [self._shown(one, set(query["fields"].split(","))) for one in found[start : start + size]]
        if not self.is_cloud:
            return web.json_response({"startAt": start, "total": len(found), "issues": issues})
        is_last = start + size >= len(found)
        more = {} if is_last else {"nextPageToken": str(start + size)}
        return web.json_response({"issues": issues, "isLast": is_last, **more})

    def _found(self, jql: str) -> list[Issue]:
        seen = [one for one in self.issues.values() if one.created + self.search_lag <= time.time()]
        if labelled := LABELS.fullmatch(jql):
            return [one for one in seen if labelled["label"] in one.fields["labels"]]
        if (changed := CHANGED.fullmatch(jql)) and changed["project"] == PROJECT:
            since = time.time() - 60 * int(changed["minutes"])
            return sorted((one for one in seen if one.updated >= since), key=lambda one: -one.updated)
        raise _error(400, f"Error in the JQL Query: {jql}")

    async def _create(self, request: web.Request) -> web.Response:
        fields = (await request.json())["fields"]
        self._check(fields, {"project", "issuetype", "summary"})
        if fields["project"] != {"key": PROJECT} or fields["issuetype"]["name"] not in TYPES:
            raise _error(400, "valid project is required")
        self.numbered += 1
        issue = Issue(f"{PROJECT}-{self.numbered}", fields, time.time(), time.time())
        issue.fields = {"labels": [], "priority": {"name": "Medium"}, **fields}
        self.issues[issue.key] = issue
        return web.json_response({"id": str(10_000 + self.numbered), "key": issue.key}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(
            self._shown(self._issue(request), set(request.query.get("fields", "").split(",")))
        )

    async def _edit(self, request: web.Request) -> web.Response:
        issue, fields = self._issue(request), (await request.json())["fields"]
        self._check(fields, set())
        issue.fields |= fields
        self._touch(issue, ME, "jira:issue_updated")
        return web.Response(status=204)

    async def _ways(self, request: web.Request) -> web.Response:
        ways = [
            {"id": str(11 + number), "name": f"To {name}", "to": _status(name), "fields": _screen(name)}
            for number, name in enumerate(STATUSES)
            if name != self._issue(request).status
        ]
        return web.json_response({"transitions": ways})

    async def _move(self, request: web.Request) -> web.Response:
        issue, body = self._issue(request), await request.json()
        name = dict(enumerate(STATUSES)).get(int(body["transition"]["id"]) - 11, "")
        if not name or name == issue.status:
            raise _error(400, "It seems that you have tried to perform an invalid workflow operation.")
        if _screen(name) and body.get("fields", {}).get("resolution") != {"name": "Done"}:
            raise _error(400, "resolution: is required")
        issue.status = name
        self._touch(issue, ME, "jira:issue_updated")
        return web.Response(status=204)

    async def _comment(self, request: web.Request) -> web.Response:
        issue, body = self._issue(request), await request.json()
        self._check_text(body["body"])
        self._add(issue, ME, body["body"])
        self._touch(issue, ME, "comment_created")
        return web.json_response(issue.comments[-1], status=201)

    async def _link(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["type"]["name"] not in {"Relates", "Problem/Incident"}:
            raise _error(404, f"No issue link type with name '{body['type']['name']}' found.")
        one, other = (self.issues[body[side]["key"]] for side in ("inwardIssue", "outwardIssue"))
        if other.key not in one.links:
            one.links.append(other.key)
            other.links.append(one.key)
        return web.Response(status=201)

    def _issue(self, request: web.Request) -> Issue:
        issue = self.issues.get(request.match_info["key"])
        if issue is None:
            raise _error(404, "Issue does not exist or you do not have permission to see it.")
        return issue

    def _check(self, fields: dict[str, Any], required: set[str]) -> None:
        unknown = sorted(fields.keys() - FIELDS - CUSTOM)
        if unknown:
            raise _error(400, f"Field '{unknown[0]}' cannot be set. It is not on the appropriate screen.")
        if missing := sorted(required - fields.keys()):
            raise _error(400, f"{missing[0]} is required")
        if "\n" in fields.get("summary", "") or len(fields.get("summary", "")) > 255:  # noqa: PLR2004
            raise _error(400, "The summary is invalid because it contains newline characters or is too long.")
        if any(" " in label for label in fields.get("labels", [])):
            raise _error(400, "The label contains spaces which is invalid.")
        if fields.get("priority", {"name": "Low"})["name"] not in self.priorities.values():
            raise _error(400, "The priority selected is invalid.")
        self._check_text(fields.get("description", self._written("x")))

    def _check_text(self, text: object) -> None:
        if isinstance(text, dict) is not self.is_cloud:
            raise _error(400, "Operation value must be an Atlassian Document (see the documentation).")
        if len(rendered(text)) > 32_767:  # noqa: PLR2004
            raise _error(
                400, "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
            )

    def _written(self, text: str) -> object:
        if not self.is_cloud:
            return text
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    def _add(self, issue: Issue, author: str, body: object) -> None:
        now = _moment(time.time())
        id_ = str(100 + len(issue.comments))
        issue.comments.append({"id": id_, "author": self._user(author), "body": body, "created": now})

    def _touch(self, issue: Issue, actor: str, event: str) -> None:
        issue.updated, issue.actor, issue.event = time.time(), actor, event

    def _user(self, name: str) -> dict[str, Any]:
        id_ = {"accountId": f"5f-{name}"} if self.is_cloud else {"name": name, "key": name}
        return {**id_, "displayName": name, "active": True}

    def _shown(self, issue: Issue, asked: set[str]) -> dict[str, Any]:
        fields = {
            "assignee": None,
            **issue.fields,
            "status": _status(issue.status),
            "created": _moment(issue.created),
            "updated": _moment(issue.updated),
            "comment": {"comments": issue.comments, "total": len(issue.comments)},
        }
        kept = {name: value for name, value in fields.items() if name in asked or not asked}
        return {"id": str(10_000 + int(issue.key.partition("-")[2])), "key": issue.key, "fields": kept}


class FakeJiraCloud(FakeJira):
    """A Jira Cloud, with a search that lags."""

    version = 3

    def __init__(self, *, search_lag: float = 0.02) -> None:
        super().__init__(search_lag=search_lag)


class FakeJiraDataCenter(FakeJira):
    """A Jira Data Center."""

    version = 2


def rendered(body: object) -> str:
    """Show a text as a person sees it. Not exact for markup that means something: Tocsin writes none but a link."""
    if isinstance(body, str):
        shown = re.sub(r"\\([{}\[\]*_+^~?!|#@-])", r"\1", body)
        return shown.replace("&#92;", "\\").replace("&amp;", "&")
    if not isinstance(body, dict):
        return ""
    if body["type"] == "text":
        return str(body["text"])
    if body["type"] == "hardBreak":
        return "\n"
    inner = "".join(rendered(one) for one in body["content"])
    return inner + "\n" if body["type"] == "paragraph" else inner


def _error(status: int, message: str) -> web.HTTPException:
    text = json.dumps({"errorMessages": [message], "errors": {}})
    kinds = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}
    return kinds[status](text=text, content_type="application/json")


def _status(name: str) -> dict[str, Any]:
    return {"name": name, "statusCategory": {"key": STATUSES[name]}}


def _screen(name: str) -> dict[str, Any]:
    return {"resolution": {"required": True}} if STATUSES[name] == "done" else {}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
