"""What a system is made of, and what needs what: services, their instances, hosts and how they are connected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

REACH = 6
"""Hops. What is farther apart than this has nothing to do with each other."""


class Relation(StrEnum):
    """What an edge says of its two ends."""

    DEPENDS_ON = "depends_on"
    RUNS_ON = "runs_on"
    INSTANCE_OF = "instance_of"
    CONNECTS_TO = "connects_to"
    """They talk to each other; neither is said to need the other."""


class Edge(NamedTuple):
    """One connection."""

    source: str
    relation: Relation
    target: str


class Topology:
    """A graph of names. What was asked of it is remembered: a process asks the same again and again.

    >>> shop = Topology([Edge("shop", Relation.DEPENDS_ON, "db"), Edge("db", Relation.RUNS_ON, "host-1")])
    >>> dict(shop.near("shop")), sorted(shop.needs("shop"))
    ({'shop': 0, 'db': 1, 'host-1': 2}, ['db', 'host-1'])
    """

    def __init__(self, edges: Iterable[Edge] = (), nodes: Iterable[str] = ()) -> None:
        self.edges = tuple(dict.fromkeys(edge for edge in edges if edge.source != edge.target))
        self._beside: dict[str, list[str]] = {name: [] for name in nodes}
        self._below: dict[str, list[str]] = {}
        for edge in self.edges:
            self._beside.setdefault(edge.source, []).append(edge.target)
            self._beside.setdefault(edge.target, []).append(edge.source)
            for needy, needed in _needs(edge):
                self._below.setdefault(needy, []).append(needed)
        self._services = {
            edge.source: edge.target for edge in self.edges if edge.relation is Relation.INSTANCE_OF
        }
        self._near: dict[tuple[str, ...], Mapping[str, int]] = {}
        self._needs: dict[str, frozenset[str]] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topology):
            return NotImplemented
        return set(self.edges) == set(other.edges) and self._beside.keys() == other._beside.keys()

    def __hash__(self) -> int:
        return hash(frozenset(self.edges))

    def __bool__(self) -> bool:
        return bool(self._beside)

    def __contains__(self, name: str) -> bool:
        return name in self._beside

    def near(self, *names: str) -> Mapping[str, int]:
        """Count the hops from the nearest of *names* to all within reach; one that is not known is near itself only."""
        known = self._near.get(names)
        if known is None:
            known = self._near[names] = self._walk(names)
        return known

    def _walk(self, names: tuple[str, ...]) -> Mapping[str, int]:
        hops = dict.fromkeys(names, 0)
        rim = dict(hops)
        for hop in range(1, REACH + 1):
            beside = (other for name in rim for other in self._beside.get(name, ()))
            rim = dict.fromkeys((other for other in beside if other not in hops), hop)
            hops.update(rim)
        return hops

    def needs(self, name: str) -> frozenset[str]:
        """Name all that *name* cannot work without, directly or not."""
        known = self._needs.get(name)
        if known is None:
            known = self._needs[name] = frozenset(self._descend(name))
        return known

    def _descend(self, name: str) -> set[str]:
        found: set[str] = set()
        rest = [name]
        while rest:
            new = [each for each in self._below.get(rest.pop(), ()) if each not in found]
            found.update(new)
            rest += new
        return found - {name}

    def is_deeper(self, name: str, other: str) -> bool:
        """Tell whether *other* needs *name*, and not the other way round, too."""
        return name in self.needs(other) and other not in self.needs(name)

    def service_of(self, name: str) -> str:
        """Name the service that *name* is an instance of; itself if it is none."""
        return self._services.get(name, name)


def _needs(edge: Edge) -> list[tuple[str, str]]:
    """Say who needs whom. A service and its instances need each other: neither is deeper."""
    there, back = (edge.source, edge.target), (edge.target, edge.source)
    match edge.relation:
        case Relation.CONNECTS_TO:
            return []
        case Relation.INSTANCE_OF:
            return [there, back]
        case _:
            return [there]
