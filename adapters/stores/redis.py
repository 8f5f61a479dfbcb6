"""Redis, 7 or later, as the state store: alone, a Redis Cluster, or what Sentinels call the master.

All keys of a shard carry one hash tag, so they live on one node and one script may write them all. All of
them are permanent: an expiry would take state away behind the back of the core, which removes what it no longer
needs by its own commits.

==============================  ======  ===================================================================
key                             type    why it stays
==============================  ======  ===================================================================
``tocsin:{<shard>}:epoch``      string  who owns the shard; were it gone, an old owner could write again
``tocsin:{<shard>}:records``    hash    the state; commits remove records
``tocsin:{<shard>}:timers``     zset    due moments; a timer goes with the commit that handles it
``tocsin:{<shard>}:counters``   hash    the loss accounting counts for ever; as many as there are outcomes
``tocsin:{<shard>}:outbox``     list    messages not yet published; the next commit takes off what was
``tocsin:{<shard>}:index.<n>``  zset    lists; members go with their records
``tocsin:{<shard>}:log.<n>``    list    timelines and quarantine; ``dropped_logs`` removes them
``tocsin:reported``             hash    what each producer had confirmed; as many as there are producers
``tocsin:processes.<group>``    zset    who is there and for how long; goes when nobody says so any more
==============================  ======  ===================================================================

How durable a commit is, Redis decides: with ``appendonly yes`` it survives the end of Redis' process, with
``appendfsync always`` that of the machine, with ``everysec`` all but its last second. Run Redis with
``maxmemory-policy noeviction``.

https://redis.io/docs/latest/develop/programmability/eval-intro/
https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from itertools import chain
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from redis.exceptions import (
    ChildDeadlockedError,
    IncorrectPolicyType,
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from adapters.stores.redis_address import connect
from domain.errors import Fenced, StoreUnavailable
from domain.ports import Commit, Entry, Message, Timer
from domain.times import Millis

REPORTED: Final = "tocsin:reported"

FAILURES: Final = (
    RedisError,
    RedisClusterException,
    ChildDeadlockedError,
    IncorrectPolicyType,
    OSError,
    EOFError,
    # How uvloop says that a connection was closed under our hands.
    RuntimeError,
)
"""What redis-py, asyncio and the system raise when Redis is away or refuses. TimeoutError is an OSError."""


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Map what the libraries raise, FAILURES, to StoreUnavailable; the only place that does."""
    try:
        yield
    except FAILURES as error:
        raise StoreUnavailable(f"{doing}: {str(error) or type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script. It is sent to a server once, and called by its digest from then on."""

    source: str
    digest: str

    @classmethod
    def of(cls, source: str) -> Script:
        """Work out the digest, as Redis does."""
        return cls(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def _script(name: str) -> Script:
    return Script.of(files("adapters.stores").joinpath(name).read_text())


COMMIT: Final = _script("commit.lua")
CLAIM: Final = _script("claim.lua")
REPORT: Final = _script("report.lua")
ANNOUNCE: Final = _script("announce.lua")
SCAN: Final = _script("scan.lua")

Write = tuple[str, str, Sequence[str | float | msgspec.Raw]]
"""Command, key within the shard, arguments; nothing is done without arguments."""
V = TypeVar("V", bytes, float)
_pack = msgspec.msgpack.Encoder().encode
_unpack_letter = msgspec.msgpack.Decoder(tuple[str, Message]).decode


class RedisStore:
    """The StateStore over Redis, and the Membership. Connects when it is first used.

    *url* is one that ``redis_address.connect`` knows: of a server, a Cluster, or Sentinels.
    *timeout* is in seconds, for any one call, connecting included. Nothing is tried twice: a commit whose
    answer is lost may have been written, and must not be written again.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._client = connect(url, timeout)
        self._place = urlsplit(url).hostname or "a socket"
        self._timeout = timeout
        self._closed = False
        self._ready = False
        self._preparing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"RedisStore({self._place})"

    async def claim(self, shard: str) -> int:
        """Become the owner: return a new epoch."""
        return int(await self._run(CLAIM, [_key(shard, "epoch")]))

    async def commit(self, shard: str, epoch: int, commit: Commit) -> Millis | None:
        """Write *commit* by one script; return when the earliest timer is due."""
        keys, packed = pack(shard, commit)
        earliest = await self._run(COMMIT, keys, epoch, packed)
        if earliest is None:
            raise Fenced(f"{shard}: epoch {epoch} is over")
        return _due(earliest)

    async def load(self, shard: str, keys: Sequence[str]) -> list[bytes | None]:
        """Read records, in the order of *keys*."""
        if not keys:
            return []
        records: list[bytes | None] = await self._ask("HMGET", _key(shard, "records"), *keys)
        return records

    async def next_due(self, shard: str) -> Millis | None:
        """Return when the earliest timer is due."""
        return _due(await self._ask("ZRANGE", _key(shard, "timers"), 0, 0, "WITHSCORES"))

    async def due(self, shard: str, until: Millis, limit: int) -> list[Timer]:
        """List timers due at or before *until*, the earliest first, ties by id."""
        window = ("-inf", until, "WITHSCORES", "LIMIT", 0, limit)
        found = await self._ask("ZRANGEBYSCORE", _key(shard, "timers"), *window)
        return [Timer(name.decode(), int(float(due))) for name, due in _pairs(found)]

    async def outbox(self, shard: str, limit: int) -> list[tuple[str, Message]]:
        """List the oldest outbox entries."""
        letters = await self._ask("LRANGE", _key(shard, "outbox"), 0, limit - 1)
        return [_unpack_letter(letter) for letter in letters]

    async def scan(
        self, shard: str, index: str, *, limit: int, after: Entry | None = None, newest: bool = False
    ) -> list[Entry]:
        """Page through an index by (score, member)."""
        key = _key(shard, f"index.{index}")
        if after is not None:
            found = await self._run(SCAN, [key], limit, int(newest), repr(after.score), after.member)
        else:
            found = await self._ask("ZREVRANGE" if newest else "ZRANGE", key, 0, limit - 1, "WITHSCORES")
        return [Entry(float(score), member.decode()) for member, score in _pairs(found)]

    async def size(self, shard: str, index: str) -> int:
        """Count the members of an index."""
        return int(await self._ask("ZCARD", _key(shard, f"index.{index}")))

    async def lines(self, shard: str, log: str, *, start: int = 0, limit: int = 1000) -> list[bytes]:
        """Read a log's lines from the *start*-th on."""
        lines: list[bytes] = await self._ask("LRANGE", _key(shard, f"log.{log}"), start, start + limit - 1)
        return lines

    async def counters(self, shard: str) -> dict[str, int]:
        """Read all counters of a shard."""
        return _numbers(await self._ask("HGETALL", _key(shard, "counters")))

    async def report(self, totals: dict[str, int]) -> None:
        """Remember the totals that are larger than what is there."""
        await self._run(REPORT, [REPORTED], *chain.from_iterable(totals.items()))

    async def reported(self) -> dict[str, int]:
        """Read what producers reported."""
        return _numbers(await self._ask("HGETALL", REPORTED))

    async def announce(self, group: str, process: str, holds: Millis) -> list[str]:
        """Say that *process* is there, or goes; list who is there."""
        present = await self._run(ANNOUNCE, [f"tocsin:processes.{group}"], process, holds)
        return sorted(member.decode() for member in present)

    async def ping(self) -> None:
        """Ask for an answer; in a Cluster, of all its nodes."""
        await self._ask("PING")

    async def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        with suppress(StoreUnavailable), unavailable("closing"):
            async with asyncio.timeout(self._timeout):
                await self._client.aclose()

    async def _ask(self, command: str, *arguments: Any) -> Any:
        if self._closed:
            raise StoreUnavailable(f"{command}: this client is closed")
        with unavailable(command):
            async with asyncio.timeout(self._timeout):
                if not self._ready:
                    await self._prepare()
                return await self._client.execute_command(command, *arguments)

    async def _prepare(self) -> None:
        """Let one call alone find out the nodes of a Cluster: redis-py 8 closes connections of others meanwhile."""
        async with self._preparing:
            if not self._ready:
                await self._client.initialize()
                self._ready = True

    async def _run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script by its digest; a server that does not know it has run nothing, and gets the source."""
        try:
            return await self._ask("EVALSHA", script.digest, len(keys), *keys, *arguments)
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            return await self._ask("EVAL", script.source, len(keys), *keys, *arguments)


def pack(shard: str, commit: Commit) -> tuple[list[str], bytes]:
    """Write a commit as ``commit.lua`` reads it: the keys, each once, and what to do with each."""
    keys = {_key(shard, "epoch"): 1, _key(shard, "timers"): 2}
    packed = [
        (command, keys.setdefault(_key(shard, name), len(keys) + 1), arguments)
        for command, name, arguments in _writes(commit)
        if arguments
    ]
    return list(keys), _pack(packed)


def _writes(commit: Commit) -> Iterator[Write]:
    put, removed = _split(commit.records)
    yield "HSET", "records", [part for key, value in put for part in (key, _raw(value))]
    yield "HDEL", "records", removed
    yield from _scores("timers", commit.timers)
    for index, members in _by_index(commit.index).items():
        yield from _scores(f"index.{index}", members)
    for log in commit.dropped_logs:
        # Keeps nothing, so the key goes.
        yield "LTRIM", f"log.{log}", (1, 0)
    for log, lines in _by_log(commit.lines).items():
        yield "RPUSH", f"log.{log}", lines
    for name, added in commit.counters.items():
        yield "HINCRBY", "counters", (name, added)
    yield "LTRIM", "outbox", (commit.sent, -1) if commit.sent else ()
    yield "RPUSH", "outbox", [_raw(_pack(letter)) for letter in commit.outbox]


def _raw(value: bytes) -> msgspec.Raw:
    """Pack bytes as a string: the MessagePack of Redis is older than its binary type."""
    return msgspec.Raw(b"\xdb" + len(value).to_bytes(4, "big") + value)


def _key(shard: str, name: str) -> str:
    return f"tocsin:{{{shard}}}:{name}"


def _split(changes: Mapping[str, V | None]) -> tuple[list[tuple[str, V]], list[str]]:
    """Tell what is put from what is removed."""
    put = [(name, value) for name, value in changes.items() if value is not None]
    return put, [name for name, value in changes.items() if value is None]


def _scores(key: str, changes: Mapping[str, float | None]) -> Iterator[Write]:
    put, removed = _split(changes)
    yield "ZADD", key, [part for member, score in put for part in (score, member)]
    yield "ZREM", key, removed


def _by_index(changes: dict[tuple[str, str], float | None]) -> dict[str, dict[str, float | None]]:
    indexes: defaultdict[str, dict[str, float | None]] = defaultdict(dict)
    for (index, member), score in changes.items():
        indexes[index][member] = score
    return indexes


def _by_log(lines: list[tuple[str, bytes]]) -> dict[str, list[msgspec.Raw]]:
    logs: defaultdict[str, list[msgspec.Raw]] = defaultdict(list)
    for log, line in lines:
        logs[log].append(_raw(line))
    return logs


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Undo what WITHSCORES does in a script: member, score, ..."""
    return zip(flat[::2], flat[1::2], strict=True)


def _due(earliest: Sequence[bytes]) -> Millis | None:
    return int(float(earliest[1])) if earliest else None


def _numbers(counts: dict[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in counts.items()}
