"""PagerDuty through its REST API v2 (developer.pagerduty.com), or by events alone (``pagerduty_events``).

An incident is found by its ``incident_key``. Traps: a second incident with a key that an open one has is
refused; resolving a resolved one is refused too; a body cannot be changed; what was merged reads as resolved
with a ``merge_resolve_reason``; changes cannot be listed, only the log entries that made them, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field, HttpUrl, SecretStr, StringConstraints, model_validator

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter, Address, DestinationOptions
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.issues import reads_as
from adapters.tickets.pagerduty_events import PagerDutyEvents, at_least_one, understood
from adapters.tickets.pagerduty_shapes import Incident, LogEntries, LogEntry, Many, One, Priorities
from adapters.tickets.states import once_created, wanted_state
from adapters.tickets.text import cut, one_line, with_link
from domain.errors import DeliveryError, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability, Polled
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen, TicketState
from domain.times import to_millis

TITLE_LENGTH = 1024
DETAILS_LENGTH = 120_000
NOTE_LENGTH = 25_000
PAGE = 100
LAST_OFFSET = 9_900  # offset and limit may come to 10,000
OVERLAP = timedelta(seconds=5)
WORDS = {
    TicketState.OPEN: "triggered",
    TicketState.ACKNOWLEDGED: "acknowledged",
    TicketState.IN_PROGRESS: "acknowledged",
    TicketState.ON_HOLD: "acknowledged",
    TicketState.RESOLVED: "resolved",
    TicketState.CLOSED: "resolved",
}
URGENCIES: Mapping[Priority, Literal["high", "low"]] = {
    Priority.P1: "high",
    Priority.P2: "high",
    Priority.P3: "low",
    Priority.P4: "low",
    Priority.P5: "low",
}

ObjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]


class PagerDutyConfig(DestinationOptions):
    """Settings of one PagerDuty account: a routing key for events, or a token, a user and a service for all."""

    type: Literal["pagerduty"]
    url: Address = Field(default=HttpUrl("https://api.pagerduty.com"), description="Of the REST API.")
    events_url: Address = Field(
        default=HttpUrl("https://events.pagerduty.com"), description="Of the Events API v2."
    )
    routing_key: SecretStr | None = Field(
        default=None,
        description="Integration key of a service (Events API v2). With it, incidents are only sent.",
    )
    teams: dict[str, SecretStr] = Field(
        default={},
        description="By team: the routing key, or the id of the service, instead of the usual one.",
    )
    token: SecretStr | None = Field(default=None, description="REST API key with the right to write.")
    sender: str = Field(default="", description="E-mail address of the user on whose behalf the key acts.")
    service: ObjectId | Literal[""] = Field(
        default="", description="Id of the service that incidents are of."
    )
    priorities: dict[Priority, ObjectId] = Field(
        default={},
        description="Ids of PagerDuty's priorities (GET /priorities); not set where none is given.",
    )
    urgencies: dict[Priority, Literal["high", "low"]] = Field(
        default={}, description="Other than high for P1 and P2, low for the rest."
    )
    callback_secret: SecretStr | None = Field(default=None, description="Of the webhook subscription (v3).")
    fields: FieldMap

    @model_validator(mode="after")
    def _one_way(self) -> PagerDutyConfig:
        if (self.routing_key is None) == (self.token is None):
            raise ValueError("needs one of routing_key (events only) and token (with sender and service)")
        if self.token is not None and not (self.sender and self.service):
            raise ValueError("token needs sender and service")
        if self.priorities and len(self.priorities) < len(Priority):
            raise ValueError("priorities must name an id for each of P1 to P5, the same one where it must")
        return self

    def build(self, http: Http) -> PagerDuty | PagerDutyEvents:
        """Make the ticket system of these settings."""
        if self.token is not None:
            return PagerDuty(self, http, self.token.get_secret_value())
        assert self.routing_key is not None
        key = self.routing_key.get_secret_value()
        keys = {team: own.get_secret_value() for team, own in self.teams.items()}
        client = http.client(
            str(self.events_url).rstrip("/"), secrets=[key, *keys.values()], timeout=self.timeout_seconds
        )
        return PagerDutyEvents(client, key, keys, self.fields, self.callback_secret)

    def service_of(self, team: str) -> str:
        """Return the id of the service that a team's incidents are of."""
        return self.teams[team].get_secret_value() if team in self.teams else self.service


class PagerDuty(Adapter):
    """The incidents of one service, in both directions."""

    capabilities = frozenset(
        {
            Capability.FIND,
            Capability.UPDATE,
            Capability.COMMENT,
            Capability.READ,
            Capability.CALLBACK,
            Capability.POLL,
            Capability.TRANSITION,
            Capability.REOPEN,
            Capability.PING,
        }
    )

    def __init__(
        self,
        config: PagerDutyConfig,
        http: Http,
        token: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self.reads_as = reads_as(config.priorities)
        self._clock = clock
        self._client = http.client(
            str(config.url).rstrip("/"),
            headers={
                "Authorization": f"Token token={token}",
                "Accept": "application/vnd.pagerduty+json;version=2",
                "From": config.sender,
            },
            secrets=[token],
            timeout=config.timeout_seconds,
        )

    async def find(self, key: str) -> TicketRef | None:
        """Return the newest incident with our key: after a resolve there may be several."""
        params = {"incident_key": key, "date_range": "all", "sort_by": "created_at:desc", "limit": "25"}
        page = (await self._client.send("GET", "/incidents", params=params)).read(Many)
        return next((_ref(one) for one in page.incidents if key and one.incident_key == key), None)

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open an incident, or take the open one that has our key already."""
        try:
            made = (
                (await self._send("POST", "/incidents", to_incident(self._config, ticket))).read(One).incident
            )
        except DeliveryError as error:
            found = await self.find(ticket.key) if _is_taken(error) else None
            if found is None:
                raise
            return found
        if ticket.state is not TicketState.OPEN:
            with once_created():
                await self.update(_ref(made), ticket, TicketAction.TRANSITION)
        return _ref(made)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Write what differs. The body stays as it was made; comments tell what is new."""
        before = await self._load(ref)
        changes = to_changes(self._config, ticket, action, before)
        if changes:
            after = (await self._send("PUT", _path(ref), {"type": "incident", **changes})).read(One).incident
            if after.status != changes.get("status", after.status):
                message = f"PagerDuty incident {ref.id} stayed {after.status}, not {changes['status']}"
                raise PermanentError(message, Reason.REJECTED)
        return _ref(before)

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Add a note."""
        body = msgspec.json.encode({"note": {"content": cut(note.text, NOTE_LENGTH)}})
        await self._client.send("POST", f"{_path(ref)}/notes", body=body)

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how an incident stands."""
        try:
            return seen_of(await self._load(ref), self._config, self._clock())
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return TicketSeen(ref.id, to_millis(self._clock()), is_deleted=True)

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook (v3)."""
        told = understood(self._config.callback_secret, call)
        return [] if told is None or not told.id else [told.seen(told.id)]

    async def poll(self, cursor: str) -> Polled:
        """Read the incidents of which the log tells something new."""
        now = self._clock()
        if not cursor:
            return Polled([], now.isoformat())
        since, until = datetime.fromisoformat(cursor), now
        while True:
            entries = await self._log(since - OVERLAP, until)
            if entries is not None:
                break
            until = since + (until - since) / 2
        ids = dict.fromkeys(one.incident.id for one in reversed(entries) if one.incident is not None)
        return Polled([await self.read(TicketRef(id_)) for id_ in ids], until.isoformat())

    async def ping(self) -> None:
        """Check the key, the services, the priorities, and that a search for nothing finds nothing."""
        config = self._config
        for service in sorted({config.service, *map(config.service_of, config.teams)}):
            await self._check(f"/services/{quote(service, safe='')}", f"service {service!r}")
        await self._check_priorities()
        if await self.find(f"probe{token_hex(8)}"):
            raise PermanentError("PagerDuty: a search for a random key found incidents", Reason.BAD_ANSWER)

    async def _check(self, path: str, what: str) -> None:
        try:
            await self._client.send("GET", path)
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            raise PermanentError(
                f"PagerDuty: {what} does not exist, or the key may not see it", error.reason
            ) from error

    async def _check_priorities(self) -> None:
        if not self._config.priorities:
            return
        there = (await self._client.send("GET", "/priorities")).read(Priorities).priorities
        missing = sorted(set(self._config.priorities.values()) - {one.id for one in there})
        if missing:
            known = ", ".join(f"{one.id} is {one.summary}" for one in there)
            message = f"PagerDuty: no priority {', '.join(missing)}; {known or 'the account has none'}"
            raise PermanentError(message, Reason.REJECTED)

    async def _log(self, since: datetime, until: datetime) -> list[LogEntry] | None:
        """Read all entries of a time; None if they are more than PagerDuty lists."""
        entries: list[LogEntry] = []
        for offset in range(0, LAST_OFFSET + 1, PAGE):
            params = {
                "since": since.isoformat(),
                "until": until.isoformat(),
                "limit": str(PAGE),
                "offset": str(offset),
            }
            page = (await self._client.send("GET", "/log_entries", params=params)).read(LogEntries)
            entries += page.log_entries
            if not page.more:
                return entries
        return None

    async def _load(self, ref: TicketRef) -> Incident:
        return (await self._client.send("GET", _path(ref))).read(One).incident

    async def _send(self, method: str, path: str, incident: Mapping[str, Any]) -> Reply:
        return await self._client.send(method, path, body=msgspec.json.encode({"incident": incident}))


def to_incident(config: PagerDutyConfig, ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into what PagerDuty creates."""
    return {
        "type": "incident",
        "title": at_least_one(one_line(ticket.title, TITLE_LENGTH)),
        "service": {"id": config.service_of(ticket.team), "type": "service_reference"},
        "incident_key": ticket.key,
        "body": {"type": "incident_body", "details": cut(with_link(ticket), DETAILS_LENGTH)},
        **_grades(config, ticket),
        **render_fields(config.fields, ticket),
    }


def to_changes(
    config: PagerDutyConfig, ticket: DesiredTicket, action: TicketAction, now: Incident
) -> dict[str, Any]:
    """Return what of *ticket* PagerDuty does not show."""
    shown = {
        "title": now.title,
        "urgency": now.urgency,
        "priority": {"id": now.priority.id if now.priority else "", "type": "priority_reference"},
    }
    wanted = {"title": at_least_one(one_line(ticket.title, TITLE_LENGTH)), **_grades(config, ticket)}
    wanted |= {name: value for name, value in render_fields(config.fields, ticket).items() if name in shown}
    changes = {name: value for name, value in wanted.items() if shown[name] != value}
    state = wanted_state(action, ticket.state, state_of(now.status))
    if state is not None and WORDS[state] != now.status:
        changes["status"] = WORDS[state]
    return changes


def _grades(config: PagerDutyConfig, ticket: DesiredTicket) -> dict[str, Any]:
    grades: dict[str, Any] = {"urgency": {**URGENCIES, **config.urgencies}[ticket.priority]}
    if ticket.priority in config.priorities:
        grades["priority"] = {"id": config.priorities[ticket.priority], "type": "priority_reference"}
    return grades


def seen_of(incident: Incident, config: PagerDutyConfig, now: datetime) -> TicketSeen:
    """Translate an incident into what was seen."""
    by_id = {config.priorities[priority]: same for priority, same in reads_as(config.priorities).items()}
    reason = incident.resolve_reason
    at = incident.updated_at or incident.last_status_change_at or incident.created_at or now
    return TicketSeen(
        id=incident.id,
        at=to_millis(at),
        state=state_of(incident.status),
        title=incident.title,
        priority=by_id.get(incident.priority.id) if incident.priority else None,
        assignee=", ".join(one.assignee.summary or one.assignee.id for one in incident.assignments),
        merged_into=reason.incident.id if reason and reason.incident and "merge" in reason.type else "",
    )


def state_of(status: str) -> TicketState | None:
    """Return the state that a status stands for.

    >>> state_of("acknowledged"), state_of("resolved")
    (<TicketState.ACKNOWLEDGED: 'acknowledged'>, <TicketState.RESOLVED: 'resolved'>)
    """
    return next((state for state, word in WORDS.items() if word == status), None)


def _is_taken(error: DeliveryError) -> bool:
    return error.reason is Reason.REJECTED and "matching dedup key" in str(error)


def _ref(incident: Incident) -> TicketRef:
    return TicketRef(incident.id, incident.html_url or "")


def _path(ref: TicketRef) -> str:
    return f"/incidents/{quote(ref.id, safe='')}"
