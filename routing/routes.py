"""Which destinations get a ticket: a walk through the routing tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.rule_index import RuleIndex
from routing.rules import Route


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the walk ended: a route, and the destinations it stands for."""

    route: str
    destinations: tuple[str, ...]
    shadow: bool = False
    """Whether it is only tried."""


def walk(
    routes: RuleIndex[Route], fields: Mapping[str, str], inherited: tuple[str, ...] = ()
) -> Iterator[Stop]:
    """Yield the routes taken: the first sibling that matches, and more only while each says to proceed."""
    for route in routes.applying(fields):
        destinations = route.destinations or inherited
        deeper = list(walk(route.index, fields, destinations))
        yield from deeper or [Stop(route.id, destinations, route.shadow)]
        if not route.proceed:
            return


@dataclass(frozen=True, slots=True)
class Visit:
    """A route that the walk came by: why it was not taken, or what it stands for."""

    route: str
    depth: int
    miss: str | None
    """Which fields did not match; None if the route applies."""
    destinations: tuple[str, ...] = ()
    decides: bool = False
    """Whether it is where the walk ended: it applies, and nothing below it does."""
    missed: int = 0
    """How many of its conditions did not hold."""
    held: int = 0
    """How many did, of a route that does not apply."""


def visits(
    routes: tuple[Route, ...], fields: Mapping[str, str], inherited: tuple[str, ...] = (), depth: int = 0
) -> Iterator[Visit]:
    """Yield every route that ``walk`` looks at, in its order, for people who ask why."""
    for route in routes:
        misses = route.match.misses(fields)
        if misses:
            held = len(route.match.conditions) - len(misses)
            yield Visit(route.id, depth, "; ".join(misses), missed=len(misses), held=held)
            continue
        destinations = route.destinations or inherited
        deeper = list(visits(route.routes, fields, destinations, depth + 1))
        yield Visit(route.id, depth, None, destinations, decides=all(each.miss for each in deeper))
        yield from deeper
        if not route.proceed:
            return


def destinations_of(stops: list[Stop]) -> tuple[str, ...]:
    """Join the destinations of all routes taken, each once, in order.

    >>> destinations_of([Stop("a", ("noc", "db")), Stop("b", ("db",))])
    ('noc', 'db')
    """
    return tuple(dict.fromkeys(name for stop in stops for name in stop.destinations))
