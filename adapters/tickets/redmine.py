"""Redmine through its REST API (www.redmine.org, "Redmine API"; tried on 5.0): one issue per incident.

Our key is in a custom field, by whose number issues are filtered. Traps: an unknown filter is ignored, so every
issue would match; closed issues are left out unless asked for; a read with a wrong key is answered as to
anybody; a status that the workflow does not allow is a 204 that changes nothing. So hits count only if our key
is in them, and a status is read back. Webhooks are there from version 7 on; older ones are polled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap
from adapters.tickets.redmine_issues import (
    Issue,
    Me,
    One,
    Page,
    Posted,
    Relations,
    Shown,
    millis,
    status_id,
    to_changes,
    to_new,
    to_seen,
    to_text,
    what_is_missing,
)
from adapters.tickets.signatures import check_hmac
from adapters.tickets.states import once_created
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

PAGE = 100
PAGES = 50
OVERLAP = timedelta(seconds=5)

Number = Annotated[int, Field(ge=1)]


class RedmineConfig(DestinationOptions):
    """Settings of one project of a Redmine. Numbers are ids, as the addresses of its settings show them."""

    type: Literal["redmine"]
    url: Address = Field(description="Where Redmine's pages are, e.g. https://redmine.example.org")
    api_key: SecretStr = Field(description="Of a user that may view, add and edit issues and add notes.")
    project: str = Field(description="Identifier of the project.", min_length=1)
    tracker: Number = Field(description="Tracker of incidents.")
    problem_tracker: Number | None = Field(
        default=None, description="Tracker of problems; the same if left out."
    )
    key_field: Number = Field(description="Text custom field, used as a filter, that holds our key.")
    impact_field: Number | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    urgency_field: Number | None = Field(
        default=None, description="Custom field with values high, medium, low."
    )
    priorities: dict[Priority, Number] = Field(default={}, description="Others than 5, 4, 3, 2, 1.")
    states: dict[TicketState, Number] = Field(
        default={},
        description="Statuses; others than 1 New, 2 In Progress, 4 Feedback, 3 Resolved, 5 Closed.",
    )
    teams: dict[str, Number] = Field(
        default={}, description="User or group that a team's issues are assigned to."
    )
    private_notes: bool = Field(default=True, description="Whether our notes are hidden from reporters.")
    callback_secret: SecretStr | None = Field(
        default=None, description="Secret of the webhook, of Redmine 7."
    )
    fields: FieldMap

    def build(self, http: Http) -> Redmine:
        """Make the ticket system of these settings."""
        return Redmine(self, http)


class Redmine(Adapter):
    """The issues of one project."""

    capabilities = frozenset(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT}

    def __init__(self, config: RedmineConfig, http: Http) -> None:
        key = config.api_key.get_secret_value()
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._me = 0
        self._client = http.client(
            self._pages, headers={"X-Redmine-API-Key": key}, secrets=[key], timeout=config.timeout_seconds
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest issue that has *key* in it."""
        if not key:
            return None  # a filter without a value is a 422
        page = await self._list({f"cf_{self._config.key_field}": f"={key}"}, sort="id", limit=PAGE)
        hits = [issue for issue in page.issues if issue.value(self._config.key_field) == key]
        return self._ref(hits[0]) if hits else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an issue, and make sure that it can be found again."""
        made = (await self._send("POST", "/issues.json", to_new(self._config, ticket))).read(One).issue
        if made.value(self._config.key_field) != ticket.key:
            message = (
                f"Redmine made issue {made.id} without our key; let custom field {self._config.key_field} be "
                f"for the tracker and the project, and let our role write it"
            )
            raise PermanentError(message, Reason.REJECTED)
        ref = self._ref(made)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._write(ref, made, {"status_id": status_id(self._config, ticket.state)})
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs, and read the status back."""
        before = await self._load(ref)
        await self._write(ref, before, to_changes(self._config, ticket, action, before))
        return self._ref(before)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a note."""
        notes = {"notes": to_text(note.text), "private_notes": self._config.private_notes}
        await self._send("PUT", _path(ref), notes)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:  # noqa: ARG002 - one kind
        """Relate two issues. To be a subtask would change the other's priority and dates."""
        path = f"/issues/{quote(ref.id, safe='')}/relations.json"
        known = (await self._client.send("GET", path)).read(Relations).relations
        if any(other.id in {str(one.issue_id), str(one.issue_to_id)} for one in known):
            return
        body = {"relation": {"issue_to_id": int(other.id), "relation_type": "relates"}}
        await self._client.send("POST", path, body=msgspec.json.encode(body))

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an issue stands."""
        try:
            return to_seen(self._config, await self._load(ref))
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook of Redmine 7."""
        if self._config.callback_secret is None:
            raise CallbackRefused("set callback_secret to the secret of the webhook in Redmine")
        given = call.headers.get("x-redmine-signature-256", "")
        check_hmac(self._config.callback_secret.get_secret_value(), call.body, given)
        try:
            posted = msgspec.json.decode(call.body, type=Posted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CallbackRefused(f"not what a webhook of Redmine posts: {error}") from error
        journal = posted.data.journal
        own = await self._own_id() if journal is not None and journal.notes else 0
        return [
            msgspec.structs.replace(
                to_seen(self._config, posted.data.issue, [journal] if journal is not None else [], own),
                at=millis(posted.timestamp),
                actor=journal.user.name if journal is not None else "",
                is_deleted=posted.type == "issue.deleted",
            )
        ]

    async def poll(self, cursor: str) -> Polled:
        """List what changed, by Redmine's own clock. Notes are in no list: each issue is read for them."""
        if not cursor:
            newest = (await self._list({}, sort="updated_on:desc", limit=1)).issues
            begun = newest[0].updated_on if newest else datetime(1970, 1, 1, tzinfo=UTC)
            return Polled([], begun.isoformat())
        since = datetime.fromisoformat(cursor) - OVERLAP
        changed = await self._changed(since)
        if not changed:
            return Polled([], cursor)
        own, seen = await self._own_id(), []
        for issue in changed:
            whole = await self._load(self._ref(issue), include="journals")
            recent = [one for one in whole.journals if one.created_on >= since]
            seen.append(to_seen(self._config, whole, recent, own))
        return Polled(seen, changed[-1].updated_on.isoformat())

    async def ping(self) -> None:
        """Check the key, the project, its trackers, and that a search for nothing finds nothing."""
        self._me = 0
        await self._own_id()
        path = f"/projects/{quote(self._config.project, safe='')}.json"
        asked = {"include": "trackers"}
        project = (await self._client.send("GET", path, params=asked)).read(Shown).project
        missing = what_is_missing(self._config, project)
        if missing:
            raise PermanentError(f"Redmine: {'; '.join(missing)}", Reason.REJECTED)
        field = self._config.key_field
        if (await self._list({f"cf_{field}": f"=probe{token_hex(8)}"}, sort="id", limit=1)).issues:
            message = (
                f"Redmine: custom field {field} does not filter: a search for a random key found issues; "
            )
            raise PermanentError(
                f"{message}is there one, for the project, used as a filter?", Reason.BAD_ANSWER
            )

    async def _own_id(self) -> int:
        """Who we are, asked once."""
        if not self._me:
            self._me = (await self._client.send("GET", "/users/current.json")).read(Me).user.id
        return self._me

    async def _changed(self, since: datetime) -> list[Issue]:
        """List our issues changed since then, oldest first.

        Pages are read from the newest on: what changes meanwhile moves others further down, so none is missed.
        """
        asked = {
            "updated_on": f">={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            f"cf_{self._config.key_field}": "*",
        }
        found: dict[int, Issue] = {}
        for number in range(PAGES):
            page = await self._list(asked, sort="updated_on:desc", limit=PAGE, offset=number * PAGE)
            found |= {one.id: one for one in page.issues if one.value(self._config.key_field)}
            if (number + 1) * PAGE >= page.total_count:
                break
        return sorted(found.values(), key=lambda one: one.updated_on)

    async def _list(self, asked: Mapping[str, str], *, sort: str, limit: int, offset: int = 0) -> Page:
        everything = {"status_id": "*", "sort": sort, "limit": str(limit), "offset": str(offset)}
        params = {"project_id": self._config.project, **everything, **asked}
        return (await self._client.send("GET", "/issues.json", params=params)).read(Page)

    async def _load(self, ref: TicketRef, include: str = "") -> Issue:
        return (await self._client.send("GET", _path(ref), params={"include": include})).read(One).issue

    async def _write(self, ref: TicketRef, before: Issue, changes: Mapping[str, Any]) -> None:
        if not changes:
            return
        await self._send("PUT", _path(ref), changes)
        wanted = changes.get("status_id")
        if wanted is not None and (await self._load(ref)).status.id != wanted:
            message = f"Redmine issue {before.id} kept its status {before.status.name!r}: the workflow does not let "
            raise PermanentError(f"{message}our role set status {wanted}", Reason.REJECTED)

    async def _send(self, method: str, path: str, issue: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode({"issue": issue}))

    def _ref(self, issue: Issue) -> TicketRef:
        return TicketRef(str(issue.id), f"{self._pages}/issues/{issue.id}")


def _path(ref: TicketRef) -> str:
    return f"/issues/{quote(ref.id, safe='')}.json"
