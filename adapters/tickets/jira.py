"""Jira through its REST API: version 3 of Cloud, version 2 of Data Center (developer.atlassian.com).

Our key is a label, the one thing that both search exactly. Traps: Cloud's search sees a new issue only after
a while; a status cannot be written, only reached by a transition, whose ids differ by workflow; a search without
valid credentials may answer as for an anonymous user; JQL reads dates in the user's time zone, so polls ask
for an age instead.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec.structs import replace
from pydantic import Field, SecretStr, StringConstraints, model_validator

from adapters.http import Http, Reply
from adapters.tickets.atlassian import to_adf, to_wiki
from adapters.tickets.base import Adapter, Address, DestinationOptions, Duration
from adapters.tickets.fields import FieldMap
from adapters.tickets.jira_issues import (
    LINK_TYPES,
    SHOWN,
    STATES,
    Created,
    Issue,
    IssueType,
    Page,
    Posted,
    Raw,
    Rights,
    Transitions,
    User,
    choose,
    extra_fields,
    is_alike,
    state_in,
    to_changes,
    to_comment,
    to_new,
    to_seen,
    to_transition,
    what_is_missing,
)
from adapters.tickets.signatures import check_hmac
from adapters.tickets.states import once_created, wanted_state
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import Millis

PAGE = 100
PAGES = 50
OVERLAP_MINUTES = 2
RIGHTS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS")

CustomField = Annotated[str, StringConstraints(pattern=r"^customfield_\d+$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]*$")]


class JiraConfig(DestinationOptions):
    """Settings of one project of a Jira."""

    type: Literal["jira"]
    deployment: Literal["cloud", "data_center"] = "cloud"
    url: Address = Field(description="Where Jira's pages are, e.g. https://acme.atlassian.net")
    user: str | None = Field(
        default=None,
        description="Account whose token it is: its e-mail address on Cloud. Without it the token is sent as a "
        "bearer: a personal access token of Data Center.",
    )
    token: SecretStr = Field(description="API token of Cloud, personal access token of Data Center.")
    project: str = Field(description="Key of the project.", min_length=1)
    issue_type: str = "[System] Incident"
    problem_type: str = "[System] Problem"
    label_prefix: Label = Field(default="tocsin-", description="What stands before our key in the label.")
    priorities: dict[Priority, str] = Field(default={}, description="Others than Highest … Lowest.")
    impact_field: CustomField | None = Field(default=None, description="Select list that shows the impact.")
    urgency_field: CustomField | None = Field(default=None, description="Select list that shows the urgency.")
    impacts: dict[Level, str] = Field(default={}, description="Others than those of Jira Service Management.")
    urgencies: dict[Level, str] = Field(default={}, description="Others than High, Medium, Low.")
    states: dict[TicketState, str] = Field(
        default={},
        description="Statuses of the workflow; others than Open, In Progress, Pending, Resolved, Closed.",
    )
    resolution: str = Field(default="Done", description="Set by transitions that ask for a resolution.")
    teams: dict[str, str] = Field(
        default={}, description="Component of each team's tickets; a team that is not listed gets none."
    )
    link_types: dict[LinkKind, str] = Field(
        default={}, description="Others than Relates and Problem/Incident."
    )
    search_lag: Duration | None = Field(
        default=None,
        description="How long the search may not see a new issue; 60s on Cloud, 5s on Data Center by default.",
    )
    callback_secret: SecretStr | None = Field(default=None, description="Secret of the webhook in Jira.")
    fields: FieldMap

    @model_validator(mode="after")
    def _cloud_has_a_user(self) -> JiraConfig:
        if self.deployment == "cloud" and self.user is None:
            raise ValueError("user: Jira Cloud needs the e-mail address of the account whose token it is")
        return self

    def build(self, http: Http) -> Jira:
        """Make the ticket system of these settings."""
        return Jira(self, http)

    def word(self, state: TicketState) -> str:
        """Return the status that stands for *state*."""
        return {**STATES, **self.states}[state]


class Jira(Adapter):
    """The issues of one project."""

    capabilities = frozenset(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT}

    def __init__(self, config: JiraConfig, http: Http) -> None:
        token = config.token.get_secret_value()
        login = f"Bearer {token}"
        if config.user is not None:
            login = aiohttp.encode_basic_auth(config.user, token)
        self._config = config
        self._is_cloud = config.deployment == "cloud"
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._me = ""
        default = 60_000 if self._is_cloud else 5_000
        self.search_lag = (default if config.search_lag is None else config.search_lag) / 1000
        self._client = http.client(
            f"{self._pages}/rest/api/{3 if self._is_cloud else 2}",
            headers={"Authorization": login},
            secrets=[token, login.split()[1]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest issue with our label."""
        label = self._config.label_prefix + key
        if not key or not re.fullmatch(r"[A-Za-z0-9_.-]+", key):
            return None  # no label of ours: it would be a mistake in JQL
        page = await self._search(f'labels = "{label}" ORDER BY created ASC', SHOWN, {})
        return next((self._ref(issue.key) for issue in page.issues if label in issue.fields.labels), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an issue, and move it to its state."""
        made = (await self._send("POST", "/issue", {"fields": to_new(self._config, ticket)})).read(Created)
        ref = self._ref(made.key)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._move((await self._load(ref))[0], ticket.state)
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the fields that differ, then the state."""
        issue, shown = await self._load(ref)
        changes = to_changes(self._config, ticket, shown)
        if changes:
            await self._send("PUT", _path(ref), {"fields": changes})
        wanted = wanted_state(action, ticket.state, state_in(self._config, issue.fields.status))
        if wanted is not None:
            await self._move(issue, wanted)
        return self._ref(issue.key)  # an issue that was moved to another project has a new key

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write an internal comment; where there are no customers the property says nothing."""
        internal = {"key": "sd.public.comment", "value": {"internal": True}}
        body = {"body": self._text(note.text), "properties": [internal]}
        await self._send("POST", f"{_path(ref)}/comment", body)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Link two issues; Jira takes a second link of the same kind for the first."""
        name = {**LINK_TYPES, **self._config.link_types}[kind]
        body = {"type": {"name": name}, "inwardIssue": {"key": other.id}, "outwardIssue": {"key": ref.id}}
        await self._send("POST", "/issueLink", body)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an issue stands."""
        try:
            issue, _ = await self._load(ref)
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise
        return replace(self._seen(issue), id=ref.id)  # also where it was moved and has a new key

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook with a secret: jira:issue_updated, comment_created and the like."""
        if self._config.callback_secret is None:
            raise CallbackRefused("set callback_secret to the secret of the webhook in Jira")
        check_hmac(
            self._config.callback_secret.get_secret_value(),
            call.body,
            call.headers.get("x-hub-signature", ""),
        )
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
            seen = to_seen(self._config, posted.issue, at=posted.timestamp)
            said = () if posted.comment is None else (to_comment(posted.comment),)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
            raise CallbackRefused(f"not what a webhook of Jira posts: {error}") from error
        if posted.comment is not None and posted.comment.author.id == await self._own_id():
            said = ()
        return [
            replace(
                seen,
                actor=posted.user.display_name or posted.user.id,
                comments=said,
                is_deleted=posted.event == "jira:issue_deleted",
            )
        ]

    async def poll(self, cursor: str) -> Polled:
        """List what changed, by its age in minutes, which is the same in every time zone."""
        now = int(self._clock() * 1000)
        if not cursor:
            return Polled([], str(now))
        minutes = max(0, now - int(cursor)) // 60_000 + OVERLAP_MINUTES + int(self.search_lag // 60)
        jql = (
            f'project = "{_quoted(self._config.project)}" AND updated >= "-{minutes}m" ORDER BY updated DESC'
        )
        since, own = now - minutes * 60_000, await self._own_id()
        # From the newest on: what changes meanwhile moves others further down, so that none is missed.
        issues = list({issue.key: issue async for issue in self._pages_of(jql)}.values())[::-1]
        return Polled([self._seen(issue, since=since, own=own) for issue in issues], str(now))

    async def ping(self) -> None:
        """Check credentials, permissions, types and statuses, and that a search for nothing finds nothing."""
        await self._own_id()
        project = self._config.project
        asked = {"projectKey": project, "permissions": ",".join(RIGHTS)}
        rights = (await self._client.send("GET", "/mypermissions", params=asked)).read(Rights)
        types = await self._client.send("GET", f"/project/{quote(project, safe='')}/statuses")
        missing = what_is_missing(self._config, rights.permissions, types.read(list[IssueType]))
        if missing:
            raise PermanentError(f"Jira: {'; '.join(missing)}", Reason.REJECTED)
        if await self.find(f"probe{token_hex(8)}") is not None:
            raise PermanentError("Jira: a search for a random label found issues", Reason.BAD_ANSWER)

    def _seen(self, issue: Issue, *, since: Millis | None = None, own: str = "") -> TicketSeen:
        try:
            return to_seen(self._config, issue, since=since, own=own)
        except (ValueError, OverflowError) as error:
            message = f"Jira {issue.key} tells no moment: {error}"
            raise PermanentError(message, Reason.BAD_ANSWER) from error

    async def _own_id(self) -> str:
        """Who we are, asked once."""
        if not self._me:
            self._me = (await self._client.send("GET", "/myself")).read(User).id
        return self._me

    async def _pages_of(self, jql: str) -> AsyncIterator[Issue]:
        after: dict[str, str] = {}
        for number in range(1, PAGES + 1):
            page = await self._search(jql, SHOWN, after)
            for issue in page.issues:
                yield issue
            after = {"startAt": str(number * PAGE)}
            if self._is_cloud:
                after = {"nextPageToken": page.next_page_token or ""}
            is_last = not page.next_page_token if self._is_cloud else number * PAGE >= page.total
            if is_last or not page.issues:
                return

    async def _search(self, jql: str, fields: str, after: Mapping[str, str]) -> Page:
        path = "/search/jql" if self._is_cloud else "/search"
        params = {"jql": jql, "fields": fields, "maxResults": str(PAGE), **after}
        return (await self._client.send("GET", path, params=params)).read(Page)

    async def _load(self, ref: TicketRef) -> tuple[Issue, dict[str, Any]]:
        fields = ",".join([SHOWN, *extra_fields(self._config)])
        reply = await self._client.send("GET", _path(ref), params={"fields": fields})
        return reply.read(Issue), reply.read(Raw).fields

    async def _move(self, issue: Issue, state: TicketState) -> None:
        """Take the transition that leads to *state*, and make sure that it led there."""
        now, word = issue.fields.status, self._config.word(state)
        if now.name.casefold() == word.casefold():
            return
        ref = TicketRef(issue.key)
        path = f"{_path(ref)}/transitions"
        ways = (await self._client.send("GET", path, params={"expand": "transitions.fields"})).read(
            Transitions
        )
        way = choose(ways.transitions, word, state)
        if way is None:
            if is_alike(now, state):
                return  # a workflow without that status, and in one as good
            names = ", ".join(one.to.name for one in ways.transitions) or "none"
            message = f"Jira {issue.key}: no transition from {now.name!r} leads to {word!r}, only to: {names}"
            raise PermanentError(message, Reason.REJECTED)
        await self._send("POST", path, to_transition(self._config, way))
        after = (await self._load(ref))[0].fields.status
        if after.name == now.name:
            raise PermanentError(f"Jira {issue.key} stayed in {now.name!r}", Reason.REJECTED)

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode(body))

    def _text(self, text: str) -> object:
        return to_adf(text) if self._is_cloud else to_wiki(text)

    def _ref(self, key: str) -> TicketRef:
        return TicketRef(key, f"{self._pages}/browse/{key}")


def _path(ref: TicketRef) -> str:
    return f"/issue/{quote(ref.id, safe='')}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
