"""Events of ServiceNow's Event Management: its own rules make alerts and incidents of them.

``message_key`` makes all events of a key one alert, so that a create may be repeated. Nothing can be asked: the
inbound endpoint says only how many events it took, and the rules run later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.http import Http, Reply
from adapters.tickets.base import Adapter
from adapters.tickets.fields import render_fields
from adapters.tickets.servicenow_instance import Instance
from adapters.tickets.text import cut, one_line, with_link
from domain.errors import PermanentError, Reason
from domain.incident import TicketRef
from domain.ports import Capability
from domain.priority import Priority
from domain.ticket import DesiredTicket, TicketAction
from domain.times import Millis, to_text

if TYPE_CHECKING:
    from adapters.tickets.servicenow import ServiceNowConfig

PATH = "/api/global/em/jsonv2"
TAKEN = re.compile(r"(\d+) events? (?:were|was) inserted")
SEVERITIES = {Priority.P1: "1", Priority.P2: "2", Priority.P3: "3", Priority.P4: "4", Priority.P5: "5"}
"""Critical, major, minor, warning, info. 0 clears."""
TEXT_LENGTH = 4000


class Inserted(msgspec.Struct):
    """The answer: what was done, in words, by listener."""

    result: dict[str, str]


class ServiceNowEvents(Adapter):
    """The events of one instance."""

    capabilities = frozenset({Capability.UPDATE, Capability.REOPEN, Capability.IDEMPOTENT, Capability.PING})

    def __init__(self, config: ServiceNowConfig, http: Http) -> None:
        self._config = config
        self._instance = Instance(config, http)
        self._clock = http.clock

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Send an event; the ticket is called as its key."""
        reply = await self._instance.send(
            "POST", PATH, {"records": [to_event(self._config, ticket, int(self._clock() * 1000))]}
        )
        check_taken(reply)
        return TicketRef(ticket.key)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Send another event; its severity says whether it is over."""
        del action  # of a state there is nothing but the severity
        await self.create(ticket)
        return ref

    async def ping(self) -> None:
        """Ask for an event: shows that we are let in, and may read the table."""
        params = {"sysparm_limit": "1", "sysparm_fields": "sys_id"}
        (await self._instance.send("GET", "/api/now/table/em_event", None, params)).read(Listed)


class Listed(msgspec.Struct):
    """Any records."""

    result: list[dict[str, Any]]


def to_event(config: ServiceNowConfig, ticket: DesiredTicket, now: Millis) -> dict[str, str]:
    """Translate a ticket into an event of *now*: one that is older than the alert's last would be left out."""
    is_over = ticket.state.is_over
    more = {
        "priority": ticket.priority.value,
        "impact": ticket.impact.value,
        "urgency": ticket.urgency.value,
        "team": ticket.team,
        "alerts": ticket.alerts,
        "url": ticket.url,
        **ticket.labels,
    }
    return {
        "source": config.source,
        "message_key": ticket.key,
        "node": one_line(ticket.labels.get("host", ticket.service), 100),
        "resource": one_line(ticket.service, 100),
        "type": "incident",
        "severity": "0" if is_over else SEVERITIES[ticket.priority],
        "resolution_state": "Closing" if is_over else "New",
        "description": cut(f"{one_line(ticket.title, 160)}\n\n{with_link(ticket)}", TEXT_LENGTH),
        "additional_info": msgspec.json.encode(more).decode(),
        "time_of_event": to_text(now)[:19].replace("T", " "),
        **render_fields(config.fields, ticket),
    }


def check_taken(reply: Reply) -> None:
    """Make sure that the event was taken: the answer is a 200 also where none was.

    Raises:
        PermanentError: it was not.
    """
    words = " ".join(reply.read(Inserted).result.values())
    count = TAKEN.search(words)
    if count is None or count[1] == "0":
        raise PermanentError(f"ServiceNow took no event: {words[:200]}", Reason.REJECTED)
