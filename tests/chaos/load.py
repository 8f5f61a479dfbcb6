"""Senders that behave like Alertmanager: what is not answered 202 is posted again until it is.

Each identity belongs to one sender, which tells of it in order. So at the end it is known to the alert what must
have been heard, and what may have been: a request whose answer was lost counts as either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp

from tests.e2e.alerts import firing, moment, resolved
from tests.e2e.serve import Answer, eventually

SENDERS = 4
AT_ONCE = 8
PAUSE = 0.06
RETRY = 0.05
STEADY = ("checkout", "search")
PASSING = 16

Post = Callable[[Sequence[dict[str, Any]]], Awaitable[Answer]]


@dataclass(slots=True)
class Identity:
    """One condition, and what was said of it."""

    alert: dict[str, Any]
    """As it was said last."""
    starts: datetime
    answered: int = 0
    doubtful: int = 0
    """Times it was posted and no answer came."""

    @property
    def fires(self) -> bool:
        """Whether that is what was said last."""
        return bool(self.alert["status"] == "firing")


@dataclass(slots=True)
class Load:
    """All senders, and what they said."""

    post: Post
    seed: int
    identities: dict[str, Identity] = field(default_factory=dict)
    """By the label ``instance``, which no two have alike."""
    season: int = 0
    """Names the services of new alerts: those of another season get incidents of their own."""
    _stopping: bool = False

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[Load]:
        """Post until the block ends; then every sender gets its last request answered."""
        self._stopping = False
        async with asyncio.TaskGroup() as senders:
            for number in range(SENDERS):
                senders.create_task(self._send(number))
            yield self
            self._stopping = True

    async def has_answered(self, count: int) -> None:
        """Wait until *count* alerts were answered 202."""

        async def check() -> None:
            assert self.answered >= count

        await eventually(check)

    async def tell(self, alert: dict[str, Any]) -> None:
        """Post an alert of an identity of its own; return once it was answered 202."""
        identity = self.identities[alert["labels"]["instance"]] = Identity(alert, datetime.now(UTC))
        await self._deliver([identity])

    @property
    def answered(self) -> int:
        """Alerts answered 202."""
        return sum(each.answered for each in self.identities.values())

    @property
    def doubtful(self) -> int:
        """Alerts that may have been accepted, though nobody said so."""
        return sum(each.doubtful for each in self.identities.values())

    async def _send(self, number: int) -> None:
        dice = Random(f"{self.seed}/{number}")  # a sender's choices do not depend on the others
        own: list[Identity] = []
        while not self._stopping:
            await self._deliver(self._next(dice, number, own))
            await asyncio.sleep(dice.uniform(0, PAUSE))

    def _next(self, dice: Random, number: int, own: list[Identity]) -> list[Identity]:
        """Go on with some identities: new ones, and known ones that repeat, resolve or fire again."""
        count = dice.randint(1, AT_ONCE)
        known = dice.sample(own, min(len(own), dice.randint(0, count)))
        for identity in known:
            _go_on(dice, identity)
        fresh = [self._new(dice, f"{number}-{len(own) + n}") for n in range(count - len(known))]
        own += fresh
        return known + fresh

    def _new(self, dice: Random, instance: str) -> Identity:
        service = dice.choice([*STEADY, *(f"season-{self.season}-{n}" for n in range(PASSING))])
        severity = dice.choice(["critical", "warning", "info"])
        starts = datetime.now(UTC) - timedelta(minutes=1)
        alert = firing(service, instance, severity=severity, starts_at=moment(starts))
        identity = self.identities[instance] = Identity(alert, starts)
        return identity

    async def _deliver(self, batch: list[Identity]) -> None:
        while True:
            try:
                answer = await self.post([each.alert for each in batch])
            except aiohttp.ClientConnectorError:
                answer = None  # nothing listens, so nothing was said
            except (aiohttp.ClientError, TimeoutError):
                answer = None
                _count_doubtful(batch)
            if answer is not None and answer.status == 202:
                break
            if answer is not None:
                assert answer.status == 503, answer
                _count_doubtful(batch)
            await asyncio.sleep(RETRY)
        for each in batch:
            each.answered += 1


def _go_on(dice: Random, identity: Identity) -> None:
    """Say the same again, or the opposite."""
    if dice.random() < 0.5:
        return
    if identity.fires:
        identity.alert = resolved(identity.alert)
        return
    identity.starts = max(
        identity.starts + timedelta(milliseconds=1), datetime.now(UTC) - timedelta(seconds=1)
    )
    identity.alert = {
        **identity.alert,
        "status": "firing",
        "startsAt": moment(identity.starts),
        "endsAt": "0001-01-01T00:00:00Z",
    }


def _count_doubtful(batch: list[Identity]) -> None:
    for each in batch:
        each.doubtful += 1
