"""Where Redis is: one server, a Cluster named by one of its nodes, or a master that Sentinels know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

Client = Redis | RedisCluster

SENTINEL_PORT: Final = 26379


def connect(url: str, timeout: float) -> Client:
    """Make a client that connects when it is first used. *timeout* is in seconds, for any one call.

    ``redis://user:password@host:6379/0``, ``rediss`` for TLS, or ``unix``; ``redis+cluster://host:6379`` names one
    node of a Cluster, ``redis+sentinel://user:password@host:26379,host:26379/name`` Sentinels and their master's
    name, with ``/0`` after it for a database. User and password are those of Redis; Sentinels are asked without.
    """
    settings: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # A commit whose answer is lost may have been written, and must not be written again.
        "retry": Retry(NoBackoff(), 0),
        # One shape of replies; version 3 would nest pairs.
        "protocol": 2,
    }
    scheme, _, rest = url.partition("://")
    plain, _, kind = scheme.partition("+")
    if kind == "sentinel":
        return _by_sentinels(urlsplit(f"{plain}://{rest}"), settings)
    client = RedisCluster if kind == "cluster" else Redis
    return client.from_url(f"{plain}://{rest}", **settings)


class _Master(Redis):
    """A client that also lets go of the Sentinels it asked."""

    sentinels: Sequence[Redis] = ()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - as redis-py has it
        """Let go of all connections."""
        await super().aclose(close_connection_pool)
        for sentinel in self.sentinels:
            await sentinel.aclose()


def _by_sentinels(url: Any, settings: dict[str, Any]) -> Redis:
    login, _, places = url.netloc.rpartition("@")
    user, _, password = login.partition(":")
    name, _, database = url.path.strip("/").partition("/")
    if url.scheme == "rediss":
        settings["ssl"] = True
    known = [_place(each) for each in places.split(",")]
    sentinels = Sentinel(known, sentinel_kwargs=settings)  # type: ignore[no-untyped-call] # theirs has no types
    master: _Master = sentinels.master_for(
        unquote(name),
        _Master,
        **settings,
        db=int(database or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
    )
    master.sentinels = sentinels.sentinels
    return master


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else (text.strip("[]"), SENTINEL_PORT)
