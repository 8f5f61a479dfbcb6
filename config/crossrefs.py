"""What no part can see alone: names that lead nowhere, rules that never apply.

Works on the file's tree, not on the models, so that it also has its say when something else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.document import Document, Node
from config.priority_levels import level_mistakes
from config.problems import Finding, Path, undefined
from config.service_levels import undefined_calendars, undefined_sla_services
from config.shadows import says_shadow


def cross_references(document: Document) -> list[Finding]:
    """List the mistakes."""
    sections = document.root
    groups, routes = _items(sections, "correlation", "groups"), list(_all_routes(sections))
    majors = _items(sections, "major")
    problems, known_errors = _items(sections, "problems"), _items(sections, "known_errors")
    return [
        *_repeated_ids(_items(sections, "enrich")),
        *_repeated_ids(_items(sections, "priority", "adjust")),
        *_repeated_ids(_items(sections, "assignment")),
        *_repeated_ids(_items(sections, "escalation")),
        *_undefined_destinations(_escalation_steps(sections), _keys(sections, "destinations")),
        *_repeated_ids(_items(sections, "priority", "rules")),
        *_repeated_ids(groups),
        *_repeated_ids(_items(sections, "maintenance")),
        *_repeated_ids(_items(sections, "inhibit")),
        *_repeated_ids(routes),
        *_unreachable(groups),
        *_unreachable_routes(sections),
        *_undefined_destinations([*routes, *problems, *majors], _keys(sections, "destinations")),
        *_repeated_ids(problems),
        *_repeated_ids(majors),
        *_repeated_ids(known_errors),
        *_unreachable(known_errors),
        *_unreachable(problems),
        *_undefined_fallbacks(_keys(sections, "destinations")),
        *_undefined_services(sections),
        *_dead_ends(sections),
        *undefined_calendars(sections),
        *undefined_sla_services(sections),
        *level_mistakes(sections),
    ]


def suspicions(document: Document) -> list[Finding]:
    """List what is allowed but hardly meant."""
    sections = document.root
    return [
        *_nothing_comes_in(sections),
        *_nothing_goes_out(sections),
        *_unused_destinations(sections),
        *_gaps(sections),
        *_dependency_cycles(sections),
        *_split_state(sections),
    ]


def _keys(node: Node | None, *path: str) -> Mapping[str, Node]:
    below = node.at(path) if node else None
    return below.value if below and isinstance(below.value, dict) else {}


Item = tuple[Path, Node]


def _items(node: Node | None, *path: str, at: Path = ()) -> list[Item]:
    below = node.at(path) if node else None
    items = below.value if below and isinstance(below.value, list) else []
    return [((*at, *path, index), item) for index, item in enumerate(items)]


def _texts(node: Node, key: str, at: Path) -> list[tuple[Path, str]]:
    return [(path, item.value) for path, item in _items(node, key, at=at) if isinstance(item.value, str)]


def _all_routes(node: Node, at: Path = ()) -> Iterator[Item]:
    for path, route in _items(node, "routes", at=at):
        yield path, route
        yield from _all_routes(route, path)


def _id(node: Node) -> str | None:
    found = node.child("id")
    return found.value if found and isinstance(found.value, str) else None


def _repeated_ids(items: list[Item]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for path, item in items:
        name = _id(item)
        if name in seen:
            yield Finding(
                (*path, "id"), f"{name!r} is taken by the one in line {seen[name]}; ids must differ"
            )
        elif name:
            seen[name] = item.line


def _matches_everything(node: Node) -> bool:
    match = node.child("match")
    return isinstance(node.value, dict) and not (match and (match.value or match.broken))


def _unreachable(items: list[Item]) -> Iterator[Finding]:
    taker: Node | None = None
    for path, item in items:
        if taker is not None:
            name = _id(taker) or "the one"
            message = f"is never reached: {name} in line {taker.line} takes everything; move this before it"
            yield Finding(path, message)
        elif _matches_everything(item) and not (
            _proceeds(item) or item.child("expires") or says_shadow(item)
        ):
            taker = item


def _proceeds(route: Node) -> bool:
    """Tell whether the next sibling may be tried too. In doubt it may."""
    proceed = route.child("continue")
    return proceed is not None and str(proceed.value).lower() not in ("false", "no", "off", "n", "f", "0")


def _unreachable_routes(sections: Node) -> Iterator[Finding]:
    yield from _unreachable(_items(sections, "routes"))
    for path, route in _all_routes(sections):
        yield from _unreachable(_items(route, "routes", at=path))


def _undefined_destinations(routes: list[Item], defined: Mapping[str, Node]) -> Iterator[Finding]:
    for at, route in routes:
        for path, name in _texts(route, "destinations", at):
            if name not in defined:
                yield Finding(path, undefined("destination", name, defined))


def _escalation_steps(sections: Node) -> list[Item]:
    policies = _items(sections, "escalation")
    return [step for path, policy in policies for step in _items(policy, "steps", at=path)]


def _undefined_fallbacks(defined: Mapping[str, Node]) -> Iterator[Finding]:
    for name, node in defined.items():
        fallback = node.child("fallback")
        other = fallback.value if fallback else None
        if isinstance(other, str) and other == name:
            yield Finding(("destinations", name, "fallback"), "is the destination itself")
        elif isinstance(other, str) and other and other not in defined:
            yield Finding(("destinations", name, "fallback"), undefined("destination", other, defined))


def _undefined_services(sections: Node) -> Iterator[Finding]:
    defined = _keys(sections, "services")
    for service, node in defined.items():
        for path, name in _texts(node, "depends_on", ("services", service)):
            if name not in defined:
                yield Finding(path, undefined("service", name, defined))


def _without_destinations(routes: list[Item], *, inherited: bool = False) -> Iterator[Item]:
    """Find routes that name no destinations and have none above them either."""
    for path, route in routes:
        own = route.child("destinations")
        has_some = inherited or (own is not None and bool(own.value or own.broken))
        if not has_some and isinstance(route.value, dict):
            yield path, route
        yield from _without_destinations(_items(route, "routes", at=path), inherited=has_some)


def _dead_ends(sections: Node) -> Iterator[Finding]:
    for path, route in _without_destinations(_items(sections, "routes")):
        if not _items(route, "routes"):
            yield Finding(path, "leads nowhere: neither it nor a route above it names destinations")


def _gaps(sections: Node) -> Iterator[Finding]:
    for path, route in _without_destinations(_items(sections, "routes")):
        below = _items(route, "routes")
        if below and not any(_matches_everything(node) for _, node in below):
            yield Finding(path, "makes no ticket where none of its routes matches: it names no destinations")


def _nothing_comes_in(sections: Node) -> Iterator[Finding]:
    if not _keys(sections, "sources"):
        message = "nothing can be posted: there are no sources; add one, like prom: {type: alertmanager}"
        yield Finding(("sources",), message)


def _nothing_goes_out(sections: Node) -> Iterator[Finding]:
    if not _keys(sections, "destinations"):
        yield Finding(("destinations",), "no tickets are made: there are no destinations")
    elif not _items(sections, "routes"):
        yield Finding(("routes",), "no tickets are made: there are no routes to the destinations")


def _unused_destinations(sections: Node) -> Iterator[Finding]:
    users = [*_all_routes(sections), *_items(sections, "problems"), *_items(sections, "major")]
    used = {name for at, user in users for _, name in _texts(user, "destinations", at)}
    for name in _keys(sections, "destinations"):
        if used and name not in used:
            yield Finding(("destinations", name), "is not used by any route")


def _split_state(sections: Node) -> Iterator[Finding]:
    if sections.child("broker") and not sections.child("store"):
        message = "alerts are shared through the broker, but state stays on this machine; give store too"
        yield Finding(("broker",), message)


def _dependency_cycles(sections: Node) -> Iterator[Finding]:
    services = _keys(sections, "services")
    needs = {
        service: [name for _, name in _texts(node, "depends_on", ())] for service, node in services.items()
    }
    for cycle in find_cycles(needs):
        message = f"services depend on each other in a circle: {' → '.join([*cycle, cycle[0]])}"
        yield Finding(("services", cycle[0], "depends_on"), message)


def find_cycles(needs: Mapping[str, list[str]]) -> list[list[str]]:
    """Find circles: one for each way back into the trail being followed. Each service is visited once.

    >>> find_cycles({"a": ["b"], "b": ["c", "a"], "c": ["c"]})
    [['c'], ['a', 'b']]
    """
    cycles: list[list[str]] = []
    done: set[str] = set()
    for start in needs:
        trail = {start: iter(needs[start])} if start not in done else {}
        while trail:
            current = next(reversed(trail))
            name = next(trail[current], None)
            if name is None:
                done.add(current)
                trail.popitem()
            elif name in trail:
                way = list(trail)
                cycles.append(way[way.index(name) :])
            elif name in needs and name not in done:
                trail[name] = iter(needs[name])
    return cycles
