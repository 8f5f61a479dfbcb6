"""``/api/v1/stats``: where all alerts are, and how the destinations stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from aiohttp import web

from app.accounting import account, largest
from app.api.answers import json
from app.api.paging import read_query
from app.api.problem_figures import KnownErrorFigures, ProblemFigures, known_error_figures, problem_figures
from app.reads import DestinationFigures, ReadModel
from app.silencing import count_silences
from correlation.admission import HELD_BY
from correlation.decisions import Verdict
from domain.change import ChangeState
from domain.errors import Unavailable
from domain.ports import tickets_mailbox
from domain.times import Millis

PATIENCE = 2.0
"""Seconds that the broker gets to count its messages; the rest of the answer does not depend on it."""


class Depths(Protocol):
    """What is needed of the broker."""

    async def depth(self, mailbox: str) -> int:
        """Count the messages that wait or are in hand."""
        ...


SHADOW = "shadow."


class QuarantineFigures(msgspec.Struct, frozen=True):
    """What became of requests that were not understood."""

    kept: int
    """In quarantine now."""
    replayed: int
    dropped: int
    expired: int
    """Let go of for being too old, or to make room."""


class Figures(msgspec.Struct, frozen=True):
    """The figures of all of Tocsin at about one moment: ``accepted`` is ``in_flight`` and all outcomes."""

    accepted: int
    in_flight: int
    outcomes: Mapping[str, int]
    destinations: Mapping[str, DestinationFigures]
    missing_group_label: int
    expired: int
    heartbeats_missed: int
    timers_failed: int
    """Timers of correlation that raised, and were dropped."""
    sla: Mapping[str, int]
    """What happened to SLA clocks, as in ``sla_breach.resolve.P1``."""
    quarantine: QuarantineFigures
    suppressed: Mapping[str, int]
    """How often an alert was held back, by what held it: hold, silence, maintenance, threshold, inhibition."""
    silences: Mapping[str, int]
    """By their state: pending, active, expired."""
    spooled: int
    """Messages that wait in this process' spool for the broker."""
    mailboxes: Mapping[str, int | None]
    """Messages that wait; None where the broker does not tell."""
    problems: ProblemFigures = ProblemFigures()
    changes: Mapping[str, int] = {}
    """News of changes, by the state that they told."""
    known_errors: Mapping[str, KnownErrorFigures] = {}
    """By the id of each that was ever shown."""
    shadow: Mapping[str, int] = {}
    """How often each rule in shadow would have acted, as in ``groups.by-rack``."""


class Statistics:
    """Gathers the figures."""

    def __init__(
        self,
        reads: ReadModel,
        broker: Depths,
        now: Callable[[], Millis],
        *,
        confirmed: Callable[[], Mapping[str, int]] = dict,
        spooled: Callable[[], int] = int,
    ) -> None:
        """Gather from these; *confirmed* tells what this process' own producers had confirmed so far."""
        self._reads = reads
        self._broker = broker
        self._now = now
        self._confirmed = confirmed
        self._spooled = spooled

    async def gather(self) -> Figures:
        """Read everything now."""
        counters = await self._reads.counters()
        # After the counters: what was confirmed is then known up to a later moment than what was handled, so
        # an alert on its way shows as in flight. The other way round, one confirmed and handled between the
        # reads would hide another that is on its way: accepted would be too small, and in_flight 0 too early.
        # (It is never below 0 in either order: each shard's handled and outcomes are of one moment.)
        reported = await self._reads.store.reported()
        books = account(counters, largest(reported, self._confirmed()))
        return Figures(
            accepted=books.accepted,
            in_flight=books.in_flight,
            outcomes={**dict.fromkeys(Verdict, 0), **books.outcomes},
            destinations=await self._destinations(),
            missing_group_label=_total("missing_group_label", counters),
            expired=_total("expired", counters),
            heartbeats_missed=_total("heartbeats_missed", counters),
            timers_failed=_total("timers_failed", counters),
            sla=_beginning("sla_", counters),
            quarantine=QuarantineFigures(
                kept=await self._reads.quarantine_size(),
                replayed=_total("quarantine_replayed", counters),
                dropped=_total("quarantine_dropped", counters),
                expired=_total("quarantine_expired", counters),
            ),
            suppressed={kind: _total(f"held.{kind}", counters) for kind in HELD_BY},
            silences=await count_silences(self._reads, self._now()),
            spooled=self._spooled(),
            mailboxes=await self._mailboxes(),
            problems=problem_figures(counters),
            changes={state.value: counters[0].get(f"changes.{state.value}", 0) for state in ChangeState},
            known_errors=known_error_figures(counters),
            shadow={name.removeprefix(SHADOW): count for name, count in _beginning(SHADOW, counters).items()},
        )

    async def _destinations(self) -> dict[str, DestinationFigures]:
        names = self._reads.destinations
        now = self._now()
        return dict(
            zip(names, await asyncio.gather(*(self._reads.destination(n, now) for n in names)), strict=True)
        )

    async def _mailboxes(self) -> dict[str, int | None]:
        names = [*self._reads.shards, *map(tickets_mailbox, self._reads.destinations)]
        return dict(zip(names, await asyncio.gather(*map(self._depth, names)), strict=True))

    async def _depth(self, mailbox: str) -> int | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._broker.depth(mailbox)
        except (Unavailable, TimeoutError):
            return None


class Stats:
    """Answers with the figures."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def show(self, request: web.Request) -> web.Response:
        """Show all figures."""
        read_query(request, {})
        return json(await self._statistics.gather())


def _beginning(prefix: str, counters: list[Mapping[str, int]]) -> dict[str, int]:
    names = sorted({name for each in counters for name in each if name.startswith(prefix)})
    return {name: _total(name, counters) for name in names}


def _total(name: str, counters: list[Mapping[str, int]]) -> int:
    return sum(each.get(name, 0) for each in counters)
