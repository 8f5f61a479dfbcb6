"""The doors to the outside world. Each has an embedded and a scale-out implementation, held to one contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from domain.incident import LinkKind as LinkKind
from domain.incident import TicketRef
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction, TicketSeen
from domain.times import Millis


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One unit of a mailbox. ``(producer, sequence)`` names it, so that a copy is known as one."""

    producer: str
    sequence: int
    """Counts up from 1 for each producer and mailbox; 0 for a message of which a copy does no harm."""
    body: bytes
    alerts: int = 0
    """Alerts inside, so that they are accounted for even where the body cannot be read."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message in hand, not yet acknowledged."""

    message: Message
    tag: int
    """Grows with each message of one subscription."""


class Subscription(Protocol):
    """The reading end of a mailbox. While it is the active one it alone gets messages, in order."""

    async def receive(self, limit: int, wait: float) -> list[Received]:
        """Take what is there, up to *limit* messages; wait up to *wait* seconds for the first.

        Empty when nothing came, or when another subscription is the active one.
        Safe to cancel: nothing is lost.

        Raises:
            BrokerUnavailable: the connection is gone; subscribe again.
        """
        ...

    async def acknowledge(self, last: Received) -> None:
        """Settle *last* and every message received before it; they never come again.

        Raises:
            BrokerUnavailable: they may come again.
        """
        ...


class Broker(Protocol):
    """Durable mailboxes, each worked by one subscription at a time, and a journal of what went in."""

    async def publish(self, mailbox: str, messages: Sequence[Message]) -> None:
        """Put *messages* into *mailbox*, in order; return once they are on durable storage.

        Raises:
            BrokerUnavailable: some may be in, some not; publish the same again.
            StorageFull: none is in.
        """
        ...

    def subscribe(self, mailbox: str) -> AbstractAsyncContextManager[Subscription]:
        """Join those that read *mailbox*: the active one, or a standby that takes over when it goes.

        What was received and not acknowledged goes to the next active one, in its old order.

        Raises:
            BrokerUnavailable: on entering.
        """
        ...

    def journal(self, mailbox: str) -> AsyncIterator[Message]:
        """Read all that was ever published to *mailbox* and is still kept, from the oldest to the present end."""
        ...

    async def depth(self, mailbox: str) -> int:
        """Count the messages that wait or are in hand."""
        ...

    async def ping(self) -> None:
        """Raise BrokerUnavailable unless the broker answers."""
        ...

    async def close(self) -> None:
        """Let go of connections and files; safe to call twice."""
        ...


@dataclass(slots=True)
class Commit:
    """All that one batch changes in a shard. It is written whole or not at all."""

    records: dict[str, bytes | None] = field(default_factory=dict)
    """Values to put; None removes."""
    timers: dict[str, Millis | None] = field(default_factory=dict)
    """When each is due; None removes."""
    index: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """(index, member) → score; None removes the member."""
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    """(log, line) appended in order, for what grows: timelines, quarantine."""
    dropped_logs: list[str] = field(default_factory=list)
    """Logs to empty, before ``lines`` are appended."""
    counters: dict[str, int] = field(default_factory=dict)
    """Added to what is there."""
    outbox: list[tuple[str, Message]] = field(default_factory=list)
    """(mailbox, message) to be published after the commit; kept until a later commit says they were."""
    sent: int = 0
    """How many of the oldest outbox entries were published since the last commit; they are removed."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment a shard asked to be woken at."""

    id: str
    due: Millis


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of an index."""

    score: float
    member: str


class StateStore(Protocol):
    """State of shards. A shard is a namespace that one process owns at a time, told by its epoch.

    Every method raises StoreUnavailable when the store does not answer; a commit's outcome is then unknown,
    and whoever made it must claim the shard anew and read again.
    """

    async def claim(self, shard: str) -> int:
        """Become the owner: return a new epoch. Commits under older ones are refused from now on."""
        ...

    async def commit(self, shard: str, epoch: int, commit: Commit) -> Millis | None:
        """Write *commit* atomically and durably; return when the earliest timer is due now.

        Raises:
            Fenced: the shard has a newer epoch; nothing was written.
        """
        ...

    async def load(self, shard: str, keys: Sequence[str]) -> list[bytes | None]:
        """Read records, in the order of *keys*; None where there is none."""
        ...

    async def next_due(self, shard: str) -> Millis | None:
        """Return when the earliest timer is due."""
        ...

    async def due(self, shard: str, until: Millis, limit: int) -> list[Timer]:
        """List timers due at or before *until*, the earliest first, ties by id. They stay until a commit."""
        ...

    async def outbox(self, shard: str, limit: int) -> list[tuple[str, Message]]:
        """List the oldest outbox entries not yet marked as sent."""
        ...

    async def scan(
        self, shard: str, index: str, *, limit: int, after: Entry | None = None, newest: bool = False
    ) -> list[Entry]:
        """Page through an index by (score, member), upwards, or downwards with *newest*, beyond *after*."""
        ...

    async def size(self, shard: str, index: str) -> int:
        """Count the members of an index."""
        ...

    async def lines(self, shard: str, log: str, *, start: int = 0, limit: int = 1000) -> list[bytes]:
        """Read a log's lines from the *start*-th on, the oldest first."""
        ...

    async def counters(self, shard: str) -> dict[str, int]:
        """Read all counters of a shard, as of one moment."""
        ...

    async def report(self, totals: dict[str, int]) -> None:
        """Remember how many alerts each producer has had confirmed in all; a smaller total changes nothing."""
        ...

    async def reported(self) -> dict[str, int]:
        """Read what producers reported."""
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""
        ...

    async def close(self) -> None:
        """Let go of connections and files; safe to call twice."""
        ...


class Membership(Protocol):
    """Who else is there. Only where several processes share the work."""

    async def announce(self, group: str, process: str, holds: Millis) -> list[str]:
        """Say that *process* is there for the next *holds* milliseconds, or with 0 that it goes; list who is there.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        ...


class Capability(StrEnum):
    """What a ticketing tool can do: mostly a method of ``TicketSystem`` that works."""

    FIND = "find"
    UPDATE = "update"
    """Without it a change is a new message, as in a chat that cannot be edited."""
    COMMENT = "comment"
    LINK = "link"
    ATTACH = "attach"
    READ = "read"
    CALLBACK = "callback"
    POLL = "poll"
    TRANSITION = "transition"
    """It has states of work between open and resolved: ``update`` sets them."""
    REOPEN = "reopen"
    """A resolved ticket comes back. Without it ``update`` opens another, and returns that."""
    PROBLEM = "problem"
    """It has problem records: ``create`` heeds the ticket's kind."""
    PING = "ping"
    IDEMPOTENT = "idempotent"
    """A create with the same key is the same ticket, so it may be repeated without a search."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A request that claims to come from a ticketing tool."""

    body: bytes
    received_at: Millis
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll brought."""

    seen: Sequence[TicketSeen]
    cursor: str
    """Where to go on the next time."""


class TicketSystem(Protocol):
    """One ticketing tool. It only translates and sends; retries, limits and metrics are around it.

    Every method raises TemporaryError or PermanentError, and nothing else on purpose. Those that belong to a
    capability which the tool lacks are never called; ``adapters.tickets.base.Adapter`` has them all.
    """

    capabilities: frozenset[Capability]
    search_lag: float
    """Seconds after a create until ``find`` is sure to see it."""
    reads_as: Mapping[Priority, Priority]
    """What a priority that we wrote reads as, where that is another: some tools have fewer."""

    async def find(self, key: str) -> TicketRef | None:
        """Look a ticket up by our key. Settles whether a create whose answer was lost was done."""
        ...

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Open a ticket that shows *ticket*."""
        ...

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Make the ticket show *ticket*; *action* is update, resolve, reopen or transition.

        The state is people's too: a plain update leaves it alone.
        """
        ...

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Write *note* where those who work on the ticket see it, not its customer."""
        ...

    async def link(self, ref: TicketRef, other: TicketRef, kind: LinkKind) -> None:
        """Relate two tickets of this tool; a link that is there already is fine."""
        ...

    async def attach(self, ref: TicketRef, name: str, content: bytes, media_type: str) -> None:
        """Attach a file."""
        ...

    async def read(self, ref: TicketRef) -> TicketSeen:
        """Tell how a ticket stands. One that is gone is ``is_deleted``, not an error."""
        ...

    async def callback(self, call: Callback) -> Sequence[TicketSeen]:
        """Authenticate and understand what the tool posted.

        Raises:
            CallbackRefused: it is not from the tool, or not what it sends.
            Handshake: the tool asks whether the address is ours.
        """
        ...

    async def poll(self, cursor: str) -> Polled:
        """List tickets changed since *cursor*; with an empty one nothing but where to begin."""
        ...

    async def ping(self) -> None:
        """Check that the tool answers, lets us in, and has what we write to; the error says what is missing."""
        ...

    async def close(self) -> None:
        """Let go of connections; safe to call twice."""
        ...


def alerts_mailbox(partition: int) -> str:
    """Name the mailbox of a partition of alerts; its shard is called the same."""
    return f"alerts.{partition}"


def tickets_mailbox(destination: str) -> str:
    """Name the mailbox of a destination; its shard is called the same."""
    return f"tickets.{destination}"
