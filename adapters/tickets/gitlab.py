"""GitLab issues and incidents (REST API v4, docs.gitlab.com): one for each incident, found by its text.

Traps: labels that the token may not set are left out without a word; without ``scope=all`` a list has only
one's own issues; ids are those of the whole server, ``iid`` those of the project; a confidential issue that we
may not see is a 404 like one that was deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.gitlab_hooks import STATES, Posted, User, told_of
from adapters.tickets.issues import (
    body_of,
    key_in,
    note_of,
    priority_in,
    reads_as,
    relabelled,
    title_of,
)
from adapters.tickets.signatures import check_secret
from adapters.tickets.states import once_created, wanted_state
from domain.errors import CallbackRefused, DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen
from domain.times import to_millis

TITLE_LENGTH = 255
BODY_LENGTH = 1_000_000  # of 1,048,576
PAGE = 100
MOST_PAGES = 10
OVERLAP = timedelta(seconds=1)
REPORTER = 20
PRIORITIES = {priority: f"priority::{priority.value}" for priority in Priority}

Label = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^,]+$")]


class GitLabConfig(DestinationOptions):
    """Settings of the issues of one project."""

    type: Literal["gitlab"]
    url: Address = Field(default=HttpUrl("https://gitlab.com"), description="Of the server.")
    project: str = Field(min_length=1, description="Id of the project, or its path: GROUP/NAME")
    token: SecretStr = Field(
        description="Project access token with scope api and the role Reporter or higher."
    )
    issue_type: Literal["incident", "issue"] = "incident"
    label: Label = Field(default="tocsin", description="On every issue of ours; lists are made by it.")
    priorities: dict[Priority, Label] = Field(
        default={}, description="Labels other than priority::P1 and so on."
    )
    teams: dict[str, list[int]] = Field(
        default={},
        description="By team: ids of the users to assign a new issue to; only one without a licence.",
    )
    confidential: bool = Field(default=False, description="Only members of the project see new issues.")
    callback_secret: SecretStr | None = Field(
        default=None, description="Secret token of the project's webhook."
    )
    fields: FieldMap

    def build(self, http: Http) -> GitLab:
        """Make the ticket system of these settings."""
        return GitLab(self, http)

    @property
    def labels(self) -> dict[Priority, str]:
        """The label of each priority."""
        return {**PRIORITIES, **self.priorities}


class Issue(msgspec.Struct):
    """An issue as GitLab shows it."""

    iid: int
    state: str
    updated_at: datetime
    title: str = ""
    description: str | None = None
    web_url: str = ""
    labels: list[str] = []
    assignees: list[User] = []

    @property
    def ref(self) -> TicketRef:
        """It as a reference."""
        return TicketRef(str(self.iid), self.web_url)


class Access(msgspec.Struct):
    """A role."""

    access_level: int = 0


class Permissions(msgspec.Struct):
    """What the token may do."""

    project_access: Access | None = None
    group_access: Access | None = None


class Project(msgspec.Struct):
    """The project as GitLab shows it to us."""

    id: int
    archived: bool = False
    issues_access_level: str = "enabled"
    permissions: Permissions | None = None


class GitLab(Adapter):
    """The issues of one project."""

    capabilities = frozenset(
        {
            Capability.FIND,
            Capability.UPDATE,
            Capability.COMMENT,
            Capability.LINK,
            Capability.READ,
            Capability.CALLBACK,
            Capability.POLL,
            Capability.REOPEN,
            Capability.PING,
        }
    )

    def __init__(
        self, config: GitLabConfig, http: Http, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self.reads_as = reads_as(config.labels)
        self._clock = clock
        self._client = http.client(
            f"{str(config.url).rstrip('/')}/api/v4/projects/{quote(config.project, safe='')}",
            headers={"PRIVATE-TOKEN": token},
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Search the texts for our key; PostgreSQL does, so without a lag."""
        if not re.fullmatch(r"[0-9A-Za-z]{3,}", key):
            return None
        issues = await self._list(1, **{"search": key, "in": "description", "order_by": "created_at"})
        return next((one.ref for one in issues if key_in(one.description) == key), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an issue, and make sure that it can be found again."""
        made = (await self._send("POST", "/issues", to_issue(self._config, ticket))).read(Issue)
        if self._config.label not in made.labels:
            message = (
                f"GitLab made issue {made.iid} but left out the label {self._config.label}: the token needs the role "
                "Reporter or higher; close the issue by hand, then retry"
            )
            raise PermanentError(message, Reason.REJECTED)
        if ticket.state.is_over:
            with once_created():
                await self.update(made.ref, ticket, TicketAction.RESOLVE)
        return made.ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs."""
        before = await self._load(ref)
        changes = to_changes(self._config, ticket, action, before)
        if changes:
            after = (await self._send("PUT", f"/issues/{ref.id}", changes)).read(Issue)
            if "state_event" in changes and after.state == before.state:
                message = f"GitLab issue {ref.id} stayed {after.state} in spite of {changes['state_event']}"
                raise PermanentError(message, Reason.REJECTED)
        return before.ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add an internal note: only members of the project see it."""
        body = {"body": note_of(note.text, BODY_LENGTH), "internal": True}
        await self._send("POST", f"/issues/{ref.id}/notes", body)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:  # noqa: ARG002 - all relate alike
        """Relate two issues; the kinds of relation need a licence."""
        body = {"target_project_id": self._config.project, "target_issue_iid": int(other.id)}
        try:
            await self._send("POST", f"/issues/{ref.id}/links", body)
        except DeliveryError as error:
            if error.reason is not Reason.CONFLICT:  # 409 is the answer for a link that is there
                raise

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an issue stands."""
        try:
            return seen_of(await self._load(ref), self._config)
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, to_millis(self._clock()), is_deleted=True)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook of issue and comment events."""
        if self._config.callback_secret is None:
            raise CallbackRefused(
                "set callback_secret to the secret token of GitLab's webhook", is_forged=True
            )
        check_secret(self._config.callback_secret.get_secret_value(), call.headers, "x-gitlab-token")
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
            seen = told_of(posted, self._config.label, self._config.labels)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise CallbackRefused(f"not a webhook of an issue or a comment: {error}") from error
        return [seen] if seen else []

    async def poll(self, cursor: str) -> Polled:
        """List what changed, the oldest first."""
        if not cursor:
            return Polled([], self._clock().isoformat())
        since = (datetime.fromisoformat(cursor) - OVERLAP).isoformat()
        seen: list[TicketSeen] = []
        last = cursor
        for page in range(1, MOST_PAGES + 1):
            issues = await self._list(page, updated_after=since, order_by="updated_at", sort="asc")
            seen += [seen_of(one, self._config) for one in issues]
            last = issues[-1].updated_at.isoformat() if issues else last
            if len(issues) < PAGE:
                break
        return Polled(seen, last)

    async def ping(self) -> None:
        """Check token, project and role, and that a search for a random key finds nothing."""
        project = (await self._send("GET", "")).read(Project)
        missing = what_is_missing(self._config, project)
        if missing:
            raise PermanentError(f"GitLab: {'; '.join(missing)}", Reason.REJECTED)
        if await self._list(1, **{"search": f"probe{token_hex(8)}", "in": "description"}):
            raise PermanentError("GitLab: a search for a random key found issues", Reason.BAD_ANSWER)

    async def _list(self, page: int, **more: str) -> list[Issue]:
        params = {
            "labels": self._config.label,
            "scope": "all",
            "state": "all",
            "per_page": str(PAGE),
            "page": str(page),
        }
        return (await self._client.send("GET", "/issues", params=params | more)).read(list[Issue])

    async def _load(self, ref: TicketRef) -> Issue:
        return (await self._send("GET", f"/issues/{ref.id}")).read(Issue)

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        return await self._client.send(
            method, path, body=msgspec.json.encode(body) if body is not None else None
        )


def to_issue(config: GitLabConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what GitLab creates."""
    return {
        "title": title_of(ticket, TITLE_LENGTH),
        "description": body_of(ticket, BODY_LENGTH),
        "issue_type": config.issue_type,
        "labels": ",".join(relabelled([], ticket, config.labels, [config.label])),
        "assignee_ids": config.teams.get(ticket.team, []),
        "confidential": config.confidential,
        **render_fields(config.fields, ticket),
    }


def to_changes(
    config: GitLabConfig, ticket: DesiredTicket, action: TicketAction, now: Issue
) -> dict[str, Any]:
    """Return what of *ticket* GitLab does not show."""
    labels = relabelled(now.labels, ticket, config.labels, [config.label])
    wanted = {"title": title_of(ticket, TITLE_LENGTH), "description": body_of(ticket, BODY_LENGTH)}
    shown = {"title": now.title, "description": now.description or ""}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if shown[name] != value}
    if set(labels) != set(now.labels):
        changes["labels"] = ",".join(labels)
    state = wanted_state(action, ticket.state, STATES.get(now.state))
    if state is not None and state.is_over != (now.state == "closed"):
        changes["state_event"] = "close" if state.is_over else "reopen"
    return changes


def seen_of(issue: Issue, config: GitLabConfig) -> TicketSeen:
    """Translate an issue into what was seen."""
    return TicketSeen(
        id=str(issue.iid),
        at=to_millis(issue.updated_at),
        state=STATES.get(issue.state),
        title=issue.title,
        priority=priority_in(issue.labels, config.labels),
        assignee=", ".join(one.username for one in issue.assignees),
    )


def what_is_missing(config: GitLabConfig, project: Project) -> list[str]:
    """List what must be set up, in words for whoever owns the project."""
    missing = []
    if project.issues_access_level == "disabled":
        missing.append(f"{config.project} has issues turned off (Settings, General, Visibility)")
    if project.archived:
        missing.append(f"{config.project} is archived")
    rights = project.permissions
    roles = (
        [role.access_level for role in (rights.project_access, rights.group_access) if role] if rights else []
    )
    if rights is not None and max(roles, default=0) < REPORTER:
        missing.append(f"the token's role in {config.project} is not Reporter or higher")
    return missing
