"""One measurement: a work sent to a running Tocsin, followed until all is settled and every ticket is out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Load, Target, percentile
from benchmarks.meter import cpu_seconds
from benchmarks.serve import Server
from benchmarks.sink import Sink
from benchmarks.workloads import Work

LONGEST_LOAD = 600.0  # seconds
QUIET = 2.0  # seconds without a new ticket after which no more are expected


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase came to."""

    alerts: int
    accepted_per_second: float
    committed_per_second: float
    post_p50_ms: float
    post_p99_ms: float
    ticket_p50_ms: float
    ticket_p99_ms: float
    tickets_seen: float
    cpu_per_1000: float
    generator_us_per_post: float
    accounted: bool
    statuses: dict[int, int]


async def run_phase(
    server: Server, sink: Sink, work: Work, *, rate: float | None = None, services: Sequence[int] = ()
) -> Phase:
    """Send *work*, at *rate* POSTs a second or at full speed; *services* are pids of broker and store."""
    target = Target.parse(f"{server.url}/ingest/prom")
    load = Load(target, [target.request(body) for body in work.bodies], rate=rate)
    before = (await server.stats()).accepted
    cpu = cpu_seconds(*server.pids, *services)
    async with asyncio.timeout(LONGEST_LOAD):
        result = await load.run()
    accepted = min(result.accepted * work.per_post, work.alerts)
    accounted, end = await server.settled(before + accepted)
    waits = await _ticket_waits(load, sink, work)
    cpu = cpu_seconds(*server.pids, *services) - cpu
    return Phase(
        alerts=accepted,
        accepted_per_second=accepted / result.seconds,
        committed_per_second=accepted / (end - load.started),
        post_p50_ms=result.p50_ms,
        post_p99_ms=result.p99_ms,
        ticket_p50_ms=1000 * percentile(waits, 0.50),
        ticket_p99_ms=1000 * percentile(waits, 0.99),
        tickets_seen=len(waits) / len(work.first_posts),
        cpu_per_1000=1000 * cpu / max(accepted, 1),
        generator_us_per_post=result.cpu_us_per_post,
        accounted=accounted and accepted == work.alerts,
        statuses=result.statuses,
    )


async def _ticket_waits(load: Load, sink: Sink, work: Work) -> list[float]:
    """Return, for each service with a ticket, the time from its first POST to the first ticket request."""
    await _until_quiet(sink, set(work.first_posts))
    return [
        max(0.0, sink.service_seen[service] - load.sent[post])
        for service, post in work.first_posts.items()
        if service in sink.service_seen
    ]


async def _until_quiet(sink: Sink, services: set[str]) -> None:
    seen, changed = -1, time.perf_counter()
    while not services <= sink.service_seen.keys():
        if len(sink.service_seen) != seen:
            seen, changed = len(sink.service_seen), time.perf_counter()
        elif time.perf_counter() - changed > QUIET:
            return
        await asyncio.sleep(0.02)
