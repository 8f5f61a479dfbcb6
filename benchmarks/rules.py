"""What a decision costs as rules grow from 1 to 10,000: ``python -m benchmarks.rules``.

Most rules of a large installation ask for a value (of a service, a team, a site); a few have patterns. Rules that ask
for values are looked up, so their number hardly matters; each pattern has to be tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from correlation.grouping import group_of
from correlation.rules import CorrelationRules, GroupRule
from domain.alert import Alert, AlertState, Severity
from domain.matching import Fields, Match, Matcher
from routing.routes import walk
from routing.rules import Route, index_of

SIZES = (1, 10, 100, 1_000, 10_000)
PATTERN_EVERY = 100
"""One rule in so many has a pattern, where there are any."""
DECISIONS = 2_000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for one decision."""

    groups: float
    routes: float


class Counting:
    """Fields that count how often one is asked for: what a decision costs, whatever the machine."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.asked = 0

    def get(self, name: str, default: str = "") -> str:
        self.asked += 1
        return self.values.get(name, default)


def matches(count: int, *, patterns: bool = False) -> Iterator[Match]:
    """Make what *count* rules ask for. The last one is for everything."""
    for number in range(count - 1):
        if patterns and number % PATTERN_EVERY == PATTERN_EVERY - 1:
            yield f'host=~"(web|db)-{number}-[0-9]+"'
        elif number % 10 == 9:
            yield {"team": f"team-{number}", "severity": ["critical", "high"]}
        else:
            yield {"service": f"service-{number}"}
    yield {}


def groups(count: int, *, patterns: bool = False) -> CorrelationRules:
    """Make rules for grouping."""
    asked = enumerate(matches(count, patterns=patterns))
    return CorrelationRules(
        groups=tuple(
            GroupRule(f"g{number}", ("service",), match=Matcher.of(match)) for number, match in asked
        )
    )


def routes(count: int, *, patterns: bool = False) -> tuple[Route, ...]:
    """Make a flat routing tree."""
    asked = enumerate(matches(count, patterns=patterns))
    return tuple(Route(f"r{number}", ("noc",), Matcher.of(match)) for number, match in asked)


def fields(number: int, count: int) -> dict[str, str]:
    """Make labels for the rules to look at; they hit every rule in turn, and now and then none."""
    return {
        "service": f"service-{number * 7919 % (count + 1)}",
        "team": f"team-{number % 50}",
        "severity": "high",
        "host": f"web-{number}",
    }


def route_to(tree: tuple[Route, ...]) -> Callable[[Fields | Mapping[str, str]], object]:
    """Return what walks the tree."""
    index = index_of(tree)
    return lambda found: list(walk(index, found))  # type: ignore[arg-type]


def cost(count: int, *, patterns: bool = False) -> Cost:
    """Measure the best of several rounds: the rest is noise."""
    labels = [fields(number, count) for number in range(DECISIONS)]
    alerts = [_alert(each) for each in labels]
    rules, route = groups(count, patterns=patterns), route_to(routes(count, patterns=patterns))
    return Cost(
        _fastest(lambda: [group_of(alert, "key", rules) for alert in alerts]),
        _fastest(lambda: [route(each) for each in labels]),
    )


def main() -> None:
    """Print the table."""
    print("| rules | group | route | group, 1 % patterns | route, 1 % patterns |")
    print("|---:|---:|---:|---:|---:|")
    for count in SIZES:
        plain, mixed = cost(count), cost(count, patterns=True)
        cells = (plain.groups, plain.routes, mixed.groups, mixed.routes)
        print(f"| {count:,} |" + "".join(f" {each:.1f} µs |" for each in cells))


def _fastest(work: Callable[[], object]) -> float:
    def once() -> float:
        started = time.perf_counter()
        work()
        return (time.perf_counter() - started) / DECISIONS * 1e6

    return min(once() for _ in range(ROUNDS))


def _alert(labels: dict[str, str]) -> Alert:
    return Alert(
        "prom", "f", AlertState.FIRING, Severity.HIGH, "Down", "", labels, {}, 1, service=labels["service"]
    )


if __name__ == "__main__":
    main()
