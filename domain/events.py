"""What travels in mailboxes.

A message's body is a MessagePack list of events. Events are tagged arrays: fields are only ever added at the
end, with a default, so that an older and a newer process can read each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.alert import Alert
from domain.incident import TicketRef
from domain.ticket import DesiredTicket, TicketAction
from domain.times import Millis


class AlertsReceived(msgspec.Struct, frozen=True, array_like=True, tag="alerts"):
    """One accepted request: the alerts it held."""

    id: str
    received_at: Millis
    alerts: list[Alert]


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    """Nothing happened, but time went on. Makes time part of the journal, so that a replay decides the same."""

    at: Millis


class TicketReported(msgspec.Struct, frozen=True, array_like=True, tag="ticket"):
    """A destination tells what became of an incident's ticket."""

    incident: str
    destination: str
    at: Millis
    action: TicketAction
    state: str
    """open, resolved, parked or retrying."""
    version: int
    ref: TicketRef | None = None
    detail: str = ""


class TicketsDesired(msgspec.Struct, frozen=True, array_like=True, tag="desired"):
    """What tickets should show from now on."""

    at: Millis
    tickets: list[DesiredTicket]
    reply_to: str
    """Mailbox of the shard that wants to hear what becomes of them."""


Event = AlertsReceived | Tick | TicketReported | TicketsDesired


def moment(event: Event) -> Millis:
    """Return when it happened."""
    return event.received_at if isinstance(event, AlertsReceived) else event.at


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Event])


def encode(events: Sequence[Event]) -> bytes:
    """Write a message body."""
    return _encoder.encode(events)


def decode(body: bytes) -> list[Event]:
    """Read a message body.

    Raises:
        msgspec.DecodeError: if it is not one.
    """
    return _decoder.decode(body)
