"""Redis as the state store: the contract, and what is Redis' own."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from inspect import isclass
from pathlib import Path
from typing import Any, Final

import pytest
import redis as redis_client
import redis.exceptions

from adapters.stores.redis import RedisStore, unavailable
from adapters.stores.redis_address import connect
from domain.errors import Fenced, StoreUnavailable
from domain.ports import Commit
from tests.contracts.store import FULL, MakeStore, StoreContract, snapshot
from tests.e2e.serve import eventually
from tests.services.redis import Redis, binary
from tests.services.server import HOST, free_port

SHARD = "alerts.0"

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
"""Which of a Cluster's slots each of three masters has."""

# The keys of the module's docstring: all that may be there, none of which may expire.
PERMANENT = re.compile(
    r"tocsin:reported|tocsin:\{.+?\}:(epoch|records|timers|counters|outbox|index\..*|log\..*)", re.DOTALL
)

PASSING = "tocsin:processes."
"""Keys that end by themselves; those of processes that other tests killed may still be there."""

# All that redis-py can raise, and what comes from below it.
THEIRS = [
    *(kind for kind in vars(redis.exceptions).values() if isclass(kind) and issubclass(kind, Exception)),
    TimeoutError,
    ConnectionResetError,
    BrokenPipeError,
    socket.gaierror,
    asyncio.IncompleteReadError,
    RuntimeError,
]


@pytest.fixture
async def make_store(redis_db: str) -> AsyncIterator[MakeStore]:
    async for make in making(redis_db):
        yield make


async def making(url: str) -> AsyncIterator[MakeStore]:
    """Give a maker of stores, close them, and look at what they leave behind."""
    stores: list[RedisStore] = []

    async def make() -> RedisStore:
        stores.append(RedisStore(url))
        return stores[-1]

    yield make
    for store in stores:
        await store.close()
    assert_no_key_leaked(url)


def assert_no_key_leaked(url: str) -> None:
    kind = redis_client.RedisCluster if "+cluster" in url else redis_client.Redis
    with kind.from_url(url.replace("+cluster", ""), decode_responses=True) as client:
        found = list(client.scan_iter(count=1000))
        keys = [key for key in found if not key.startswith(PASSING)]
        assert [key for key in found if key.startswith(PASSING) and client.ttl(key) == -1] == []
        assert [key for key in keys if not PERMANENT.fullmatch(key)] == []
        assert [key for key in keys if client.ttl(key) != -1] == []


@pytest.fixture
async def store(own_redis: Redis) -> AsyncIterator[RedisStore]:
    """A store on a Redis that the test may do anything to."""
    store = RedisStore(own_redis.url, timeout=1.0)
    yield store
    await store.close()


@pytest.fixture
def admin(own_redis: Redis) -> Iterator[redis_client.Redis]:
    with redis_client.Redis.from_url(own_redis.url) as client:
        yield client


async def test_processes_are_there_until_their_word_runs_out(store: RedisStore, admin: redis_client.Redis):
    """Who says so is listed, by Redis' clock; who goes, or says nothing any more, is not. Then nothing is left."""
    assert await store.announce("correlate", "a", 60_000) == ["a"]
    assert await store.announce("correlate", "b", 300) == ["a", "b"]
    assert await store.announce("deliver", "c", 300) == ["c"]
    await asyncio.sleep(0.4)
    assert await store.announce("correlate", "d", 60_000) == ["a", "d"]
    assert await store.announce("correlate", "a", 0) == ["d"]
    assert await store.announce("correlate", "d", 0) == []
    assert admin.keys("*") == []


class TestRedisStore(StoreContract):
    """The contract on a real Redis; after each test no key is there that the module does not list."""

    @pytest.fixture
    async def make_store(self, make_store: MakeStore) -> MakeStore:
        return make_store


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one of a Redis Cluster's three masters."""
    nodes = [(Redis(tmp_path_factory.mktemp("node")), free_port()) for _ in SLOTS]
    try:
        for (node, bus), slots in zip(nodes, SLOTS, strict=True):
            node.command_parts = [*node.command_parts, "--cluster-enabled", "yes", "--cluster-port", str(bus)]
            with redis_client.Redis.from_url(node.start().url) as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", *slots)
                client.execute_command("CLUSTER", "MEET", HOST, nodes[0][0].port, nodes[0][1])
        for node, _ in nodes:
            becomes_whole(node)
        yield f"redis+cluster://{HOST}:{nodes[0][0].port}"
    finally:
        for node, _ in nodes:
            node.kill9()


def becomes_whole(node: Redis) -> None:
    """Wait until *node* knows who has which slots."""
    deadline = time.monotonic() + 30
    with redis_client.Redis.from_url(node.url) as client:
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.services
class TestRedisClusterStore(StoreContract):
    """The contract on a Redis Cluster: all keys of a script are named, and lie on one node."""

    @pytest.fixture
    async def make_store(self, cluster: str) -> AsyncIterator[MakeStore]:
        async for make in making(cluster):
            yield make


@pytest.mark.services
async def test_a_cluster_spreads_shards(cluster: str) -> None:
    """Shards live on different masters, and each is whole on its own."""
    store = RedisStore(cluster)
    shards = [f"alerts.{number}" for number in range(12)]
    for shard in shards:
        await store.commit(shard, await store.claim(shard), FULL)
    with redis_client.RedisCluster.from_url(cluster.replace("+cluster", "")) as client:
        assert {client.get_node_from_key(f"{{{shard}}}").name for shard in shards} == {
            node.name for node in client.get_primaries()
        }
    assert {str(await snapshot(store, shard)) for shard in shards} == {str(await snapshot(store, shards[0]))}
    await store.close()


SENTINEL: Final = """port {port}
bind 127.0.0.1
sentinel monitor tocsin 127.0.0.1 {master} 1
sentinel down-after-milliseconds tocsin 500
sentinel failover-timeout tocsin 3000
"""


@pytest.fixture
def sentinel(own_redis: Redis, tmp_path: Path) -> Iterator[Redis]:
    """A Sentinel that watches *own_redis* and its replica, and makes the replica the master when that dies."""
    replica, sentinel = Redis(tmp_path / "replica"), Redis(tmp_path / "sentinel")
    replica.command_parts = [*replica.command_parts, "--replicaof", f"{HOST} {own_redis.port}"]
    file = tmp_path / "sentinel.conf"
    file.write_text(SENTINEL.format(port=sentinel.port, master=own_redis.port))
    program = sentinel.command_parts.index(binary())
    sentinel.command_parts = [*sentinel.command_parts[: program + 1], str(file), "--sentinel"]
    try:
        replica.start()
        sentinel.start()
        yield sentinel
    finally:
        sentinel.kill9()
        replica.kill9()


async def test_sentinels_name_the_next_master(
    own_redis: Redis, sentinel: Redis, admin: redis_client.Redis
) -> None:
    """The master dies: the store finds the one that the Sentinels made master, with what was committed."""
    store = RedisStore(f"redis+sentinel://{HOST}:{sentinel.port}/tocsin", timeout=1.0)
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, FULL)
    before = await snapshot(store, SHARD)
    await eventually(lambda: replicated(admin, sentinel), 20)
    own_redis.kill9()
    assert await eventually(lambda: claimed(store), 30) > epoch
    assert await snapshot(store, SHARD) == before
    await store.close()


async def replicated(admin: redis_client.Redis, sentinel: Redis) -> None:
    """Look whether the replica has all, and the Sentinel knows it."""
    assert admin.wait(1, 100) == 1
    with redis_client.Redis(HOST, sentinel.port) as client:
        assert b"num-slaves" in (known := client.execute_command("SENTINEL", "MASTER", "tocsin"))
        assert known[b"num-slaves"] not in {0, b"0"}


async def claimed(store: RedisStore) -> int:
    """Claim, as a shard does again and again while the store is away."""
    try:
        return await store.claim(SHARD)
    except StoreUnavailable as error:
        raise LookupError(error) from error


@pytest.mark.parametrize(
    ("url", "places", "settings"),
    [
        ("redis+sentinel://a/m", [("a", 26379)], (None, None, 0)),
        ("redis+sentinel://joan:p%40ss@a:1,[::1]:2/m/3", [("a", 1), ("::1", 2)], ("joan", "p@ss", 3)),
    ],
)
def test_addresses_of_sentinels(
    url: str, places: list[tuple[str, int]], settings: tuple[object, ...]
) -> None:
    """Login and database are Redis' own; every Sentinel has its place."""
    pool: Any = getattr(connect(url, 1.0), "connection_pool", None)
    assert [
        tuple(one.connection_pool.connection_kwargs[key] for key in ("host", "port"))
        for one in pool.sentinel_manager.sentinels
    ] == places
    assert tuple(pool.connection_kwargs[key] for key in ("username", "password", "db")) == settings


async def test_commits_survive_kill_9_of_redis(own_redis: Redis, store: RedisStore) -> None:
    """What was committed is there after a restart, and the owner goes on under its epoch."""
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, FULL)
    before = await snapshot(store, SHARD)
    own_redis.kill9()
    with pytest.raises(StoreUnavailable):
        await store.commit(SHARD, epoch, FULL)
    own_redis.start()
    assert await snapshot(store, SHARD) == before
    await store.commit(SHARD, epoch, Commit(records={"a": b"after"}))
    assert await store.load(SHARD, ["a"]) == [b"after"]


async def test_forgotten_scripts_are_sent_again(store: RedisStore, admin: redis_client.Redis) -> None:
    """SCRIPT FLUSH, as a failover or restart does it, is not noticed."""
    epoch = await store.claim(SHARD)
    for count in (1, 2):
        admin.script_flush()
        await store.commit(SHARD, epoch, Commit(counters={"c": 1}))
        assert await store.counters(SHARD) == {"c": count}


async def test_a_fenced_owner_writes_nothing(own_redis: Redis, store: RedisStore) -> None:
    """A second client claims; the first one's commit leaves no trace, not even a key."""
    old = await store.claim(SHARD)
    other = RedisStore(own_redis.url)
    await other.claim(SHARD)
    await other.close()
    with pytest.raises(Fenced, match=f"alerts.0: epoch {old} is over"):
        await store.commit(SHARD, old, FULL)
    with redis_client.Redis.from_url(own_redis.url) as client:
        assert client.keys() == [b"tocsin:{alerts.0}:epoch"]


async def test_an_epoch_is_not_given_twice_though_redis_forgets(
    store: RedisStore, admin: redis_client.Redis
) -> None:
    """A failover that loses the last claim does not give its epoch to a second owner."""
    lost = await store.claim(SHARD)
    admin.delete("tocsin:{alerts.0}:epoch")
    assert await store.claim(SHARD) > lost


async def test_a_replica_refuses_and_writes_nothing(store: RedisStore, admin: redis_client.Redis) -> None:
    """READONLY, from a master that has become a replica, is being unavailable."""
    epoch = await store.claim(SHARD)
    admin.replicaof("127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match="replica"):
        await store.commit(SHARD, epoch, FULL)
    with pytest.raises(StoreUnavailable, match="replica"):
        await store.claim(SHARD)
    admin.replicaof("NO", "ONE")
    assert await store.commit(SHARD, epoch, Commit()) is None
    assert await store.load(SHARD, ["a"]) == [None]


async def test_a_full_redis_writes_all_or_nothing(store: RedisStore, admin: redis_client.Redis) -> None:
    """OOM refuses a commit whole, also one that would begin by freeing something."""
    epoch = await store.claim(SHARD)
    await store.commit(SHARD, epoch, FULL)
    before = await snapshot(store, SHARD)
    admin.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="maxmemory"):
        await store.commit(SHARD, epoch, FULL)
    assert await snapshot(store, SHARD) == before
    # Freeing is what gets out of there, so Redis lets it pass; then it lets the rest of the commit pass too.
    await store.commit(SHARD, epoch, Commit(records={"a": None}, counters={"opened": 1}))
    assert await store.load(SHARD, ["a"]) == [None]
    assert await store.counters(SHARD) == {"opened": 3}


async def test_a_frozen_redis_is_unavailable_in_time_and_nothing_is_done_twice(
    own_redis: Redis, store: RedisStore
) -> None:
    """No call hangs; a commit whose answer was not awaited is written once, or not at all."""
    epoch = await store.claim(SHARD)
    own_redis.pause()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.commit(SHARD, epoch, Commit(counters={"c": 1}))
    assert time.monotonic() - started < 5
    own_redis.resume()
    await store.commit(SHARD, epoch, Commit(counters={"after": 1}))
    assert await store.counters(SHARD) in ({"c": 1, "after": 1}, {"after": 1})


async def test_credentials_are_never_told() -> None:
    """Neither the error nor repr has user or password."""
    store = RedisStore("redis://joan:hunter2@127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable) as caught:
        await store.ping()
    await store.close()
    assert repr(store) == "RedisStore(127.0.0.1)"
    assert not re.search("joan|hunter2", f"{caught.value} {caught.value.__cause__!r}")


async def test_a_cluster_that_is_away_is_unavailable() -> None:
    """The Cluster's own client has errors that are no RedisError."""
    store = RedisStore("redis+cluster://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await store.claim(SHARD)
    await store.close()


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_is_mapped(kind: type[Exception]) -> None:
    """An error that a new redis-py adds makes this fail until it is mapped."""
    with pytest.raises(StoreUnavailable, match="asking: "), unavailable("asking"):
        raise kind.__new__(kind)


@pytest.mark.parametrize(
    "answer",
    [
        "READONLY",
        "OOM",
        "LOADING",
        "MISCONF",
        "CLUSTERDOWN",
        "NOSCRIPT",
        "NOREPLICAS",
        "NOAUTH",
        "WRONGTYPE",
        "TRYAGAIN",
    ],
)
async def test_every_refusal_of_the_server_is_mapped(answer: str) -> None:
    """What Redis answers instead of doing what it was asked, read by the real client."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 16):
            writer.write(f"-{answer} for a reason\r\n".encode() * 2)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        store = RedisStore(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=2.0)
        with pytest.raises(StoreUnavailable):
            await store.commit(SHARD, 1, FULL)
        await store.close()


@pytest.mark.parametrize("error", [TypeError(), KeyError(), Fenced(), asyncio.CancelledError()], ids=repr)
def test_other_errors_pass(error: BaseException) -> None:
    """Our own mistakes, our own errors and being cancelled do not look like a store that is away."""
    with pytest.raises(type(error)), unavailable("asking"):
        raise error
