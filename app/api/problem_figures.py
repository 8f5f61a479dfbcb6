"""What became of problems in all: for the stats and for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from prometheus_client.core import CounterMetricFamily, Metric

PROBLEMS = ("opened", "recurred", "reopened", "resolved", "closed")


class ProblemFigures(msgspec.Struct, frozen=True):
    """How often problems changed."""

    opened: int = 0
    recurred: int = 0
    """Incidents of problems that were there already."""
    reopened: int = 0
    """Resolved, and yet not gone."""
    resolved: int = 0
    closed: int = 0
    """Resolved, and did not recur."""


def problem_figures(counters: Sequence[Mapping[str, int]]) -> ProblemFigures:
    """Add up the counters of all partitions."""
    return ProblemFigures(*(sum(each.get(f"problems_{name}", 0) for each in counters) for name in PROBLEMS))


def problem_metrics(figures: ProblemFigures) -> Iterator[Metric]:
    """Show them to Prometheus."""
    family = CounterMetricFamily("tocsin_problems", "What became of problems.", labels=("event",))
    for name in PROBLEMS:
        family.add_metric((name,), getattr(figures, name))
    yield family
