"""Shares shards among the processes that do the same work.

Each says every two seconds that it is there, works out alone which shards are its own, and tells them. It only
advises: who works a shard is chosen by the broker, and who may write by the epoch, so a wrong list costs a detour
and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from app.shard.loop import Shard
from app.shard.sharing import shared
from domain.errors import Unavailable
from domain.ports import Broker, Membership

EVERY: Final = 2.0
"""Seconds between two looks."""
HOLDS: Final = 6_000
"""Milliseconds that the word of a process holds."""

log = structlog.get_logger("roster")


class Roster:
    """The shards of one group, and which of them this process, *me*, is to work."""

    def __init__(
        self, membership: Membership, broker: Broker, group: str, me: str, shards: Sequence[Shard]
    ) -> None:
        self._membership = membership
        self._broker = broker
        self._group = group
        self._me = me
        self._shards = shards
        self._processes: set[str] = set()

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Say that we are there, if we can work at all, and tell the shards whose they are.

        While broker or store are away, what is known stays: so do the owners.
        """
        with suppress(Unavailable):
            await self._broker.ping()
            processes = {*await self._membership.announce(self._group, self._me, HOLDS), self._me}
            if processes != self._processes:
                log.info("processes_changed", group=self._group, processes=len(processes))
                self._processes = processes
            owners = shared(sorted(processes), [shard.name for shard in self._shards])
            for shard in self._shards:
                shard.entrust(ours=owners[shard.name] == self._me)

    async def leave(self) -> None:
        """Say that we go."""
        with suppress(Unavailable):
            await self._membership.announce(self._group, self._me, 0)
