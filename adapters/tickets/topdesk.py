"""TOPdesk through its REST API (developers.topdesk.com, "Incident").

Our key is in ``externalNumber``. Traps: a list of none is a 204 without a body, one with more to come a 206; a title
has 80 characters; a request and an action are added to, never rewritten, and are HTML; names of statuses, impacts,
urgencies and priorities are each site's own, so the check at start compares them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import aiohttp
import msgspec
from pydantic import Field, SecretStr

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, StateFields, render_fields, state_fields
from adapters.tickets.moments import shown_moment
from adapters.tickets.polling import OVERLAP, all_rows, polled, since
from adapters.tickets.priorities import priority_of
from adapters.tickets.states import once_created, state_of, wanted_state
from adapters.tickets.text import one_line, to_html_within, with_link
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Level, Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import to_text

TITLE_LENGTH = 80
HTML_BYTES = 200_000
NO_CONTENT = 204
KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
ROOT = "/tas/api/incidents"
PRIORITIES = {priority: priority.value for priority in Priority}
IMPACTS = {Level.HIGH: "Organization", Level.MEDIUM: "Department", Level.LOW: "Person"}
URGENCIES = {
    Level.HIGH: "Not able to work",
    Level.MEDIUM: "Partially able to work",
    Level.LOW: "Able to work",
}
STATES = {
    TicketState.OPEN: "Logged",
    TicketState.ACKNOWLEDGED: "In progress",
    TicketState.IN_PROGRESS: "In progress",
    TicketState.ON_HOLD: "On hold",
    TicketState.RESOLVED: "Completed",
    TicketState.CLOSED: "Closed",
}


class TopdeskConfig(DestinationOptions):
    """Settings of one TOPdesk."""

    type: Literal["topdesk"]
    url: Address = Field(description="Where TOPdesk is, without /tas, e.g. https://acme.topdesk.net")
    username: str = Field(description="Login name of the operator.")
    password: SecretStr = Field(description="An application password of that operator.")
    caller_email: str | None = Field(
        default=None, description="Address of the registered caller; without it the caller is called Tocsin."
    )
    priorities: dict[Priority, str] = Field(default={}, description="Names; others than P1 … P5.")
    impacts: dict[Level, str] = Field(
        default={}, description="Names; others than Organization, Department, Person."
    )
    urgencies: dict[Level, str] = Field(
        default={}, description="Names; others than Not able to work, Partially able to work, Able to work."
    )
    states: dict[TicketState, str] = Field(
        default={},
        description="Names of statuses; others than Logged, In progress, In progress, On hold, Completed, Closed.",
    )
    state_fields: StateFields
    teams: dict[str, str] = Field(default={}, description="Id of each team's operator group.")
    group: str = Field(
        default="", description="Id of the operator group for all other teams; empty for none."
    )
    callback_secret: SecretStr | None = Field(default=None, description="What the action sequence sends.")
    fields: FieldMap

    def build(self, http: Http) -> Topdesk:
        """Make the ticket system of these settings."""
        return Topdesk(self, http)

    def words(self) -> dict[TicketState, str]:
        """Return the names of statuses."""
        return {**STATES, **self.states}


class Named(msgspec.Struct):
    """A thing of which the name counts."""

    name: str | None = None


class Incident(msgspec.Struct, rename="camel"):
    """An incident, with the fields that we look at."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    number: str = ""
    brief_description: str | None = None
    external_number: str | None = None
    processing_status: Named | None = None
    priority: Named | None = None
    operator: Named | None = None
    operator_group: Named | None = None
    modifier: Named | None = None
    modification_date: str | None = None
    completed: bool = False
    closed: bool = False


class Topdesk(Adapter):
    """The incidents of one TOPdesk."""

    capabilities = frozenset(Capability) - {Capability.ATTACH, Capability.IDEMPOTENT, Capability.PROBLEM}

    def __init__(self, config: TopdeskConfig, http: Http) -> None:
        password = config.password.get_secret_value()
        login = aiohttp.encode_basic_auth(config.username, password)
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        self._client = http.client(
            self._pages,
            headers={"Authorization": login},
            secrets=[password, login.split()[1]],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the oldest incident that has *key*."""
        if not KEY.fullmatch(key):
            return None  # no key of ours: it would be another query
        rows = await self._list(
            {"query": f"externalNumber=={key}", "sort": "creationDate:asc", "pageSize": "10"}
        )
        return next((self._ref(row) for row in rows if row.external_number == key), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an incident, and make sure that it can be found again."""
        made = (await self._send("POST", ROOT, to_new(self._config, ticket))).read(Incident)
        ref = self._ref(made)
        if made.external_number != ticket.key:
            message = f"TOPdesk made {made.number} but did not keep {ticket.key} in externalNumber"
            raise PermanentError(message, Reason.REJECTED)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._write(ref, to_state(self._config, ticket, ticket.state))
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the incident and its status; the description is added as an action when the state changes."""
        shown = await self._load(ref)
        changes = to_fields(self._config, ticket)
        wanted = wanted_state(action, ticket.state, state_in(self._config, shown))
        if wanted is not None:
            changes |= to_action(with_link(ticket)) | to_state(self._config, ticket, wanted)
        await self._write(ref, changes)
        return self._ref(shown)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add an action that the caller does not see."""
        await self._write(ref, to_action(note.text))

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Make *other* a major incident, and *ref* one of its partials."""
        del kind  # TOPdesk has one
        await self._write(other, {"majorCall": True})
        await self._write(ref, {"majorCallObject": {"id": other.id}})

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an incident stands."""
        try:
            return to_seen(self._config, await self._load(ref))
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what an action sequence posts."""
        news = told(call, self._config.callback_secret)
        words = self._config.words()
        states = {word.lower(): state_of(word, words) for word in words.values()}
        names = {**PRIORITIES, **self._config.priorities}
        return [news.seen(call, states, {name.lower(): priority_of(name, names) for name in names.values()})]

    async def poll(self, cursor: str) -> Polled:
        """List incidents that changed and have a number from outside."""
        if not cursor:
            rows = await self._list({"sort": "modificationDate:desc", "pageSize": "1"})
            now = int(self._clock() * 1000)
            return polled("", [], to_seen(self._config, rows[0]).at if rows else now)
        rows = await self._changed(to_text(max(0, since(cursor) - OVERLAP))[:19] + "Z")
        return polled(cursor, [to_seen(self._config, row) for row in rows if row.external_number], 0)

    async def ping(self) -> None:
        """Check credentials, that the names exist, and that a search for nothing finds nothing."""
        missing = []
        for what, names in wanted_names(self._config).items():
            reply = await self._client.send("GET", f"{ROOT}/{what}")
            known = sorted(one.name or "" for one in reply.read(list[Named]))
            lost = sorted(set(names) - set(known))
            missing += [f"{what} has no {', '.join(lost)}, only {', '.join(known)}"] if lost else []
        if missing:
            raise PermanentError(f"TOPdesk: {'; '.join(missing)}", Reason.REJECTED)
        if await self._list({"query": f"externalNumber==probe{token_hex(8)}", "pageSize": "1"}):
            raise PermanentError(
                "TOPdesk: a search for a random externalNumber found incidents", Reason.BAD_ANSWER
            )

    async def _changed(self, from_: str) -> list[Incident]:
        params = {"query": f"modificationDate=ge={from_}", "sort": "modificationDate:asc"}

        async def page(offset: int, limit: int) -> list[Incident]:
            return await self._list({**params, "start": str(offset), "pageSize": str(limit)})

        return await all_rows(page)

    async def _list(self, params: Mapping[str, str]) -> list[Incident]:
        reply = await self._client.send("GET", ROOT, params=params)
        return [] if reply.status == NO_CONTENT else reply.read(list[Incident])

    async def _load(self, ref: TicketRef) -> Incident:
        return (await self._client.send("GET", _path(ref))).read(Incident)

    async def _write(self, ref: TicketRef, changes: Mapping[str, Any]) -> None:
        kept = (await self._send("PATCH", _path(ref), changes)).read(Incident).processing_status
        wanted = changes.get("processingStatus", {}).get("name")
        if wanted is not None and (kept is None or kept.name != wanted):
            message = f"TOPdesk {ref.id} did not take the status {wanted!r}"
            raise PermanentError(message, Reason.REJECTED)

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode(body))

    def _ref(self, incident: Incident) -> TicketRef:
        unid = incident.id.replace("-", "")
        return TicketRef(incident.id, f"{self._pages}/tas/secure/incident?action=show&unid={unid}")


def to_new(config: TopdeskConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what TOPdesk creates."""
    group = config.teams.get(ticket.team, config.group)
    email = config.caller_email
    return {
        **({"callerLookup": {"email": email}} if email else {"caller": {"dynamicName": "Tocsin"}}),
        "externalNumber": ticket.key,
        "request": to_html_within(with_link(ticket), HTML_BYTES),
        "processingStatus": {"name": config.words()[TicketState.OPEN]},
        **({"operatorGroup": {"id": group}} if group else {}),
        **to_fields(config, ticket),
    }


def to_fields(config: TopdeskConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Return what is kept up to date."""
    return {
        "briefDescription": one_line(ticket.title, TITLE_LENGTH),
        "impact": {"name": {**IMPACTS, **config.impacts}[ticket.impact]},
        "urgency": {"name": {**URGENCIES, **config.urgencies}[ticket.urgency]},
        "priority": {"name": {**PRIORITIES, **config.priorities}[ticket.priority]},
        **render_fields(config.fields, ticket),
    }


def to_state(config: TopdeskConfig, ticket: DesiredTicket, state: TicketState) -> dict[str, Any]:
    """Return the fields that make a state."""
    name = config.words()[state]
    return {"processingStatus": {"name": name}, **state_fields({}, config.state_fields, ticket, state)}


def to_action(text: str) -> dict[str, Any]:
    """Make an action for operators."""
    return {"action": to_html_within(text, HTML_BYTES), "actionInvisibleForCaller": True}


def state_in(config: TopdeskConfig, incident: Incident) -> TicketState | None:
    """Return the state of an incident: by the name of its status, else by what TOPdesk says of its end."""
    name = incident.processing_status.name if incident.processing_status else None
    known = state_of(name or "", config.words())
    if known is not None:
        return known
    return TicketState.CLOSED if incident.closed else TicketState.RESOLVED if incident.completed else None


def to_seen(config: TopdeskConfig, incident: Incident) -> TicketSeen:
    """Say how an incident stands."""
    holders = [
        one.name for one in (incident.operator, incident.operator_group) if one is not None and one.name
    ]
    name = incident.priority.name if incident.priority else None
    return TicketSeen(
        id=incident.id,
        at=shown_moment(f"TOPdesk {incident.number}", incident.modification_date),
        actor=(incident.modifier.name or "") if incident.modifier else "",
        state=state_in(config, incident),
        title=incident.brief_description,
        priority=priority_of(name, {**PRIORITIES, **config.priorities}),
        assignee=next(iter(holders), ""),
    )


def wanted_names(config: TopdeskConfig) -> dict[str, list[str]]:
    """Return the names that must exist, by the list that they are in."""
    return {
        "statuses": list(config.words().values()),
        "impacts": list({**IMPACTS, **config.impacts}.values()),
        "urgencies": list({**URGENCIES, **config.urgencies}.values()),
        "priorities": list({**PRIORITIES, **config.priorities}.values()),
    }


def _path(ref: TicketRef) -> str:
    return f"{ROOT}/id/{quote(ref.id, safe='')}"
