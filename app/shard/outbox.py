"""What a batch says to other shards, as numbered messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from domain.events import Event, encode
from domain.ports import Message

LARGEST = 200
"""Events in one message: keeps it well below what brokers like."""


class Sequences(msgspec.Struct, frozen=True, array_like=True):
    """How many messages a shard has sent to each mailbox."""

    sent: dict[str, int]


def numbered(
    shard: str, sequences: Sequences, outgoing: Mapping[str, Sequence[Event]]
) -> tuple[list[tuple[str, Message]], Sequences]:
    """Make messages of *outgoing*, each with the next number of its mailbox."""
    sent = dict(sequences.sent)
    messages: list[tuple[str, Message]] = []
    for mailbox, events in outgoing.items():
        for body in _bodies(events):
            sent[mailbox] = sent.get(mailbox, 0) + 1
            messages.append((mailbox, Message(shard, sent[mailbox], body)))
    return messages, Sequences(sent)


def _bodies(events: Sequence[Event]) -> Iterator[bytes]:
    for start in range(0, len(events), LARGEST):
        yield encode(events[start : start + LARGEST])
