"""Alerts of Jira Service Management's operations, and of Opsgenie before it, by an integration's API key.

https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/ (version 2).
Our key is the ``alias``: a create joins the open alert that has it. Traps: every write is only accepted, and what
became of it is asked for later, a 404 until then; a closed alert stays closed, so what is back gets another; the key
of an integration reads and changes alerts in Opsgenie alone, in Jira it creates, acknowledges, notes and closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr

from adapters.http import Http
from adapters.tickets.base import Adapter, Address, DestinationOptions, Duration, lasting
from adapters.tickets.fields import FieldMap
from adapters.tickets.jsm_ops_alerts import (
    NOTE_LENGTH,
    OURS,
    Accepted,
    Alert,
    Many,
    One,
    Outcome,
    Processed,
    state_of,
    to_alert,
    to_changes,
    to_seen,
    understood,
)
from adapters.tickets.polling import OVERLAP, PAGE, polled, since
from adapters.tickets.states import once_created, wanted_state
from adapters.tickets.text import cut
from domain.errors import PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState

WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0)
"""Seconds between the looks for what became of a write."""
LAST_OFFSET = 19_900  # offset and limit may come to 20,000
URLS = {"jsm": "https://api.atlassian.com/jsm/ops/integration", "opsgenie": "https://api.opsgenie.com"}


class JsmOpsConfig(DestinationOptions):
    """Settings of one integration of type API."""

    type: Literal["jsm_ops"]
    product: Literal["jsm", "opsgenie"] = Field(
        default="jsm", description="Opsgenie's address also reads and changes alerts."
    )
    url: Address | None = Field(
        default=None,
        description="Of the integration API, as far as /v2; e.g. https://api.eu.opsgenie.com. "
        "Without it, that of the product.",
    )
    api_key: SecretStr = Field(description="API key of the integration.")
    team: str = Field(
        default="", description="Name or id of the team that responds; without it, the integration's."
    )
    teams: dict[str, str] = Field(default={}, description="By team: the name or id of who responds instead.")
    tags: list[str] = Field(
        default=["tocsin"], min_length=1, description="Tags of new alerts. Polls ask for the first one."
    )
    search_lag: Duration = lasting("10s", "How long a new alert may not be there to be found.")
    callback_secret: SecretStr | None = Field(
        default=None, description="What the outgoing webhook sends in the header X-Tocsin-Secret."
    )
    fields: FieldMap

    def build(self, http: Http) -> JsmOps:
        """Make the ticket system of these settings."""
        return Opsgenie(self, http) if self.product == "opsgenie" else JsmOps(self, http)


class JsmOps(Adapter):
    """Alerts that are written by events alone."""

    capabilities = frozenset(
        {
            Capability.COMMENT,
            Capability.CALLBACK,
            Capability.TRANSITION,
            Capability.PING,
            Capability.IDEMPOTENT,
        }
    )

    def __init__(self, config: JsmOpsConfig, http: Http) -> None:
        key = config.api_key.get_secret_value()
        self._config = config
        self._clock = http.clock
        self.search_lag = config.search_lag / 1000
        self._client = http.client(
            str(config.url or URLS[config.product]).rstrip("/"),
            headers={"Authorization": f"GenieKey {key}"},
            secrets=[key],
            timeout=config.timeout_seconds,
        )

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an alert, or join the open one that has our key."""
        accepted = await self._send("POST", "/v2/alerts", to_alert(self._config, ticket))
        with once_created():
            outcome = await self._outcome(accepted)
        _check(outcome)
        if not outcome.alert_id:
            raise PermanentError(f"no alert came of a create: {outcome.status}", Reason.BAD_ANSWER)
        ref = TicketRef(outcome.alert_id)
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self._to_state(ref, ticket.state)
        return ref

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Send a change of state; nothing else can be changed. What is back gets another alert."""
        match action:
            case TicketAction.RESOLVE:
                await self._to_state(ref, TicketState.RESOLVED)
            case TicketAction.REOPEN:
                return await self.create(ticket)
            case TicketAction.TRANSITION if ticket.state is not TicketState.OPEN:
                await self._to_state(ref, ticket.state)
            case _:
                pass
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a note."""
        body = {"note": cut(note.text, NOTE_LENGTH), "user": OURS, "source": OURS}
        _check(await self._done("POST", f"{_path(ref)}/notes", body))

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand the outgoing webhook."""
        return understood(self._config.callback_secret, call)

    async def ping(self) -> None:
        """Ask for a request that never was: who is not let in is not told that there is none."""
        try:
            reply = await self._client.send("GET", f"/v2/alerts/requests/{token_hex(16)}")
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
        else:
            reply.read(Processed)

    async def _to_state(self, ref: TicketRef, state: TicketState) -> None:
        """Acknowledge or close; one that people closed meanwhile stays so."""
        verb = "close" if state.is_over else "acknowledge"
        _check(await self._done("POST", f"{_path(ref)}/{verb}", {"user": OURS, "source": OURS}), state=True)

    async def _done(self, method: str, path: str, body: Mapping[str, Any]) -> Outcome:
        return await self._outcome(await self._send(method, path, body))

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Accepted:
        return (await self._client.send(method, path, body=msgspec.json.encode(body))).read(Accepted)

    async def _outcome(self, accepted: Accepted) -> Outcome:
        """Wait for what became of a write."""
        for wait in WAITS:
            await asyncio.sleep(wait)
            try:
                reply = await self._client.send("GET", f"/v2/alerts/requests/{_quoted(accepted.request_id)}")
            except PermanentError as error:
                if error.reason is not Reason.NOT_FOUND:
                    raise
            else:
                return reply.read(Processed).data
        message = f"request {accepted.request_id} was accepted, but not done within {sum(WAITS):.0f} s"
        raise TemporaryError(message, Reason.TIMEOUT, unknown=True)


class Opsgenie(JsmOps):
    """Alerts that can be read and changed, too."""

    capabilities = JsmOps.capabilities | {
        Capability.FIND,
        Capability.UPDATE,
        Capability.READ,
        Capability.POLL,
    }

    async def find(self, key: str) -> TicketRef | None:
        """Return the open alert with our key; else the newest: who closed it shall not be called again."""
        if not key.isalnum():
            return None  # none of ours, and the search has a syntax of its own
        try:
            path = f"/v2/alerts/{_quoted(key)}"
            reply = await self._client.send("GET", path, params={"identifierType": "alias"})
            found = [reply.read(One).data]
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            found = await self._list(f'alias: "{key}"', "createdAt", 0)
        return next((TicketRef(one.id) for one in found if one.alias == key), None)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs. A closed alert is left alone: back again it has another."""
        shown = await self._load(ref)
        now = state_of(shown)
        if now.is_over:
            return await self.create(ticket) if action is TicketAction.REOPEN else ref
        for name, value in to_changes(self._config, ticket, shown).items():
            _check(await self._done("PUT", f"{_path(ref)}/{name}", {name: value}))
        wanted = wanted_state(action, ticket.state, now)
        if wanted is TicketState.OPEN:
            _check(await self._done("POST", f"{_path(ref)}/unacknowledge", {"user": OURS, "source": OURS}))
        elif wanted is not None and (wanted.is_over or not shown.acknowledged):
            await self._to_state(ref, wanted)
        return ref

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an alert stands."""
        try:
            return to_seen(await self._load(ref))
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, int(self._clock() * 1000), is_deleted=True)

    async def poll(self, cursor: str) -> Polled:
        """List our alerts that changed. The newest come first, so what changes meanwhile comes twice at most."""
        seen: list[TicketSeen] = []
        start = since(cursor) - OVERLAP - self._config.search_lag
        for offset in range(0, LAST_OFFSET + 1, PAGE) if cursor else ():
            page = [to_seen(one) for one in await self._list(self._tagged, "updatedAt", offset)]
            seen += [one for one in page if one.at >= start]
            if len(page) < PAGE or page[-1].at < start:
                break
        return polled(cursor, seen, int(self._clock() * 1000))

    async def ping(self) -> None:
        """Check the key and that it may read, and that a search for nothing finds nothing."""
        if await self.find(f"probe{token_hex(8)}") is not None:
            raise PermanentError("a search for a random alias found an alert", Reason.BAD_ANSWER)

    @property
    def _tagged(self) -> str:
        return f"tag: {msgspec.json.encode(self._config.tags[0]).decode()}"

    async def _list(self, query: str, sort: str, offset: int) -> list[Alert]:
        params = {"query": query, "sort": sort, "order": "desc", "offset": str(offset), "limit": str(PAGE)}
        return (await self._client.send("GET", "/v2/alerts", params=params)).read(Many).data

    async def _load(self, ref: TicketRef) -> Alert:
        return (await self._client.send("GET", _path(ref))).read(One).data


def _check(outcome: Outcome, *, state: bool = False) -> None:
    """Raise what was refused after all; a change of state of one that is there or closed already is no trouble."""
    told = outcome.status.casefold()
    if outcome.is_success or (state and ("already" in told or "closed" in told)):
        return
    reason = Reason.NOT_FOUND if "not exist" in told else Reason.REJECTED
    raise PermanentError(
        f"{outcome.action or 'a request'} was accepted, but failed: {outcome.status}", reason
    )


def _path(ref: TicketRef) -> str:
    return f"/v2/alerts/{_quoted(ref.id)}"


def _quoted(id_: str) -> str:
    return quote(id_, safe="")
