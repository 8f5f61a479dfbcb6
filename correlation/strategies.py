"""How alerts of a group rule find their incident: ways to tell what belongs together, tried in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.times import Millis

SECOND: Millis = 1_000
MINUTE = 60 * SECOND

PEERS = (
    "peer",
    "peer_service",
    "peer.service",
    "destination_service",
    "destination",
    "upstream",
    "server.address",
)
"""Labels in which tools name the other end of a call: Istio's, Envoy's and OpenTelemetry's, among others."""


@dataclass(frozen=True, slots=True)
class ByLabels:
    """Join what has the same values of some fields; with a short window, what happens in one place at one time."""

    same: tuple[str, ...]
    window: Millis
    type: str = "labels"


@dataclass(frozen=True, slots=True)
class ByText:
    """Join what reads alike: each field by its own threshold."""

    alike: tuple[tuple[str, float], ...]
    """Field, and how alike it must be: 100 is the same words."""
    window: Millis
    type: str = "text"


@dataclass(frozen=True, slots=True)
class ByTopology:
    """Join what happens close by in the graph and in time. See ADR 23 for the score."""

    hops: int = 6
    fade: Millis = 15 * SECOND
    """How quickly what an alert says of its surroundings loses its weight."""
    least: float = 0.05
    """An incident with a lower score is not joined. One that was joined right now at the same place has 1."""
    peers: tuple[str, ...] = PEERS
    type: str = "topology"

    @property
    def lasts(self) -> Millis:
        """When nothing is left of a weight."""
        return 40 * self.fade


Strategy = ByLabels | ByText | ByTopology


def fields_of(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Name the fields whose values have to be remembered of each incident."""
    return tuple(dict.fromkeys(name for each in strategies for name in _fields(each)))


def topological(strategies: Sequence[Strategy]) -> ByTopology | None:
    """Find the strategy that looks at the graph, if there is one."""
    return next((each for each in strategies if isinstance(each, ByTopology)), None)


def current_for(strategies: Sequence[Strategy], window: Millis) -> Millis:
    """Say for how long after its last alert an incident is worth remembering."""
    return max(
        window, *(each.window if not isinstance(each, ByTopology) else each.lasts for each in strategies)
    )


def _fields(strategy: Strategy) -> tuple[str, ...]:
    match strategy:
        case ByLabels():
            return strategy.same
        case ByText():
            return tuple(name for name, _ in strategy.alike)
        case ByTopology():
            return ()
