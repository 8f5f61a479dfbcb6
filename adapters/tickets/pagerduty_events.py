"""PagerDuty by events alone (Events API v2), and what its webhooks (v3) say in either way.

A trigger joins the open alert with its ``dedup_key``, so it may be repeated. But once that is resolved, by
us or by a person, the same trigger opens another and wakes people again. So a plain update sends nothing (the
API cannot change an open alert anyway), and what is over is only ever resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import SecretStr

from adapters.http import Client
from adapters.tickets.base import Adapter
from adapters.tickets.fields import render_fields
from adapters.tickets.signatures import check_any_hmac
from adapters.tickets.text import clean, cut, one_line
from domain.errors import CallbackRefused, PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Callback, Capability
from domain.priority import Priority
from domain.ticket import Comment, DesiredTicket, TicketAction, TicketSeen, TicketState
from domain.times import Millis, to_millis, to_text

SUMMARY_LENGTH = 1024
DETAILS_LENGTH = 120_000  # of the 512 kB that an event may have
SEVERITIES = {
    Priority.P1: "critical",
    Priority.P2: "error",
    Priority.P3: "warning",
    Priority.P4: "info",
    Priority.P5: "info",
}
STATES = {
    "triggered": TicketState.OPEN,
    "acknowledged": TicketState.ACKNOWLEDGED,
    "resolved": TicketState.RESOLVED,
}


class Accepted(msgspec.Struct):
    """The answer to an event."""

    status: str
    dedup_key: str


class PagerDutyEvents(Adapter):
    """The sending side alone. A ticket's id is our key."""

    capabilities = frozenset(
        {
            Capability.CALLBACK,
            Capability.TRANSITION,
            Capability.REOPEN,
            Capability.IDEMPOTENT,
        }
    )

    def __init__(
        self,
        client: Client,
        routing_key: str,
        teams: Mapping[str, str],
        fields: Mapping[str, Any],
        callback_secret: SecretStr | None,
    ) -> None:
        self._client = client
        self._routing_key = routing_key
        self._teams = teams
        self._fields = fields
        self._callback_secret = callback_secret

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Trigger; of what is over already nobody is told."""
        await self._send(ticket, "resolve" if ticket.state.is_over else "trigger")
        return TicketRef(ticket.key)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Send a change of state; nothing else can be changed."""
        match action:
            case TicketAction.RESOLVE:
                await self._send(ticket, "resolve")
            case TicketAction.REOPEN:
                await self._send(ticket, "trigger")
            case TicketAction.TRANSITION if ticket.state is not TicketState.OPEN:
                await self._send(ticket, "acknowledge")
            case _:
                pass
        return ref

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Understand a webhook (v3); one that does not tell the key, as for a note, is of no use here."""
        told = understood(self._callback_secret, call)
        return [] if told is None or not told.key else [told.seen(told.key)]

    async def _send(self, ticket: DesiredTicket, action: str) -> None:
        key = self._teams.get(ticket.team, self._routing_key)
        body = msgspec.json.encode({"routing_key": key, **to_event(ticket, action, self._fields)})
        accepted = (await self._client.send("POST", "/v2/enqueue", body=body)).read(Accepted)
        if accepted.status != "success" or accepted.dedup_key != ticket.key:
            message = f"PagerDuty answered {accepted.status} for {accepted.dedup_key}, not for {ticket.key}"
            raise PermanentError(message, Reason.BAD_ANSWER)


def to_event(ticket: DesiredTicket, action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a ticket into an event."""
    event: dict[str, Any] = {"event_action": action, "dedup_key": ticket.key}
    if action != "trigger":
        return event
    payload = {
        "summary": at_least_one(one_line(ticket.title, SUMMARY_LENGTH)),
        "source": at_least_one(one_line(ticket.service, SUMMARY_LENGTH)),
        "severity": SEVERITIES[ticket.priority],
        "timestamp": to_text(ticket.opened_at),
        "custom_details": {
            "description": cut(clean(ticket.description), DETAILS_LENGTH),
            "priority": ticket.priority.value,
            "team": ticket.team,
            "alerts": ticket.alerts,
        },
        **render_fields(fields, ticket),
    }
    links = [{"href": ticket.url, "text": "Incident in Tocsin"}] if ticket.url else []
    return {**event, "payload": payload, "links": links, "client": "Tocsin", "client_url": ticket.url}


def at_least_one(text: str) -> str:
    """Fill in for a text that may not be empty."""
    return text or "unknown"


class Agent(msgspec.Struct):
    """Who did it."""

    summary: str | None = None


class Named(msgspec.Struct):
    """Something with a name."""

    id: str = ""
    summary: str | None = None


class Data(msgspec.Struct):
    """The incident, or a note and which incident it is of."""

    id: str
    type: str = "incident"
    status: str | None = None
    incident_key: str | None = None
    title: str | None = None
    assignees: list[Named] | None = None
    incident: Named | None = None
    content: str | None = None


class Event(msgspec.Struct):
    """What happened."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    event_type: str
    occurred_at: datetime
    data: Data | None
    agent: Agent | None = None


class Posted(msgspec.Struct):
    """The body of a webhook."""

    event: Event


class Told(msgspec.Struct, frozen=True):
    """What a webhook says of an incident."""

    id: str
    key: str
    at: Millis
    event: Event

    def seen(self, id_: str) -> TicketSeen:
        """Say it of the ticket *id_*."""
        data, actor = self.event.data, self.event.agent.summary if self.event.agent else None
        assert data is not None
        if data.type == "incident_note":
            comment = Comment(data.id, actor or "", data.content or "", self.at)
            return TicketSeen(id_, self.at, actor or "", comments=(comment,))
        return TicketSeen(
            id=id_,
            at=self.at,
            actor=actor or "",
            state=STATES.get(data.status or ""),
            title=data.title,
            assignee=None
            if data.assignees is None
            else ", ".join(one.summary or one.id for one in data.assignees),
            is_deleted=False,
        )


def understood(secret: SecretStr | None, call: Callback) -> Told | None:
    """Authenticate and read a webhook; None for one about something else, like a test or a service.

    Raises:
        CallbackRefused: it is not from PagerDuty, or not a webhook of version 3.
    """
    if secret is None:
        raise CallbackRefused(
            "set callback_secret to the secret of PagerDuty's webhook subscription", is_forged=True
        )
    check_any_hmac(secret.get_secret_value(), call.body, call.headers.get("x-pagerduty-signature", ""), "v1")
    try:
        event = msgspec.json.decode(call.body, type=Posted).event
        at = to_millis(event.occurred_at)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise CallbackRefused(f"not a webhook of version 3: {error}") from error
    data = event.data
    if not event.event_type.startswith("incident.") or data is None:
        return None
    if data.type == "incident_note" and data.incident is not None:
        return Told(data.incident.id, "", at, event)
    return Told(data.id, data.incident_key or "", at, event) if data.type == "incident" else None
