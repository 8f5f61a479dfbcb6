"""The results as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.correlation.measures import Quality
from benchmarks.correlation.telecom import Alarms

SHIPPED = "**Tocsin as shipped**"
BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Table:
    """A stream at a rate, grouped in several ways."""

    stream: str
    rate: float
    rows: Mapping[str, Quality]


def page(tables: Sequence[Table], alarms: Alarms | None, noise: float, seeds: Sequence[int]) -> str:
    """Write all tables."""
    parts = [
        f"{noise:.0%} noise, average over seeds {', '.join(map(str, seeds))}.",
        *("\n".join(_table(table)) for table in tables),
    ]
    if alarms is not None:
        parts.append("\n".join(_alarms(alarms)))
    return "\n\n".join(parts)


def _table(table: Table) -> Iterator[str]:
    yield f"{table.stream}, {table.rate:g} incidents an hour:"
    yield ""
    yield "| | pair F1 | precision | recall | B³ F1 | noise reduction | over-merged | swallowed | P1 recall |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, each in table.rows.items():
        figures = (each.f1, each.precision, each.recall, each.bcubed)
        shares = (each.reduction, each.over_merged, each.swallowed, each.p1_recall)
        cells = [*(f"{figure:.2f}" for figure in figures), *(f"{share:.1%}" for share in shares)]
        yield f"| {name} | {' | '.join(cells)} |"


def _alarms(alarms: Alarms) -> Iterator[str]:
    yield f"Telecom, {alarms.count:,} alarms: pairs of a parent and the child that it suppresses."
    yield ""
    yield "| | precision | recall | suppressed |"
    yield "|---|---|---|---|"
    for name, each in alarms.rows.items():
        yield f"| {name} | {each.precision:.2f} | {each.recall:.2f} | {each.suppressed:.1%} |"


def write(path: Path, text: str) -> None:
    """Put the results between the marks of a page."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
