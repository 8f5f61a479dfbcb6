"""What became of problems in all: for the stats and for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from prometheus_client.core import CounterMetricFamily, Metric

from correlation.known_errors import HELPED, MATCHED

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


class KnownErrorFigures(msgspec.Struct, frozen=True):
    """How often a workaround was shown."""

    matched: int = 0
    helped: int = 0
    """How often the incident was over soon after."""


def known_error_figures(counters: Sequence[Mapping[str, int]]) -> dict[str, KnownErrorFigures]:
    """Add up the counters of all partitions, by known error."""
    totals = {
        prefix: Counter(
            {
                name.removeprefix(prefix): sum(each.get(name, 0) for each in counters)
                for name in {name for each in counters for name in each if name.startswith(prefix)}
            }
        )
        for prefix in (MATCHED, HELPED)
    }
    names = sorted(totals[MATCHED].keys() | totals[HELPED].keys())
    return {name: KnownErrorFigures(totals[MATCHED][name], totals[HELPED][name]) for name in names}


def known_error_metrics(figures: Mapping[str, KnownErrorFigures]) -> Iterator[Metric]:
    """Show them to Prometheus."""
    family = CounterMetricFamily(
        "tocsin_known_errors",
        "Incidents that were shown a workaround, and those that were over soon after.",
        labels=("known_error", "event"),
    )
    for name, each in figures.items():
        family.add_metric((name, "matched"), each.matched)
        family.add_metric((name, "helped"), each.helped)
    yield family


def problem_metrics(figures: ProblemFigures) -> Iterator[Metric]:
    """Show them to Prometheus."""
    family = CounterMetricFamily("tocsin_problems", "What became of problems.", labels=("event",))
    for name in PROBLEMS:
        family.add_metric((name,), getattr(figures, name))
    yield family
