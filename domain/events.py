"""What travels in mailboxes.

A message's body is a MessagePack list of events. Events are tagged arrays: fields are only ever added at the
end, with a default, so that an older and a newer process can read each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.alert import Alert, AlertHead
from domain.change import Change
from domain.commands import Action
from domain.incident import TicketRef
from domain.ticket import DesiredTicket, NewsKind, TicketAction, TicketSeen
from domain.times import Millis


class AlertsReceived(msgspec.Struct, frozen=True, array_like=True, tag="alerts", gc=False):
    """One accepted request: the alerts it held."""

    id: str
    received_at: Millis
    alerts: list[Alert]


class ChangesReceived(msgspec.Struct, frozen=True, array_like=True, tag="changes", gc=False):
    """One accepted request that told of changes. They are no alerts, so they are not accounted for as such."""

    id: str
    received_at: Millis
    changes: list[Change]


class AlertsSealed(msgspec.Struct, frozen=True, array_like=True, tag="alerts", gc=False):
    """``AlertsReceived`` as it is read from a mailbox: most alerts repeat what is known, and are never opened."""

    id: str
    received_at: Millis
    alerts: list[msgspec.Raw]


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


class TicketsDesired(msgspec.Struct, frozen=True, array_like=True, tag="desired", gc=False):
    """What tickets should show from now on."""

    at: Millis
    tickets: list[DesiredTicket]
    reply_to: str
    """Mailbox of the shard that wants to hear what becomes of them."""


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="quarantined"):
    """A request that authenticated but could not be understood, or not all of it: kept whole, to be replayed."""

    id: str
    received_at: Millis
    source: str
    reason: str
    path: str
    """Place of the fault in the body; empty where there is no one place."""
    body: bytes
    content_type: str = ""
    headers: dict[str, str] = {}
    """Names in lower case; secrets are masked."""
    query: dict[str, str] = {}
    """Secrets are masked."""
    method: str = "POST"
    subpath: str = ""
    """What followed ``/ingest/SOURCE``."""
    accepted: int = 0
    """Good alerts of it that were accepted."""
    packed: bool = False
    """Whether the body is packed with zlib, as large ones are."""

    @property
    def at(self) -> Millis:
        """When it was received."""
        return self.received_at


class QuarantineSettled(msgspec.Struct, frozen=True, array_like=True, tag="settled"):
    """An operator is done with something in quarantine: it was replayed, or is not wanted."""

    id: str
    at: Millis
    replayed: int | None = None
    """Alerts accepted of it by the replay; None if it was dropped."""


class TicketsSeen(msgspec.Struct, frozen=True, array_like=True, tag="seen"):
    """How tickets stand in their tool: by a callback or a poll."""

    at: Millis
    tickets: list[TicketSeen]
    cursor: str = ""
    """Where the next poll goes on; empty for a callback."""
    is_check: bool = False
    """Whether they were looked at on purpose, and are to be set right where they differ."""


class TicketNews(msgspec.Struct, frozen=True, array_like=True, tag="news"):
    """A destination tells what a person did to an incident's ticket."""

    incident: str
    destination: str
    at: Millis
    kind: NewsKind
    actor: str = ""
    detail: str = ""
    """The comment, the assignee, the priority, or where it was merged into."""


class ParkedAsked(msgspec.Struct, frozen=True, array_like=True, tag="parked"):
    """An operator gives parked tickets another chance, or gives them up."""

    at: Millis
    keys: list[str]
    drop: bool = False


class OperatorAsked(msgspec.Struct, frozen=True, array_like=True, tag="operator"):
    """An operator asks for something; who and why go on record."""

    at: Millis
    actor: str
    reason: str
    action: Action
    id: str = ""
    """Names the request: a copy of it changes nothing. Empty for one whose copies do no harm."""


class Audited(msgspec.Struct, frozen=True, array_like=True, tag="audited"):
    """Somebody asked for something beyond looking."""

    at: Millis
    actor: str
    role: str
    method: str
    path: str
    status: int
    """What was answered, as an HTTP status."""
    peer: str = ""
    """Address that it came from, which may be a proxy's."""


_Others = (
    Tick
    | TicketReported
    | TicketsDesired
    | Quarantined
    | QuarantineSettled
    | TicketsSeen
    | TicketNews
    | ParkedAsked
    | OperatorAsked
    | Audited
    | ChangesReceived
)
Event = AlertsReceived | _Others
Delivered = Event | AlertsSealed
"""What a shard is told."""


def moment(event: Delivered) -> Millis:
    """Return when it happened."""
    if isinstance(event, AlertsReceived | AlertsSealed | Quarantined | ChangesReceived):
        return event.received_at
    return event.at


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Event])
_sealed_decoder = msgspec.msgpack.Decoder(list[AlertsSealed | _Others])
_head_decoder = msgspec.msgpack.Decoder(AlertHead)
_alert_decoder = msgspec.msgpack.Decoder(Alert)


def encode(events: Sequence[Event]) -> bytes:
    """Write a message body."""
    return _encoder.encode(events)


def decode(body: bytes) -> list[Event]:
    """Read a message body.

    Raises:
        msgspec.DecodeError: if it is not one.
    """
    return _decoder.decode(body)


def decode_sealed(body: bytes) -> Sequence[Delivered]:
    """Read a message body, but leave alerts sealed.

    Raises:
        msgspec.DecodeError: if it is not one.
    """
    return _sealed_decoder.decode(body)


def read_head(sealed: msgspec.Raw) -> AlertHead:
    """Read the beginning of a sealed alert.

    Raises:
        msgspec.DecodeError: if it is none.
    """
    return _head_decoder.decode(sealed)


def read_alert(sealed: msgspec.Raw) -> Alert:
    """Open a sealed alert.

    Raises:
        msgspec.DecodeError: if it is none.
    """
    return _alert_decoder.decode(sealed)
