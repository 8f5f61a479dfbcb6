"""The runs: each work, 1 and 20 alerts a POST, embedded and scale-out, each on a Tocsin of its own."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report, workloads
from benchmarks.calibration import bare_post, bare_write
from benchmarks.measure import run_phase
from benchmarks.meter import PROC, peak_megabytes
from benchmarks.report import Cell, Sample
from benchmarks.serve import BenchmarkError, Server, configuration, default_command, serving
from benchmarks.sink import Sink, listening
from benchmarks.workloads import Work

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
SEEDS = (1, 2)  # full load, half load
HALF_LOAD_SECONDS = 5.0
HALF_LOAD_POSTS = 1_000  # at the least, so that a p99 means something
ONE_PROCESS: tuple[tuple[str, ...], ...] = ((),)
MODES = {
    "embedded": ONE_PROCESS,
    "scale-out": ONE_PROCESS,
    "split": (("ingest",), ("correlate", "deliver")),  # scale-out in two processes; not in the usual table
}
TOTALS = {"distinct": 20_000, "storm": 50_000, "fire_resolve": 5_000}
QUICK = 5  # --quick divides the works by this

EXAMPLES = """\
examples:
  python -m benchmarks --quick                            every cell once, with a fifth of the alerts
  python -m benchmarks --only storm --mode embedded       two rows
  python -m benchmarks --only distinct --per-post 20 --repeats 5 --json > runs.json
  python -m benchmarks --write                            all of it, into docs/performance.md
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds a run."""

    server: Server
    sink: Sink
    services: tuple[int, ...]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(argv)
    repeats = options.repeats or (1 if options.quick else 3)
    samples: list[Sample] = []
    try:
        samples.extend(_samples(options, repeats))
    except (BenchmarkError, OSError, RuntimeError) as error:
        _publish(samples, repeats, as_json=options.json)  # extend keeps what came before it broke
        sys.exit(f"benchmarks: {error}")
    _publish(samples, repeats, as_json=options.json)
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(report.page(samples, repeats))


def _publish(samples: list[Sample], repeats: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(sample) for sample in samples], indent=2))
    elif samples:
        print(report.machine(samples, repeats), report.table(samples), sep="\n\n")


def _samples(options: argparse.Namespace, repeats: int) -> Iterator[Sample]:
    """Run every cell once, then every cell again: what drifts on the machine then touches all alike."""
    if not PROC.exists():
        raise BenchmarkError("CPU time and memory are read from /proc, which this system does not have")
    cells = [Cell(*of) for of in product(options.mode, options.only, options.per_post)]
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(cells) * repeats)
        for _, cell in product(range(repeats), cells):
            bar.update(task, description=f"{cell.mode} {cell.work} x{cell.per_post}")
            sample = uvloop.run(_run(cell, options))
            bar.advance(task)
            console.print(_note(sample), soft_wrap=True, highlight=False)
            yield sample


async def _run(cell: Cell, options: argparse.Namespace) -> Sample:
    """Measure one cell: full load, the peak of memory, then half of the rate that came through."""
    total = TOTALS[cell.work] // (QUICK if options.quick else 1)
    full_work = _work(cell, total, SEEDS[0])
    bare_us = await bare_post(full_work.bodies[0])
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        write_ms = bare_write(Path(folder))
    async with _setting(cell, options.command) as at:
        full = await run_phase(at.server, at.sink, full_work, services=at.services)
        if not full.alerts:
            raise BenchmarkError(f"no alert was accepted; the answers were {full.statuses}")
        peak = peak_megabytes(*at.server.pids)
        rate = full.committed_per_second / cell.per_post / 2
        posts = max(HALF_LOAD_POSTS, int(rate * HALF_LOAD_SECONDS))
        half_work = _work(cell, min(total, posts * cell.per_post), SEEDS[1])
        half = await run_phase(at.server, at.sink, half_work, rate=rate, services=at.services)
        return Sample(cell, full, half, peak, at.sink.doubles, bare_us, write_ms)


@asynccontextmanager
async def _setting(cell: Cell, command: str) -> AsyncIterator[Setting]:
    """Start all that a run needs, in an empty folder, and leave nothing behind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        ports, services = ({}, ()) if cell.mode == "embedded" else _services(stack, folder)
        async with listening() as (sink, url):
            config = configuration(url, SEEDS, ports)
            async with serving(command, folder, config, MODES[cell.mode]) as server:
                yield Setting(server, sink, services)


def _services(stack: ExitStack, folder: Path) -> tuple[dict[str, str], tuple[int, ...]]:
    """Start an own RabbitMQ and Redis; return their addresses for the configuration, and their pids."""
    from tests.services.rabbitmq import RabbitMQ  # noqa: PLC0415 - embedded runs need no server installed
    from tests.services.redis import Redis  # noqa: PLC0415

    ports, pids = {}, []
    for port, server in (("broker", RabbitMQ(folder / "rabbitmq")), ("store", Redis(folder / "redis"))):
        stack.callback(server.kill9)
        ports[port] = server.start().url
        assert server.process is not None
        pids.append(server.process.pid)
    return ports, tuple(pids)


def _work(cell: Cell, total: int, seed: int) -> Work:
    alerts = workloads.WORKS[cell.work](total, seed=seed)
    began = datetime.now(UTC).replace(microsecond=0) - workloads.SPREAD  # the last of them just now
    return workloads.build(cell.work, alerts, per_post=cell.per_post, seed=seed, started=began)


def _note(sample: Sample) -> str:
    """Say in a line how a run went."""
    cell, full, half = sample.cell, sample.full, sample.half
    return (
        f"{cell.mode} {cell.work} x{cell.per_post}: {full.accepted_per_second:,.0f} accepted/s,"
        f" {full.committed_per_second:,.0f} to state/s, POST p99 {full.post_p99_ms:.1f} ms"
        f" (half load {half.post_p99_ms:.1f}), {sample.peak_mb:.0f} MB,"
        f" bare POST {sample.bare_us:.0f} us, write {sample.write_ms:.2f} ms,"
        f" scaled {full.committed_per_second * sample.scale:,.0f} to state/s,"
        f" answers {full.statuses} {half.statuses}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure `tocsin serve` under load and print a Markdown table.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one repeat and a fifth of the alerts")
    add("--repeats", type=int, help="runs of every cell (default: 3, with --quick 1)")
    add("--only", nargs="+", choices=tuple(TOTALS), default=list(TOTALS), help="only these works")
    add("--per-post", nargs="+", type=int, default=[1, 20], help="alerts in a POST (default: 1 20)")
    add("--mode", nargs="+", choices=tuple(MODES), default=["embedded", "scale-out"], help="only these modes")
    add("--json", action="store_true", help="print every run as JSON instead of the table")
    add("--write", action="store_true", help="also write docs/performance.md")
    add(
        "--command",
        default=default_command(),
        help="how to call tocsin (default: the one beside Python)",
    )
    return parser
