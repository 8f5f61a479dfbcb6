"""Recorded traffic: the journal of a broker, or the files that ``tocsin serve --record`` keeps."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from domain.events import Delivered, Tick, decode_sealed, moment
from domain.ports import Broker
from domain.times import Millis, to_millis
from ingest.sources import Post
from ingest.sources.message import SUFFIX, read_message

QUIET: Millis = 30_000
"""Between files that are further apart it is told that time went on, as the owner of a shard does."""
_MOMENT = re.compile(r"(\d{8}T\d{6}\.\d{3}Z)-\d+")


class NoTraffic(Exception):
    """There is nothing to read, or it tells no time; says what."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something that came in."""

    at: Millis
    events: Sequence[Delivered] = ()
    post: Post | None = None
    """A request that is not read yet: each configuration may read it in its own way."""


async def from_journal(broker: Broker, mailboxes: Sequence[str]) -> AsyncIterator[Recorded]:
    """Read the journals of all partitions as one, in the order of time. What cannot be decoded is left out."""
    readers = [_opened(broker, mailbox) for mailbox in mailboxes]
    heads = [(reader, await anext(reader, None)) for reader in readers]
    waiting = {number: head for number, (_, head) in enumerate(heads) if head is not None}
    while waiting:
        number = min(waiting, key=lambda each: (waiting[each].at, each))
        yield waiting.pop(number)
        following = await anext(readers[number], None)
        if following is not None:
            waiting[number] = following


async def _opened(broker: Broker, mailbox: str) -> AsyncIterator[Recorded]:
    """A message says no earlier moment than the one before it: the clock of a shard never goes back."""
    clock = 0
    async for message in broker.journal(mailbox):
        try:
            events = decode_sealed(message.body)
        except (msgspec.MsgspecError, ValueError):
            continue
        clock = max(clock, max(map(moment, events), default=0))
        yield Recorded(clock, events)


def recorded_files(path: Path) -> list[Path]:
    """List recorded requests in the order of time.

    Raises:
        NoTraffic: there are none, or the name of one does not tell when it was received.
    """
    found = [path] if path.is_file() else sorted(path.rglob(f"*{SUFFIX}"))
    if not found:
        raise NoTraffic(f"{path} has no journal (tocsin.db) and no recorded requests (*{SUFFIX}) in it")
    timed = [(_moment_of(each), each.name, str(each)) for each in found]
    return [Path(each) for _, _, each in sorted(timed)]


def from_files(files: Sequence[Path]) -> Iterator[Recorded]:
    """Read requests; the folder of each tells its source."""
    clock: Millis | None = None
    for file in files:
        at = _moment_of(file)
        while clock is not None and at - clock > QUIET:
            clock += QUIET
            yield Recorded(clock, [Tick(clock)])
        clock = at
        yield Recorded(at, post=read_message(file.read_bytes(), file.parent.name, at))


def _moment_of(file: Path) -> Millis:
    found = _MOMENT.match(file.name)
    if found is None:
        raise NoTraffic(
            f"{file}: its name does not begin with when it was received, like 20240131T120000.000Z-1"
        )
    return to_millis(datetime.fromisoformat(found[1]))
