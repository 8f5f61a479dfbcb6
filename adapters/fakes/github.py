"""GitHub's issues, as far as Tocsin uses them, with their traps. Written from docs.github.com.

The traps: the secondary limit is a 403 with a message alone; a deleted issue is a 410; a list has at most 100
entries and pull requests among them; line ends come back as they were sent.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Deed, Fake, Handler, Shown
from domain.priority import Priority

TOKEN, REPOSITORY, SECRET = "github_pat_0123456789", "acme/operations", "hook-secret"
US = "tocsin-bot"
LIMIT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_NEW = {"title", "body", "labels", "assignees", "milestone", "type"}
_CHANGES = _NEW | {"state", "state_reason"}
_BODY, _TITLE = 65_536, 256


@dataclass(slots=True)
class Issue:
    """One issue."""

    number: int
    title: str
    body: str
    labels: list[str]
    assignees: list[str]
    at: datetime
    type: str | None = None
    state: str = "open"
    comments: list[tuple[str, str]] = field(default_factory=list)
    actor: str = US
    action: str = "opened"
    is_pull_request: bool = False


class FakeGitHub(Fake):
    """One repository."""

    type = "github"
    priorities: ClassVar[Mapping[Priority, str]] = {one: f"priority:{one.value}" for one in Priority}
    longest: ClassVar[int] = 60_000
    extra_field: ClassVar[str] = "type"
    deeds: ClassVar[frozenset[str]] = frozenset({"state", "priority", "assignee", "comment", "delete"})

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.issues: dict[int, Issue] = {}
        self.deleted: set[int] = set()
        self.may_label = True

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """List what it answers."""
        root = f"/repos/{REPOSITORY}"
        return [
            web.get(root, self._repository),
            web.get(f"{root}/issues", self._list),
            web.post(f"{root}/issues", self._create),
            web.get(f"{root}/issues/{{number:\\d+}}", self._show),
            web.patch(f"{root}/issues/{{number:\\d+}}", self._update),
            web.post(f"{root}/issues/{{number:\\d+}}/comments", self._comment),
        ]

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "github",
            "url": url,
            "repository": REPOSITORY,
            "token": TOKEN,
            "callback_secret": SECRET,
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another token."""
        return self.settings(url) | {"token": "github_pat_another"}

    def limited(self) -> Answer:
        """Ask for fewer requests in the hardest way to know."""
        return Answer(403, json.dumps({"message": LIMIT}))

    def ids(self) -> list[str]:
        """List all issues."""
        return [str(number) for number in self.issues]

    def look(self, id_: str) -> Shown:
        """See an issue on its page."""
        issue = self.issues[int(id_)]
        priority = next((one for one in issue.labels if one.startswith("priority:")), "")
        return Shown(
            title=issue.title,
            text=rendered(issue.body),
            is_open=issue.state == "open",
            priority=priority,
            comments=tuple(rendered(text) for _, text in issue.comments),
            state=issue.state,
            fields={"type": issue.type, "labels": issue.labels, "assignees": issue.assignees},
        )

    def act(self, id_: str, deed: Deed) -> None:
        """Do what a person does."""
        issue = self.issues[int(id_)]
        issue.actor, issue.at = deed.actor, datetime.now(UTC)
        if deed.state is not None:
            issue.state = "closed" if deed.state.is_over else "open"
            issue.action = "closed" if deed.state.is_over else "reopened"
        if deed.priority is not None:
            kept = [one for one in issue.labels if not one.startswith("priority:")]
            issue.labels, issue.action = [*kept, f"priority:{deed.priority.value}"], "labeled"
        if deed.assignee is not None:
            issue.assignees, issue.action = [deed.assignee], "assigned"
        if deed.comment is not None:
            issue.comments.append((deed.actor, deed.comment))
            issue.action = "created"
        if deed.delete:
            del self.issues[issue.number]
            self.deleted.add(issue.number)

    def callback_of(self, id_: str) -> tuple[dict[str, str], bytes]:
        """Give what the webhook would post."""
        issue = self.issues[int(id_)]
        event: dict[str, Any] = {
            "action": issue.action,
            "issue": _shown(issue),
            "sender": {"login": issue.actor},
        }
        name = "issues"
        if issue.action == "created":
            name, (author, text) = "issue_comment", issue.comments[-1]
            number = len(issue.comments)
            event["comment"] = {
                "id": number,
                "body": text,
                "user": {"login": author},
                "updated_at": _time(issue.at),
            }
        body = json.dumps(event).encode()
        return {
            "x-github-event": name,
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}",
        }, body

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _message(401, "Bad credentials")
        return await handler(request)

    async def _repository(self, _: web.Request) -> web.Response:
        rights = {"push": self.may_label, "triage": self.may_label, "pull": True}
        return web.json_response(
            {"full_name": REPOSITORY, "has_issues": True, "archived": False, "permissions": rights}
        )

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [one for one in self.issues.values() if query["labels"] in one.labels]
        if "since" in query:
            found = [one for one in found if _time(one.at) >= query["since"]]
        found.sort(key=lambda one: one.at if query.get("sort") == "updated" else one.number)
        if query.get("direction", "desc") == "desc":
            found.reverse()
        size = min(100, int(query["per_page"]))
        start = (int(query["page"]) - 1) * size
        return web.json_response([_shown(one) for one in found[start : start + size]])

    async def _create(self, request: web.Request) -> web.Response:
        data = await request.json()
        if wrong := _mistake(data, _NEW):
            return _message(422, wrong)
        number = len(self.issues) + len(self.deleted) + 1
        self.issues[number] = Issue(
            number,
            data["title"],
            data["body"],
            list(data["labels"]) if self.may_label else [],
            list(data["assignees"]) if self.may_label else [],
            datetime.now(UTC),
            type=data.get("type"),
        )
        return web.json_response(_shown(self.issues[number]), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._issue(request)))

    async def _update(self, request: web.Request) -> web.Response:
        issue, data = self._issue(request), await request.json()
        if wrong := _mistake(data, _CHANGES):
            return _message(422, wrong)
        issue.title, issue.body = data.get("title", issue.title), data.get("body", issue.body)
        issue.labels = list(data.get("labels", issue.labels))
        issue.state = data.get("state", issue.state)
        issue.at, issue.actor, issue.action = datetime.now(UTC), US, "edited"
        return web.json_response(_shown(issue))

    async def _comment(self, request: web.Request) -> web.Response:
        issue, data = self._issue(request), await request.json()
        issue.comments.append((US, data["body"]))
        issue.at, issue.actor, issue.action = datetime.now(UTC), US, "created"
        return web.json_response({"id": len(issue.comments)}, status=201)

    def _issue(self, request: web.Request) -> Issue:
        number = int(request.match_info["number"])
        told = {"content_type": "application/json", "text": json.dumps({"message": "Gone or not found"})}
        if number in self.deleted:
            raise web.HTTPGone(**told)  # type: ignore[arg-type]
        if number not in self.issues:
            raise web.HTTPNotFound(**told)  # type: ignore[arg-type]
        return self.issues[number]


def rendered(markdown: str) -> str:
    """Show Markdown as text, as far as escapes and comments go."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"<!--.*?-->", "", markdown)).replace("  \n", "\n")


def _mistake(data: dict[str, Any], known: set[str]) -> str:
    if data.keys() - known:
        return f"Unknown: {sorted(data.keys() - known)}"
    if not data.get("title", "x") or len(data.get("title", "")) > _TITLE:
        return "title is too long or missing"
    return "body is too long" if len(data.get("body", "")) > _BODY else ""


def _message(status: int, message: str) -> web.Response:
    return web.json_response(
        {"message": message, "documentation_url": "https://docs.github.com/rest"}, status=status
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(issue: Issue) -> dict[str, Any]:
    shown = {
        "id": 10_000 + issue.number,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": issue.state,
        "html_url": f"https://github.com/{REPOSITORY}/issues/{issue.number}",
        "labels": [{"name": name} for name in issue.labels],
        "assignees": [{"login": name} for name in issue.assignees],
        "updated_at": _time(issue.at),
    }
    return {**shown, "pull_request": {}} if issue.is_pull_request else shown
