"""The measurement: each stream at each rate, grouped in each way, averaged over seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.correlation import report, telecom
from benchmarks.correlation.groupings import BASELINES
from benchmarks.correlation.measures import Quality, averaged, quality
from benchmarks.correlation.playing import defaults, p1_recall, play, truly_p1
from benchmarks.correlation.streams import NoStreams, Stream, find, laid_over, told, true_incidents
from benchmarks.correlation.variants import VARIANTS
from config.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "correlation.md"
EXAMPLES = """\
examples:
  python -m benchmarks.correlation --data FOLDER                    every stream in it, at 6 and 20 incidents an hour
  python -m benchmarks.correlation --data FOLDER --rate 6 --seed 1  one run of each
  python -m benchmarks.correlation --data FOLDER --ablation         also what each part of the defaults adds
  python -m benchmarks.correlation --data FOLDER --ablation --write into docs/correlation.md

FOLDER, or a folder in it, has NAME.topology.json and beside it NAME.jsonl (also .ndjson, .alerts.ndjson, each also
.gz): an alert a line, with its true incident. A folder in it with alarm.csv, topology.npy and true_graph.npy is taken
for the telecom alarms.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A stream at a rate with a seed."""

    stream: Stream
    rate: float
    seed: int


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _parser().parse_args(argv)
    try:
        streams = find(options.data)
    except NoStreams as error:
        sys.exit(str(error))
    tables = _measured(streams, options)
    alarms = telecom.measured(options.data)
    text = report.page(tables, alarms, options.noise, options.seed)
    print(text)
    if options.write:
        report.write(PAGE, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.correlation",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with labelled streams")
    parser.add_argument("--rate", type=float, nargs="+", default=[6.0, 20.0], help="incidents an hour (6 20)")
    parser.add_argument(
        "--seed", type=int, nargs="+", default=[1, 2, 3], help="seeds to average over (1 2 3)"
    )
    parser.add_argument("--noise", type=float, default=0.1, help="share of alerts that belong nowhere (0.1)")
    parser.add_argument(
        "--ablation", action="store_true", help="also measure the defaults with parts left out"
    )
    parser.add_argument("--write", action="store_true", help="write the result into docs/correlation.md")
    return parser


def _measured(streams: Sequence[Stream], options: argparse.Namespace) -> list[report.Table]:
    runs = [(stream, rate) for stream in streams for rate in options.rate]
    with _progress() as bar:
        return [_table(stream, rate, options, bar) for stream, rate in runs]


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _table(stream: Stream, rate: float, options: argparse.Namespace, bar: Progress) -> report.Table:
    found: dict[str, list[Quality]] = {}
    for seed in options.seed:
        for name, result in _results(Run(stream, rate, seed), options, bar).items():
            found.setdefault(name, []).append(result)
    return report.Table(stream.name, rate, {name: averaged(runs) for name, runs in found.items()})


def _results(run: Run, options: argparse.Namespace, bar: Progress) -> Mapping[str, Quality]:
    settings = defaults(run.stream.topology)
    topology = settings.correlation.topology
    events = laid_over(run.stream.events, run.rate, run.seed, options.noise)
    truth = list(true_incidents(events))
    found = {name: quality(truth, group(events, topology)) for name, group in BASELINES.items()}
    posts = told(events, topology, run.seed)
    wanted = truly_p1(posts, truth, settings)
    for name, variant in _ways(settings, ablation=options.ablation).items():
        title = f"{run.stream.name}, {run.rate:g}/h, seed {run.seed}: {name}"
        task = bar.add_task(title, total=len(posts))
        played = play(posts, variant.correlation, variant, _reporter(bar, task))
        bar.remove_task(task)
        found[name] = quality(truth, played.groups, p1_recall(truth, played, wanted))
    return found


def _reporter(bar: Progress, task: object, every: int = 200) -> Callable[[int], None]:
    def report_done(done: int) -> None:
        if done % every == 0:
            bar.update(task, completed=done)  # type: ignore[arg-type]

    return report_done


def _ways(settings: Settings, *, ablation: bool) -> dict[str, Settings]:
    ways = {report.SHIPPED: settings}
    if ablation:
        for name, variant in VARIANTS.items():
            ways[name] = replace(settings, correlation=variant(settings.correlation))
    return ways
