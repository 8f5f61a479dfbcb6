"""The load generator as a command: one work against one address, whatever listens there."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import workloads
from benchmarks.load import CONNECTIONS, Load, Result, Target
from benchmarks.workloads import Work

EXAMPLES = """\
examples:
  # the storm of the benchmark, 20 alerts a POST, as fast as it goes
  python -m benchmarks.generator --url http://127.0.0.1:8080/ingest/prom \\
      --work storm --alerts 50000 --identities 500 --per-post 20 --connections 32

  # one alert a POST at 3,000 POSTs a second, for a source with a token; the result as JSON
  python -m benchmarks.generator --url http://127.0.0.1:8080/ingest/prom \\
      --work distinct --rate 3000 --header "Authorization: Bearer some-token" --json
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(argv)
    try:
        target = Target.parse(options.url)
        work = _work(options)
        result = uvloop.run(shoot(target, work, options))
    except TimeoutError:
        sys.exit("benchmarks.generator: the load did not end within --timeout")
    except (ValueError, OSError) as error:
        sys.exit(f"benchmarks.generator: {error}")
    alerts = min(result.accepted * work.per_post, work.alerts)
    print(_as_json(result, alerts) if options.json else _as_text(result, alerts))


async def shoot(target: Target, work: Work, options: argparse.Namespace) -> Result:
    """Send the work, with a bar on a terminal."""
    load = Load(target, [target.request(body, options.header) for body in work.bodies], rate=options.rate)
    with progress_bar(work.name, load, hide=options.json):
        async with asyncio.timeout(options.timeout):
            return await load.run(options.connections)


@contextmanager
def progress_bar(title: str, load: Load, *, hide: bool = False) -> Iterator[None]:
    """Show on stderr how far *load* is, if that is a terminal; the load itself is not slowed by it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=hide or not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=len(load.sent))
        watch = asyncio.get_running_loop().create_task(_watch(load, bar, task))
        try:
            yield
        finally:
            watch.cancel()


async def _watch(load: Load, bar: Progress, task: int) -> None:
    while not bar.disable:
        bar.update(task, completed=load.done)  # type: ignore[arg-type]
        await asyncio.sleep(0.2)


def _work(options: argparse.Namespace) -> Work:
    sizes = {"total": options.alerts, "identities": options.identities, "services": options.services}
    given = {name: size for name, size in sizes.items() if size is not None}
    if options.work != "storm" and options.identities is not None:
        raise ValueError(f"--identities is for --work storm; every alert of {options.work} is distinct")
    alerts = workloads.WORKS[options.work](**given, seed=options.seed)
    return workloads.build(options.work, alerts, per_post=options.per_post, seed=options.seed)


def _as_json(result: Result, alerts: int) -> str:
    rates = {"posts_per_second": result.posts / result.seconds, "alerts_per_second": alerts / result.seconds}
    return json.dumps(asdict(result) | {"alerts": alerts} | rates, indent=2)


def _as_text(result: Result, alerts: int) -> str:
    statuses = ", ".join(f"{count:,} x {status or 'broken'}" for status, count in result.statuses.items())
    return (
        f"{alerts:,} alerts accepted in {result.seconds:.2f} s: {alerts / result.seconds:,.0f} alerts/s,"
        f" {result.posts / result.seconds:,.0f} POST/s\n"
        f"POST p50 {result.p50_ms:.2f} ms, p99 {result.p99_ms:.2f} ms; answers: {statuses};"
        f" given up: {result.gave_up}; cost here {result.cpu_us_per_post:.1f} us CPU a POST"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator",
        description="Post a generated work of Alertmanager webhooks and report rates and latencies.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--url", required=True, help="where to post, http://HOST:PORT/ingest/SOURCE")
    add("--work", choices=tuple(workloads.WORKS), default="storm", help="default: storm")
    add("--alerts", type=int, help="how many (default: the size of the work in the benchmark)")
    add("--identities", type=int, help="how many different ones, for the storm (default: 500)")
    add("--services", type=int, help="over how many services (default: 200, storm 50)")
    add("--per-post", type=int, default=1, help="alerts in one POST (default: 1)")
    add("--connections", type=int, default=CONNECTIONS, help=f"default: {CONNECTIONS}")
    add("--rate", type=float, help="POSTs a second (default: as fast as answers come)")
    add("--header", action="append", default=[], help="one more header line, like curl -H; repeatable")
    add("--seed", type=int, default=1, help="another seed, other alerts on other services (default: 1)")
    add("--timeout", type=float, default=300.0, help="seconds until it gives up (default: 300)")
    add("--json", action="store_true", help="print the result as JSON")
    return parser


if __name__ == "__main__":
    main()
