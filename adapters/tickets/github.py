"""GitHub issues (REST API 2022-11-28, docs.github.com): an issue for each incident, found by a label and a marker.

Traps: labels and assignees are dropped without a word where the token may not set them; search lags, so the
list by label is read instead; pull requests are in it; limits come as 403 too, the secondary one with nothing
but its message; a deleted issue is a 410, one that was moved elsewhere a redirect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.issues import (
    body_of,
    is_ours,
    key_in,
    note_of,
    priority_in,
    reads_as,
    relabelled,
    title_of,
)
from adapters.tickets.signatures import check_hmac
from adapters.tickets.states import once_created, wanted_state
from domain.errors import CallbackRefused, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import to_millis

TITLE_LENGTH = 256
BODY_LENGTH = 65_000  # of 65,536
PAGE = 100
MOST_PAGES = 10
SECONDARY_PAUSE = 60.0
PRIORITIES = {priority: f"priority:{priority.value}" for priority in Priority}
STATES = {"open": TicketState.OPEN, "closed": TicketState.RESOLVED}

Label = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^,]+$")]


class GitHubConfig(DestinationOptions):
    """Settings of the issues of one repository."""

    type: Literal["github"]
    url: Address = Field(
        default=HttpUrl("https://api.github.com"),
        description="Of a GitHub Enterprise Server: https://HOST/api/v3",
    )
    repository: str = Field(pattern=r"^[\w-]+/[\w.-]*[\w-][\w.-]*$", description="OWNER/NAME")
    token: SecretStr = Field(description="Fine-grained token with Issues: read and write, Metadata: read.")
    label: Label = Field(default="tocsin", description="On every issue of ours; they are looked for by it.")
    priorities: dict[Priority, Label] = Field(
        default={}, description="Labels other than priority:P1 and so on."
    )
    teams: dict[str, list[str]] = Field(
        default={}, description="By team: the users to assign a new issue to."
    )
    callback_secret: SecretStr | None = Field(default=None, description="Of the repository's webhook.")
    fields: FieldMap

    def build(self, http: Http) -> GitHub:
        """Make the ticket system of these settings."""
        return GitHub(self, http)

    @property
    def labels(self) -> dict[Priority, str]:
        """The label of each priority."""
        return {**PRIORITIES, **self.priorities}


class Named(msgspec.Struct):
    """A label or a user."""

    name: str = ""
    login: str = ""


class Issue(msgspec.Struct):
    """An issue as GitHub shows it."""

    number: int
    state: str
    updated_at: datetime
    title: str = ""
    body: str | None = None
    html_url: str = ""
    labels: list[Named] = []
    assignees: list[Named] = []
    pull_request: Any = None

    @property
    def names(self) -> list[str]:
        """Its labels."""
        return [label.name for label in self.labels]

    @property
    def ref(self) -> TicketRef:
        """It as a reference."""
        return TicketRef(str(self.number), self.html_url)


class Permissions(msgspec.Struct):
    """What the token may do."""

    push: bool = False
    triage: bool = False


class Repository(msgspec.Struct):
    """The repository as GitHub shows it to us."""

    has_issues: bool
    archived: bool = False
    permissions: Permissions | None = None


class PostedComment(msgspec.Struct):
    """A comment in a webhook."""

    id: int
    body: str | None
    user: Named
    updated_at: datetime


class Posted(msgspec.Struct):
    """The body of a webhook about an issue."""

    action: str
    issue: Issue
    sender: Named
    comment: PostedComment | None = None


class GitHub(Adapter):
    """The issues of one repository."""

    capabilities = frozenset(
        {
            Capability.FIND,
            Capability.UPDATE,
            Capability.COMMENT,
            Capability.READ,
            Capability.CALLBACK,
            Capability.POLL,
            Capability.REOPEN,
            Capability.PING,
        }
    )

    def __init__(
        self, config: GitHubConfig, http: Http, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        token = config.token.get_secret_value()
        self._config = config
        self.reads_as = reads_as(config.labels)
        self._clock = clock
        self._client = http.client(
            f"{str(config.url).rstrip('/')}/repos/{config.repository}",
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Go through all issues with our label, the newest first: what is looked for was made just now."""
        page = 1
        while True:
            issues = await self._list(self._config.label, page, sort="created", direction="desc")
            found = next((one for one in issues if key and key_in(one.body) == key), None)
            if found is not None or len(issues) < PAGE:
                return found.ref if found else None
            page += 1

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an issue, and make sure that it can be found again."""
        made = (await self._send("POST", "/issues", to_issue(self._config, ticket))).read(Issue)
        if self._config.label not in made.names:
            message = (
                f"GitHub made issue {made.number} but left out the label {self._config.label}: the token may not "
                "set labels (it needs Issues: write in this repository); close the issue by hand, then retry"
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
            after = (await self._send("PATCH", f"/issues/{ref.id}", changes)).read(Issue)
            if after.state != changes.get("state", after.state):
                message = f"GitHub issue {ref.id} stayed {after.state}, not {changes['state']}"
                raise PermanentError(message, Reason.REJECTED)
        return before.ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a comment."""
        await self._send("POST", f"/issues/{ref.id}/comments", {"body": note_of(note.text, BODY_LENGTH)})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an issue stands."""
        try:
            return seen_of(await self._load(ref), self._config)
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, to_millis(self._clock()), is_deleted=True)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook of the events issues and issue_comment."""
        if self._config.callback_secret is None:
            raise CallbackRefused("set callback_secret to the secret of GitHub's webhook", is_forged=True)
        secret = self._config.callback_secret.get_secret_value()
        check_hmac(secret, call.body, call.headers.get("x-hub-signature-256", ""))
        if call.headers.get("x-github-event") not in {"issues", "issue_comment"}:
            return []
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise CallbackRefused(f"not a webhook about an issue, sent as JSON: {error}") from error
        if not key_in(posted.issue.body) and self._config.label not in posted.issue.names:
            return []
        return [told_of(posted, self._config)]

    async def poll(self, cursor: str) -> Polled:
        """List what changed, the oldest first; the second of the cursor is read again."""
        if not cursor:
            return Polled([], self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"))
        seen: list[TicketSeen] = []
        last: datetime | None = None
        for page in range(1, MOST_PAGES + 1):
            issues = await self._list(self._config.label, page, since=cursor, sort="updated", direction="asc")
            seen += [seen_of(one, self._config) for one in issues if one.pull_request is None]
            last = issues[-1].updated_at if issues else last
            if len(issues) < PAGE:
                break
        return Polled(seen, last.strftime("%Y-%m-%dT%H:%M:%SZ") if last else cursor)

    async def ping(self) -> None:
        """Check token, repository and rights, and that the list heeds labels."""
        repository = (await self._send("GET", "")).read(Repository)
        missing = what_is_missing(self._config, repository)
        if missing:
            raise PermanentError(f"GitHub: {'; '.join(missing)}", Reason.REJECTED)
        if await self._list(f"probe{token_hex(8)}", 1):
            raise PermanentError("GitHub: a list by a random label has issues", Reason.BAD_ANSWER)

    async def _list(self, label: str, page: int, **more: str) -> list[Issue]:
        params = {"labels": label, "state": "all", "per_page": str(PAGE), "page": str(page), **more}
        return (await self._send("GET", "/issues", params=params)).read(list[Issue])

    async def _load(self, ref: TicketRef) -> Issue:
        return (await self._send("GET", f"/issues/{ref.id}")).read(Issue)

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, params: dict[str, str] | None = None
    ) -> Reply:
        try:
            return await self._client.send(
                method, path, params=params, body=msgspec.json.encode(body) if body is not None else None
            )
        except PermanentError as error:
            if error.reason is Reason.AUTHENTICATION and "rate limit" in str(error):
                # The secondary limit, which says nothing of when; docs: wait at least one minute.
                raise TemporaryError(str(error), Reason.RATE_LIMITED, retry_after=SECONDARY_PAUSE) from error
            raise


def to_issue(config: GitHubConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what GitHub creates."""
    return {
        "title": title_of(ticket, TITLE_LENGTH),
        "body": body_of(ticket, BODY_LENGTH),
        "labels": relabelled([], ticket, config.labels, [config.label]),
        "assignees": config.teams.get(ticket.team, []),
        **render_fields(config.fields, ticket),
    }


def to_changes(
    config: GitHubConfig, ticket: DesiredTicket, action: TicketAction, now: Issue
) -> dict[str, Any]:
    """Return what of *ticket* GitHub does not show."""
    labels = relabelled(now.names, ticket, config.labels, [config.label])
    wanted = {"title": title_of(ticket, TITLE_LENGTH), "body": body_of(ticket, BODY_LENGTH)}
    shown = {"title": now.title, "body": (now.body or "").replace("\r\n", "\n")}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if shown[name] != value}
    if set(labels) != set(now.names):
        changes["labels"] = labels
    state = wanted_state(action, ticket.state, STATES.get(now.state))
    if state is not None and state.is_over != (now.state == "closed"):
        word, reason = ("closed", "completed") if state.is_over else ("open", "reopened")
        changes |= {"state": word, "state_reason": reason}
    return changes


def seen_of(issue: Issue, config: GitHubConfig) -> TicketSeen:
    """Translate an issue into what was seen."""
    return TicketSeen(
        id=str(issue.number),
        at=to_millis(issue.updated_at),
        state=STATES.get(issue.state),
        title=issue.title,
        priority=priority_in(issue.names, config.labels),
        assignee=", ".join(one.login for one in issue.assignees),
    )


def told_of(posted: Posted, config: GitHubConfig) -> TicketSeen:
    """Translate a webhook into what was seen."""
    seen = msgspec.structs.replace(seen_of(posted.issue, config), actor=posted.sender.login)
    comment = posted.comment
    if comment is not None and posted.action == "created" and not is_ours(comment.body):
        at = to_millis(comment.updated_at)
        told = Comment(str(comment.id), comment.user.login, comment.body or "", at)
        return msgspec.structs.replace(seen, at=max(seen.at, at), comments=(told,))
    return msgspec.structs.replace(seen, is_deleted=posted.action in {"deleted", "transferred"})


def what_is_missing(config: GitHubConfig, repository: Repository) -> list[str]:
    """List what must be set up, in words for whoever owns the repository."""
    missing = []
    if not repository.has_issues:
        missing.append(f"{config.repository} has issues turned off (Settings, Features)")
    if repository.archived:
        missing.append(f"{config.repository} is archived")
    rights = repository.permissions
    if rights is not None and not (rights.push or rights.triage):
        missing.append(f"the token may not write labels in {config.repository} (role Triage or higher)")
    return missing
