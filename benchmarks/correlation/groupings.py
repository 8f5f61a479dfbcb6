"""Ways of grouping alerts that Tocsin is compared with: what others do, and what is simplest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.correlation.streams import Event
from domain.times import Millis
from domain.topology import Topology

GAP: Millis = 60_000
RESOLVE_TIMEOUT: Millis = 300_000
"""After so long without an alert, Alertmanager's group is gone (its default resolve_timeout)."""


def none(events: Sequence[Event], topology: Topology) -> list[str]:  # noqa: ARG001 - a grouping's signature
    """No correlation: each alert is an incident."""
    return [str(place) for place in range(len(events))]


def group_by(events: Sequence[Event], topology: Topology) -> list[str]:
    """Group by service and check, as Alertmanager does with ``group_by: [service, alertname]``."""
    groups: list[str] = []
    last: dict[str, tuple[Millis, str]] = {}
    for place, event in enumerate(events):
        name = f"{topology.service_of(event.resource)}|{event.check}"
        at, group = last.get(name, (0, ""))
        if event.ts - at > RESOLVE_TIMEOUT:
            group = str(place)
        last[name] = (event.ts, group)
        groups.append(group)
    return groups


def gap(events: Sequence[Event], topology: Topology) -> list[str]:  # noqa: ARG001 - a grouping's signature
    """A new incident after 60 s of silence, whoever fires."""
    groups: list[str] = []
    for place, event in enumerate(events):
        follows = place > 0 and event.ts - events[place - 1].ts <= GAP
        groups.append(groups[-1] if follows else str(place))
    return groups


BASELINES: Mapping[str, Callable[[Sequence[Event], Topology], list[str]]] = {
    "no correlation": none,
    "group_by service, alertname": group_by,
    "60 s gap": gap,
}
