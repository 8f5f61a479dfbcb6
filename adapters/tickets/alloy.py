"""Alloy Navigator through version 2 of its API (docs.alloysoftware.com, "API User's Guide").

Nothing is written but by actions of the workflow, which differ by site: their ids, the names of the fields on
their forms and the words in these are settings. An answer is a 200 that says ``success``. There are only GET and
POST, no webhooks, and tokens last some hours. A mandatory field that has a default raises no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec
from pydantic import Field, SecretStr

from adapters.http import Http
from adapters.tickets.alloy_objects import (
    IMPACTS,
    PRIORITIES,
    STATES,
    URGENCIES,
    Answer,
    Token,
    created_id,
    rows_of,
    values_of,
    what_failed,
)
from adapters.tickets.base import Adapter, Address, DestinationOptions, Settings
from adapters.tickets.fields import FieldMap, FieldValue, render_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.polling import OVERLAP, all_rows, polled, since
from adapters.tickets.priorities import priority_of
from adapters.tickets.session import Session
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import one_line, to_html, with_link
from domain.errors import DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Capability, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import to_text

SUMMARY = 250
FORM = "application/x-www-form-urlencoded"
WORKING = frozenset({TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS, TicketState.ON_HOLD})


class Actions(Settings):
    """Ids of actions, from the Settings App: Workflow and Business Logic, the object class, Workflow, Actions."""

    create: int
    update: int = Field(description="Step Action whose form has the fields that change.")
    comment: int | None = Field(default=None, description="Step Action that adds a note for technicians.")
    states: dict[TicketState, int] = Field(
        description="Step Action that leads to each state; resolved is needed, open reopens."
    )


class Labels(Settings):
    """Names of fields, the same on the forms of the actions and in the database; null where there is none."""

    title: str = "Summary"
    description: str | None = "Description"
    priority: str | None = "Priority"
    impact: str | None = "Impact"
    urgency: str | None = "Urgency"
    team: str | None = Field(default=None, description="Like Assignee_Group; set at the create.")
    comment: str = Field(default="Comments", description="On the form of the action for notes.")
    status: str = "Status"
    assignee: str = "Assignee"
    changed: str = Field(default="Modified_Date", description="When the ticket was last changed.")
    oid: str = Field(default="Ticket", description="Identifier, like T000123.")


class AlloyConfig(DestinationOptions):
    """Settings of one object class of an Alloy Navigator."""

    type: Literal["alloy"]
    url: Address = Field(description="Of the API without its version: https://alloy.example.org/api")
    client_id: str = Field(description="Application ID.")
    client_secret: SecretStr
    object_class: str = Field(default="Incidents", pattern=r"^[A-Za-z ]+$")
    key_field: str = Field(min_length=1, description="User-defined field that holds our key.")
    actions: Actions
    labels: Labels = Labels()
    teams: dict[str, str] = Field(
        default={}, description="Value of labels.team for each team; else the team's own name."
    )
    states: dict[TicketState, str] = Field(
        default={}, description="Others than New, In Progress, Pending, Resolved, Closed."
    )
    priorities: dict[Priority, str] = Field(
        default={}, description="Others than Immediate, High, Medium, Low, Low."
    )
    impacts: dict[Level, str] = Field(
        default={}, description="Others than Organization, Multiple People, One Person."
    )
    urgencies: dict[Level, str] = Field(default={}, description="Others than High, Medium, Low.")
    fields: FieldMap
    state_fields: dict[TicketState, dict[str, FieldValue]] = Field(
        default={}, description="Fields on the forms of actions.states, like Resolution for resolved."
    )

    def build(self, http: Http) -> Alloy:
        """Make the ticket system of these settings."""
        return Alloy(self, http)

    def word(self, state: TicketState) -> str:
        """Return the status that stands for *state*."""
        return {**STATES, **self.states}[state]

    def state(self, values: Mapping[str, str]) -> TicketState | None:
        """Return the state that an object shows."""
        return state_of(values.get(self.labels.status, ""), {**STATES, **self.states})


class Alloy(Adapter):
    """The objects of one class."""

    capabilities = frozenset(
        {Capability.FIND, Capability.UPDATE, Capability.READ, Capability.POLL, Capability.PING}
    )

    def __init__(self, config: AlloyConfig, http: Http) -> None:
        secret = config.client_secret.get_secret_value()
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._session = Session(self._login)
        self._client = http.client(
            self._pages, secrets=[secret, quote(secret, safe="")], timeout=config.timeout_seconds
        )
        steps = config.actions.states.keys()
        self.capabilities = (
            Alloy.capabilities
            | ({Capability.COMMENT} if config.actions.comment is not None else set())
            | ({Capability.REOPEN} if TicketState.OPEN in steps else set())
            | ({Capability.TRANSITION} if steps & WORKING else set())
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest object that has *key* in it."""
        rows = (
            await self._rows([_equals(self._config.key_field, key)], sort=self._config.labels.oid)
            if key
            else []
        )
        found = [row for row in rows if row.get(self._config.key_field) == key]
        return self._ref(found[0][self._config.labels.oid]) if found else None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Run the Create Action, and see that our key was kept: a form without the field drops it."""
        body = {"ActionId": str(self._config.actions.create), "Fields": to_new(self._config, ticket)}
        answer = await self._ask("POST", "/v2", body)
        with once_created():
            oid = created_id(answer)
            ref = await self.find(ticket.key)
            if ref is None:
                message = (
                    f"Alloy made {oid or 'an object'} but did not keep {ticket.key} in {self._config.key_field};"
                    f" put that field on the form of action {self._config.actions.create}"
                )
                raise PermanentError(message, Reason.REJECTED)
            if ticket.state is not TicketState.OPEN:
                action = TicketAction.RESOLVE if ticket.state.is_over else TicketAction.TRANSITION
                await self._lead(ref, ticket, action, await self._load(ref))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Run the action that changes fields if any differs, and the one that leads to the state."""
        now = await self._load(ref)
        wanted = to_known(self._config, ticket)
        changes = {name: value for name, value in wanted.items() if now.get(name) != value}
        if changes:
            await self._run(ref, self._config.actions.update, changes)
        await self._lead(ref, ticket, action, now)
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Run the action for notes."""
        action = self._config.actions.comment
        if action is None:
            raise self._lacks(Capability.COMMENT, ref)
        await self._run(ref, action, {self._config.labels.comment: to_html(note.text)})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an object stands."""
        try:
            values = await self._load(ref)
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
        return to_seen(self._config, ref.id, values)

    async def poll(self, cursor: str) -> Polled:
        """List those of our objects that were changed."""
        labels = self._config.labels
        if not cursor:
            newest = await self._page([], labels.changed, 0, 1, direction="DESC")
            start = shown_moment("Alloy", newest[0].get(labels.changed)) if newest else 0
            return polled("", [], start or int(self._clock() * 1000) - OVERLAP)
        since_then = to_text(max(0, since(cursor) - OVERLAP))
        rows = await self._rows([{"name": labels.changed, "value": since_then, "operation": ">="}])
        ours = [row for row in rows if row.get(self._config.key_field)]
        return polled(cursor, [to_seen(self._config, row[labels.oid], row) for row in ours], 0)

    async def ping(self) -> None:
        """Check the login, and that our field is searched."""
        if await self._rows([_equals(self._config.key_field, f"probe{token_hex(8)}")]):
            message = f"Alloy: a search for a random {self._config.key_field} found objects; is it a field?"
            raise PermanentError(message, Reason.BAD_ANSWER)

    async def _lead(
        self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction, now: Mapping[str, str]
    ) -> None:
        """Lead to the state that *action* asks for, if the workflow has a way, and see that it is there."""
        state = wanted_state(action, ticket.state, self._config.state(now))
        steps = self._config.actions.states
        if state is TicketState.CLOSED and state not in steps:
            state = TicketState.RESOLVED
        if state is None or state not in steps:
            return
        await self._run(ref, steps[state], render_fields(self._config.state_fields.get(state, {}), ticket))
        after = await self._load(ref)
        shown = self._config.state(after)
        if shown is None or self._config.word(shown).casefold() != self._config.word(state).casefold():
            message = (
                f"Alloy {ref.id} shows {after.get(self._config.labels.status)!r} after action {steps[state]},"
                f" not {self._config.word(state)!r}; see states and actions.states"
            )
            raise PermanentError(message, Reason.REJECTED)

    async def _run(self, ref: TicketRef, action: int, fields: Mapping[str, Any]) -> None:
        await self._ask("POST", f"{_path(ref)}/action/{action}", fields)

    async def _load(self, ref: TicketRef) -> dict[str, str]:
        return values_of(await self._ask("GET", _path(ref)))

    async def _rows(self, filters: Sequence[Mapping[str, str]], sort: str = "") -> list[dict[str, str]]:
        by = sort or self._config.labels.changed
        return await all_rows(lambda offset, limit: self._page(filters, by, offset, limit))

    async def _page(
        self,
        filters: Sequence[Mapping[str, str]],
        sort: str,
        offset: int,
        limit: int,
        direction: str = "ASC",
    ) -> list[dict[str, str]]:
        labels = self._config.labels
        fields = {
            labels.oid,
            labels.title,
            labels.status,
            labels.assignee,
            labels.changed,
            self._config.key_field,
        }
        body = {
            "fields": sorted(fields | ({labels.priority} if labels.priority else set())),
            "filters": list(filters),
            "sort": [{"property": sort, "direction": direction}],
            "offset": offset,
            "limit": limit,
        }
        with _changes_nothing():
            return rows_of(await self._ask("POST", f"/v2/{quote(self._config.object_class)}", body))

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the ``responseObject``."""

        async def send(token: str) -> Any:
            headers = {"Authorization": f"bearer {token}"}
            raw = msgspec.json.encode(body) if body is not None else None
            reply = await self._client.send(method, path, body=raw, headers=headers)
            answer = reply.read(Answer)
            failed = what_failed(answer)
            if failed is not None:
                raise failed
            return answer.content

        return await self._session.call(send)

    async def _login(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
        }
        try:
            reply = await self._client.send(
                "POST", "/token", body=urlencode(form).encode(), headers={"Content-Type": FORM}
            )
        except PermanentError as error:  # a 400 for a wrong secret, as OAuth has it
            if error.reason is Reason.REJECTED:
                error.reason = Reason.AUTHENTICATION
            raise
        return reply.read(Token).access_token

    def _ref(self, oid: str) -> TicketRef:
        return TicketRef(oid)


def to_new(config: AlloyConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into the fields of the Create Action's form."""
    team = {config.labels.team: config.teams.get(ticket.team, ticket.team)} if config.labels.team else {}
    extra = render_fields(config.fields, ticket)
    return {**to_known(config, ticket), **team, **extra, config.key_field: ticket.key}


def to_known(config: AlloyConfig, ticket: DesiredTicket) -> dict[str, str]:
    """Return what is kept up to date."""
    labels = config.labels
    values = {
        labels.title: one_line(ticket.title, SUMMARY),
        labels.description: to_html(with_link(ticket)),
        labels.priority: {**PRIORITIES, **config.priorities}[ticket.priority],
        labels.impact: {**IMPACTS, **config.impacts}[ticket.impact],
        labels.urgency: {**URGENCIES, **config.urgencies}[ticket.urgency],
    }
    return {name: value for name, value in values.items() if name is not None}


def to_seen(config: AlloyConfig, oid: str, values: Mapping[str, str]) -> TicketSeen:
    """Translate an object."""
    labels = config.labels
    words = {**PRIORITIES, **config.priorities}
    return TicketSeen(
        oid,
        shown_moment(f"Alloy {oid}", values.get(labels.changed)),
        state=config.state(values),
        title=values.get(labels.title),
        priority=priority_of(values.get(labels.priority), words) if labels.priority else None,
        assignee=values.get(labels.assignee, ""),
    )


@contextmanager
def _changes_nothing() -> Iterator[None]:
    """A list is a POST that changes nothing: nothing of it is unknown."""
    try:
        yield
    except DeliveryError as error:
        error.unknown = False
        raise


def _equals(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "operation": "="}


def _path(ref: TicketRef) -> str:
    return f"/v2/object/{quote(ref.id, safe='')}"
