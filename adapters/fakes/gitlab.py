"""GitLab's issues, as far as Tocsin uses them, with their traps. Written from docs.gitlab.com.

The traps: a list has only what one made oneself unless it is asked for all; labels are left out for a role
that may not set them; a link that is there is a 409.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from adapters.fakes.github import rendered
from domain.priority import Priority

TOKEN, PROJECT, SECRET = "glpat-0123456789abcdef", "acme/operations", "hook-token"
US = "project_1_bot"
_NEW = {
    "title",
    "description",
    "issue_type",
    "labels",
    "assignee_ids",
    "confidential",
    "milestone_id",
    "due_date",
    "weight",
}
_CHANGES = {"title", "description", "labels", "state_event", "assignee_ids"}


@dataclass(slots=True)
class Issue:
    """One issue."""

    iid: int
    title: str
    description: str
    labels: list[str]
    fields: dict[str, Any]
    at: datetime
    state: str = "opened"
    notes: list[tuple[str, str, bool]] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    actor: str = US
    kind: str = "issue"


class FakeGitLab(Fake):
    """One project."""

    type = "gitlab"
    priorities: ClassVar[Mapping[Priority, str]] = {one: f"priority::{one.value}" for one in Priority}
    extra_field: ClassVar[str] = "milestone_id"
    deeds: ClassVar[frozenset[str]] = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.issues: dict[int, Issue] = {}
        self.made = 0
        self.role = 20

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        root = "/api/v4/projects/{project}"
        one = f"{root}/issues/{{iid:\\d+}}"
        return [
            web.get(root, self._project),
            web.get(f"{root}/issues", self._list),
            web.post(f"{root}/issues", self._create),
            web.get(one, self._show),
            web.put(one, self._update),
            web.post(f"{one}/notes", self._note),
            web.post(f"{one}/links", self._link),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {"type": "gitlab", "url": url, "project": PROJECT, "token": TOKEN, "callback_secret": SECRET}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "glpat-another"}

    def limited(self) -> Answer:
        """Ask for fewer requests."""
        return Answer(429, "Retry later", {"RateLimit-Remaining": "0", "Retry-After": "7"})

    def ids(self) -> list[str]:
        """List all issues."""
        return [str(iid) for iid in self.issues]

    def look(self, id_: str) -> Shown:
        """See an issue on its page."""
        issue = self.issues[int(id_)]
        return Shown(
            title=issue.title,
            text=rendered(issue.description),
            is_open=issue.state == "opened",
            priority=next((one for one in issue.labels if one.startswith("priority::")), ""),
            comments=tuple(rendered(text) for _, text, _ in issue.notes),
            state=issue.state,
            fields=issue.fields,
            links=tuple(map(str, issue.links)),
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        issue = self.issues[int(id_)]
        issue.actor, issue.at, issue.kind = deed.actor, datetime.now(UTC), "issue"
        if deed.state is not None:
            issue.state = "closed" if deed.state.is_over else "opened"
        if deed.priority is not None:
            kept = [one for one in issue.labels if not one.startswith("priority::")]
            issue.labels = [*kept, f"priority::{deed.priority.value}"]
        if deed.assignee is not None:
            issue.assignees = [deed.assignee]
        if deed.comment is not None:
            issue.notes.append((deed.actor, deed.comment, False))
            issue.kind = "note"
        if deed.delete:
            del self.issues[issue.iid]

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the webhook would post."""
        issue = self.issues[int(id_)]
        when = issue.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        shown: dict[str, Any] = {
            "id": 1000 + issue.iid,
            "iid": issue.iid,
            "title": issue.title,
            "description": issue.description,
            "state": issue.state,
            "updated_at": when,
            "labels": [{"id": 1, "title": name} for name in issue.labels],
        }
        event: dict[str, Any] = {"object_kind": issue.kind, "user": {"name": "A", "username": issue.actor}}
        if issue.kind == "note":
            note = {
                "id": len(issue.notes),
                "note": issue.notes[-1][1],
                "noteable_type": "Issue",
                "updated_at": when,
            }
            event |= {"object_attributes": note, "issue": shown}
        else:
            people = [{"name": name, "username": name} for name in issue.assignees]
            event |= {"object_attributes": shown, "assignees": people}
        hook = "Note Hook" if issue.kind == "note" else "Issue Hook"
        return {"x-gitlab-event": hook, "x-gitlab-token": SECRET}, json.dumps(event).encode()

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, and that it is for this project."""
        if request.headers.get("PRIVATE-TOKEN") != TOKEN:
            return _message(401, "401 Unauthorized")
        if request.match_info.get("project") not in {PROJECT, None}:
            return _message(404, "404 Project Not Found")
        return await handler(request)

    async def _project(self, _: web.Request) -> web.Response:
        rights = {"project_access": {"access_level": self.role}, "group_access": None}
        shown = {"id": 1, "archived": False, "issues_access_level": "enabled", "permissions": rights}
        return web.json_response(shown)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("scope") != "all":
            return web.json_response([])
        found = [one for one in self.issues.values() if query["labels"] in one.labels]
        if "search" in query:
            found = [one for one in found if query["search"].lower() in one.description.lower()]
        if "updated_after" in query:
            since = datetime.fromisoformat(query["updated_after"])
            found = [one for one in found if one.at > since]
        if query.get("order_by") == "updated_at":
            found.sort(key=lambda one: one.at)
        if query.get("sort", "desc") == "desc":
            found.reverse()
        size = min(100, int(query["per_page"]))
        start = (int(query["page"]) - 1) * size
        return web.json_response([_shown(one) for one in found[start : start + size]])

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        if wrong := _mistake(data, _NEW):
            return _message(400, wrong)
        self.made += 1
        labels = data["labels"].split(",") if self.role > 10 else []  # noqa: PLR2004 - a guest's role
        issue = Issue(self.made, data["title"], data["description"], labels, data, datetime.now(UTC))
        self.issues[self.made] = issue
        return web.json_response(_shown(issue), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._issue(request)))

    async def _update(self, request: web.Request) -> web.Response:
        issue, data = self._issue(request), await request.json()
        if wrong := _mistake(data, _CHANGES):
            return _message(400, wrong)
        issue.title = data.get("title", issue.title)
        issue.description = data.get("description", issue.description)
        if "labels" in data:
            issue.labels = data["labels"].split(",")
        issue.state = {"close": "closed", "reopen": "opened"}.get(data.get("state_event", ""), issue.state)
        issue.at, issue.actor, issue.kind = datetime.now(UTC), US, "issue"
        return web.json_response(_shown(issue))

    async def _note(self, request: web.Request) -> web.Response:
        issue, data = self._issue(request), await request.json()
        issue.notes.append((US, data["body"], data["internal"]))
        issue.at, issue.actor, issue.kind = datetime.now(UTC), US, "note"
        return web.json_response({"id": len(issue.notes), "body": data["body"]}, status=201)

    async def _link(self, request: web.Request) -> web.Response:
        issue, data = self._issue(request), await request.json()
        other = int(data["target_issue_iid"])
        if data["target_project_id"] != PROJECT or other not in self.issues:
            return _message(404, "404 Not found")
        if other in issue.links:
            return _message(409, "Issue(s) already assigned")
        issue.links.append(other)
        return web.json_response({"link_type": "relates_to"}, status=201)

    def _issue(self, request: web.Request) -> Issue:
        issue = self.issues.get(int(request.match_info["iid"]))
        if issue is None:
            raise web.HTTPNotFound(text='{"message":"404 Not found"}', content_type="application/json")
        return issue


def _mistake(data: dict[str, Any], known: set[str]) -> str:
    if data.keys() - known:
        return f"unknown: {sorted(data.keys() - known)}"
    if not data.get("title", "x") or len(data.get("title", "")) > 255:  # noqa: PLR2004 - GitLab's number
        return "title is too long or missing"
    return ""


def _message(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _shown(issue: Issue) -> dict[str, Any]:
    return {
        "id": 1000 + issue.iid,
        "iid": issue.iid,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "web_url": f"https://gitlab.com/{PROJECT}/-/issues/{issue.iid}",
        "labels": issue.labels,
        "assignees": [{"username": name} for name in issue.assignees],
        "updated_at": issue.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
