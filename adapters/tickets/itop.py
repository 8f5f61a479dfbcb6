"""iTop 3 through its REST/JSON service, version 1.3 (iTop's wiki, "REST/JSON services").

Our key is the last line of the description, or in a field of your own data model. Traps: everything is a 200, and
``code`` says whether it was done; a status cannot be written, only reached by stimuli, each with fields that it wants;
a closed ticket, or a resolved problem, cannot be reopened, so another is made; priority is computed from impact and
urgency; lists have no order; times are in the server's time zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from pydantic import Field, SecretStr, StringConstraints, model_validator

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, Basic, DestinationOptions, Settings
from adapters.tickets.fields import FieldMap, StateFields
from adapters.tickets.itop_objects import (
    INCIDENT,
    KEY,
    NUMBERS,
    PROBLEM,
    SHOWN,
    STATES,
    Answer,
    Entry,
    has_key,
    to_fields,
    to_new,
    to_seen,
    to_stimulus,
    way,
)
from adapters.tickets.moments import TimeZone, local_text
from adapters.tickets.polling import PAGE, PAGES, polled, since
from adapters.tickets.priorities import priority_of
from adapters.tickets.states import once_created, wanted_state
from adapters.tickets.text import clean
from adapters.tickets.told import told
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, LinkKind, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketKind, TicketSeen, TicketState
from domain.times import Millis

UNAUTHORIZED = 1
OVERLAP: Millis = 60_000
"""Where polling begins is by our own clock, which may differ from iTop's."""

Name = Annotated[str, StringConstraints(pattern=r"^[^'\"\\]+$")]
"""What goes into a query as it is."""


class ItopPair(Settings):
    """An impact and an urgency."""

    impact: str
    urgency: str


class ItopConfig(DestinationOptions):
    """Settings of one iTop."""

    type: Literal["itop"]
    url: Address = Field(description="Where iTop is, without webservices, e.g. https://itop.example.org")
    token: SecretStr | None = Field(default=None, description="Personal or application token.")
    login: Basic | None = Field(default=None, description="Name and password, where there is no token.")
    organization: Name = Field(description="Name of the organization that tickets are for.")
    caller: Name = Field(description="E-mail address of the person who calls.")
    agent: Name | None = Field(default=None, description="E-mail address of whom Tocsin assigns tickets to.")
    team: Name | None = Field(default=None, description="Name of the team for all teams not in the table.")
    teams: dict[str, Name] = Field(default={}, description="Name of each team's team in iTop.")
    key_field: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")] | None = Field(
        default=None, description="Field of your own for our key; without it the key is in the description."
    )
    time_zone: TimeZone = Field(default="UTC", description="Of the server.")
    problems: bool = Field(default=True, description="Whether problems are made.")
    priorities: dict[Priority, ItopPair] = Field(
        default={}, description="Impact and urgency that make a priority, where the table is your own."
    )
    states: dict[str, TicketState] = Field(
        default={}, description="What statuses mean, where it is not as usual."
    )
    state_fields: StateFields
    callback_secret: SecretStr | None = Field(default=None, description="What the webhook's action sends.")
    fields: FieldMap

    @model_validator(mode="after")
    def _exactly_one(self) -> ItopConfig:
        if (self.token is None) == (self.login is None):
            raise ValueError("needs one of token and login")
        return self

    def build(self, http: Http) -> Itop:
        """Make the ticket system of these settings."""
        return Itop(self, http)

    def state(self, status: str) -> TicketState | None:
        """Return what a status means."""
        return {**STATES, **self.states}.get(status)

    def headers(self) -> dict[str, str]:
        """Return what lets us in."""
        if self.token is not None:
            return {"Auth-Token": self.token.get_secret_value()}
        assert self.login is not None
        password = self.login.password.get_secret_value()
        return {"Authorization": aiohttp.encode_basic_auth(self.login.username, password)}


class Itop(Adapter):
    """The incidents and problems of one iTop."""

    def __init__(self, config: ItopConfig, http: Http) -> None:
        self._config = config
        self._pages = str(config.url).rstrip("/")
        self._clock = http.clock
        lacks = {Capability.IDEMPOTENT, Capability.ATTACH, *([] if config.problems else [Capability.PROBLEM])}
        self.capabilities = frozenset(Capability) - lacks
        headers = config.headers()
        self._client = http.client(
            f"{self._pages}/webservices/rest.php?version=1.3",
            headers=headers,
            secrets=[value.split()[-1] for value in headers.values()],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the newest ticket that has *key*, one that is not closed before others."""
        if not KEY.fullmatch(key):
            return None  # no key of ours: it would be another query
        for kind in self._kinds():
            found = [
                one for one in await self._get(kind, self._by_key(key)) if has_key(self._config, one, key)
            ]
            if found:
                last = max(found, key=lambda one: (one.text("status") != "closed", one.number))
                return self._ref(last)
        return None

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket, and lead it to its state."""
        kind = PROBLEM if ticket.kind is TicketKind.PROBLEM and self._config.problems else INCIDENT
        made = await self._write("core/create", kind, to_new(self._config, ticket, kind))
        with once_created():
            if not has_key(self._config, made, ticket.key):
                raise PermanentError(f"iTop made {made.id} but did not keep our key in it", Reason.REJECTED)
            if ticket.state is not TicketState.OPEN:
                await self._lead(made, ticket, ticket.state)
        return self._ref(made)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write the ticket, and lead it to its state. What cannot be reopened gets another."""
        shown = await self._load(ref)
        now = self._config.state(shown.text("status"))
        if action is TicketAction.REOPEN and now is not None and now.is_over and self._is_final(shown):
            return await self._succeed(ref, ticket)
        if shown.text("status") != "closed":
            await self._write("core/update", shown.kind, to_fields(self._config, ticket), key=shown.key)
        wanted = wanted_state(action, ticket.state, now)
        if wanted is not None:
            await self._lead(shown, ticket, wanted)
        return self._ref(shown)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add to the private log."""
        item = {"add_item": {"message": clean(note.text), "format": "text"}}
        kind, key = _parts(ref)
        await self._write("core/update", kind, {"private_log": item}, key=key)

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Name the parent, or the problem."""
        own, key = _parts(ref)
        field = "parent_problem_id" if kind is LinkKind.CAUSED_BY else "parent_incident_id"
        await self._write("core/update", own, {field: _parts(other)[1]}, key=key)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands."""
        try:
            return to_seen(self._config, await self._load(ref))
        except PermanentError as error:
            if error.reason is Reason.NOT_FOUND:
                return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)
            raise

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand what an action of iTop posts."""
        news = told(call, self._config.callback_secret)
        states = {**STATES, **self._config.states}
        return [news.seen(call, states, {word: priority_of(word, NUMBERS) for word in NUMBERS.values()})]

    async def poll(self, cursor: str) -> Polled:
        """List our tickets that changed."""
        if not cursor:
            return polled("", [], int(self._clock() * 1000))
        from_ = local_text(max(0, since(cursor) - OVERLAP), ZoneInfo(self._config.time_zone))
        ours = (
            f"{self._config.key_field} != ''" if self._config.key_field else "description LIKE '%Tocsin: %'"
        )
        seen = []
        for kind in self._kinds():
            for page in range(1, PAGES + 1):
                rows = await self._get(kind, f"last_update >= '{from_}' AND {ours}", page=page)
                seen += [to_seen(self._config, row) for row in rows]
                if len(rows) < PAGE:
                    break
        return polled(cursor, seen, 0)

    async def ping(self) -> None:
        """Check the login, that what tickets name exists, and that a search for nothing finds nothing."""
        config = self._config
        named = {
            f"organization {config.organization!r}": ("Organization", f"name = '{config.organization}'"),
            f"caller {config.caller!r}": ("Person", f"email = '{config.caller}'"),
            f"agent {config.agent!r}": ("Person", f"email = '{config.agent}'"),
        }
        wanted = [what for what in named if config.agent is not None or not what.startswith("agent")]
        missing = [what for what in wanted if not await self._get(*named[what], fields="friendlyname")]
        if missing:
            raise PermanentError(
                f"iTop has no {', no '.join(missing)}, or we may not see it", Reason.REJECTED
            )
        if await self._get(INCIDENT, self._by_key(f"probe{token_hex(8)}")):
            raise PermanentError("iTop: a search for a random key found incidents", Reason.BAD_ANSWER)

    def _kinds(self) -> tuple[str, ...]:
        return (INCIDENT, PROBLEM) if self._config.problems else (INCIDENT,)

    def _by_key(self, key: str) -> str:
        if self._config.key_field:
            return f"{self._config.key_field} = '{key}'"
        return f"description LIKE '%Tocsin: {key}%'"

    def _is_final(self, shown: Entry) -> bool:
        return way(shown.text("status"), TicketState.OPEN, kind=shown.kind, can_assign=False) is None

    async def _succeed(self, ref: TicketRef, ticket: DesiredTicket) -> TicketRef:
        """Open another ticket after one that is final, unless that was done before."""
        found = await self.find(ticket.key)
        return found if found is not None and found.id != ref.id else await self.create(ticket)

    async def _lead(self, shown: Entry, ticket: DesiredTicket, wanted: TicketState) -> None:
        """Apply the stimuli on the way, and make sure that the ticket is where they lead."""
        can_assign = self._config.agent is not None or shown.text("agent_id") not in {"", "0"}
        stimuli = way(shown.text("status"), wanted, kind=shown.kind, can_assign=can_assign)
        if stimuli is None:
            if not wanted.is_over:
                return  # a state of work that iTop has only with an agent
            message = f"iTop {shown.id} cannot be resolved before it is assigned: set agent, and a team"
            raise PermanentError(message, Reason.REJECTED)
        for stimulus in stimuli:
            fields = to_stimulus(self._config, ticket, shown, stimulus)
            shown = await self._write(
                "core/apply_stimulus", shown.kind, fields, key=shown.key, more={"stimulus": stimulus}
            )
        now = self._config.state(shown.text("status"))
        if wanted.is_over and (now is None or not now.is_over):
            raise PermanentError(f"iTop {shown.id} stayed {shown.text('status')}", Reason.REJECTED)

    async def _load(self, ref: TicketRef) -> Entry:
        kind, key = _parts(ref)
        for one in await self._get(kind, f"id = {key}"):
            if one.id == f"{kind}::{key}":
                return one
        raise PermanentError(f"iTop has no {kind} {key}", Reason.NOT_FOUND)

    async def _get(self, kind: str, where: str, *, page: int = 1, fields: str = "") -> list[Entry]:
        shown = fields or ",".join([SHOWN, *([self._config.key_field] if self._config.key_field else [])])
        query = f"SELECT {kind} WHERE {where}"
        asked = {"operation": "core/get", "class": kind, "key": query, "output_fields": shown}
        asked |= {"limit": str(PAGE), "page": str(page)}
        # By GET: nothing is in doubt if no answer comes.
        reply = await self._client.send("GET", params={"json_data": msgspec.json.encode(asked).decode()})
        return list((_done(reply).objects or {}).values())

    async def _write(
        self,
        operation: str,
        kind: str,
        fields: Mapping[str, Any],
        *,
        key: str | int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Entry:
        shown = ",".join([SHOWN, *([self._config.key_field] if self._config.key_field else [])])
        asked: dict[str, Any] = {"operation": operation, "class": kind, "comment": "by Tocsin"}
        asked |= {
            "fields": fields,
            "output_fields": shown,
            **({} if key is None else {"key": key}),
            **(more or {}),
        }
        body = urlencode({"json_data": msgspec.json.encode(asked).decode()}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await self._client.send("POST", body=body, headers=headers)
        for one in (_done(reply).objects or {}).values():
            return one
        raise PermanentError(f"iTop did {operation} and names no object", Reason.BAD_ANSWER, unknown=True)

    def _ref(self, entry: Entry) -> TicketRef:
        url = f"{self._pages}/pages/UI.php?operation=details&class={entry.kind}&id={entry.key}"
        return TicketRef(entry.id, url)


def _done(reply: Reply) -> Answer:
    """Read an answer.

    Raises:
        PermanentError: iTop did not do what was asked.
    """
    answer = reply.read(Answer)
    failed = [one.message for one in (answer.objects or {}).values() if one.code != 0]
    if answer.code == 0 and not failed:
        return answer
    reason = Reason.AUTHENTICATION if answer.code == UNAUTHORIZED else Reason.REJECTED
    message = "; ".join([answer.message or "", *failed])
    raise PermanentError(f"iTop answered code {answer.code}: {message[:300]}", reason)


def _parts(ref: TicketRef) -> tuple[str, int]:
    kind, _, key = ref.id.rpartition("::")
    return (PROBLEM if kind == PROBLEM else INCIDENT), int(key) if key.isdecimal() else 0
