"""Answers of ServiceDesk Plus, how they tell of failures, and its usual words. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.http import Reply
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.priority import Level, Priority
from domain.ticket import TicketState

SHOWN = (
    "id",
    "subject",
    "status",
    "priority",
    "technician",
    "group",
    "last_updated_time",
    "udf_fields",
    "is_trashed",
)
STATES = {
    TicketState.OPEN: "Open",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Onhold",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
PRIORITIES = {
    Priority.P1: "High",
    Priority.P2: "Medium",
    Priority.P3: "Normal",
    Priority.P4: "Low",
    Priority.P5: "Low",
}
IMPACTS = {
    Level.HIGH: "Affects Business",
    Level.MEDIUM: "Affects Department",
    Level.LOW: "Affects User",
}
URGENCIES = {Level.HIGH: "High", Level.MEDIUM: "Normal", Level.LOW: "Low"}


class Named(msgspec.Struct):
    """What has a name."""

    name: str = ""


class Moment(msgspec.Struct):
    """A moment, in milliseconds."""

    value: int | str = 0


class Request(msgspec.Struct):
    """A request as it is shown."""

    id: int | str
    subject: str = ""
    status: Named | None = None
    priority: Named | None = None
    technician: Named | None = None
    last_updated_time: Moment | None = None
    udf_fields: dict[str, Any] | None = None
    is_trashed: bool = False

    @property
    def changed(self) -> int:
        """When it was last changed."""
        return int(self.last_updated_time.value) if self.last_updated_time else 0


class Message(msgspec.Struct):
    """One thing that is wrong."""

    message: str = ""
    field: str = ""


class Status(msgspec.Struct):
    """How a call went."""

    status: str = "success"
    messages: list[Message] = []


class Answer(msgspec.Struct):
    """What every answer has; a list of them for lists."""

    response_status: Status | list[Status]


class One(msgspec.Struct):
    """An answer with a request."""

    request: Request


class More(msgspec.Struct):
    """Whether a list goes on."""

    has_more_rows: bool = False


class Many(msgspec.Struct):
    """An answer with requests."""

    requests: list[Request]
    list_info: More = msgspec.field(default_factory=More)


class Token(msgspec.Struct):
    """What Zoho Accounts gives, with 200 for errors too."""

    access_token: str = ""
    error: str = ""


def succeeded(reply: Reply) -> Reply:
    """Return the reply if it says that the call went well.

    Raises:
        PermanentError: it says that it did not.
    """
    status = reply.read(Answer).response_status
    for one in status if isinstance(status, list) else [status]:
        if one.status != "success":
            reasons = "; ".join(f"{each.field} {each.message}".strip() for each in one.messages)
            raise PermanentError(f"ServiceDesk Plus: {reasons or 'failed'}", Reason.REJECTED)
    return reply


def limited(error: DeliveryError) -> DeliveryError | None:
    """Return what an error means that the cloud gives for too many requests: a 400 with its own word."""
    if "LIMIT_EXCEEDED" not in str(error):
        return None
    paused = TemporaryError(str(error), Reason.RATE_LIMITED, retry_after=60)
    paused.request = error.request
    return paused
