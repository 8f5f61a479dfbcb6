"""Names in a file of tests that lead nowhere: found in its tree, so also where something else is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.document import Document, Node
from config.problems import Finding, Path, way_out
from config.settings import Settings

Item = tuple[Path, Node]


def cross_references(document: Document, settings: Settings) -> Iterator[Finding]:
    """List sources and destinations that the configuration has not, and names that are given twice."""
    tests = list(_items(document.root, "tests", ()))
    yield from _repeated(tests)
    for place, test in tests:
        for at, each in _items(test, "input", place):
            yield from _bad_source(each, at, settings.sources)
            for kind, key in (("ticket", "destination"), ("destination", "name")):
                node = each.at((kind, key))
                yield from _bad_name("destination", node, (*at, kind, key), settings.destinations)
        for at, expected in _items(test, "expect", place):
            for kind in ("incidents", "problems"):
                for path, one in _items(expected, kind, at):
                    yield from _bad_tickets(one, path, settings.destinations)


def _items(node: Node, key: str, at: Path) -> Iterator[Item]:
    below = node.child(key)
    for index, item in enumerate(below.value if below and isinstance(below.value, list) else []):
        yield (*at, key, index), item


def _repeated(tests: list[Item]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for place, test in tests:
        name = test.child("name")
        if name is None or not isinstance(name.value, str):
            continue
        if name.value in seen:
            message = f"{name.value!r} is taken by the test in line {seen[name.value]}; names must differ"
            yield Finding((*place, "name"), message)
        seen.setdefault(name.value, name.line)


def _bad_source(each: Node, at: Path, known: Mapping[str, object]) -> Iterator[Finding]:
    for kind in ("alert", "post", "change"):
        told = each.child(kind)
        source = told and told.child("source")
        if source is not None:
            yield from _bad_name("source", source, (*at, kind, "source"), known)
        elif told is not None and len(known) != 1:
            message = f"must say its source; the configuration has: {', '.join(known) or 'none'}"
            yield Finding((*at, kind), message)


def _bad_tickets(one: Node, at: Path, known: Mapping[str, object]) -> Iterator[Finding]:
    for path, node in _items(one, "destinations", at):
        yield from _bad_name("destination", node, path, known)
    tickets = one.child("tickets")
    for name in tickets.value if tickets and isinstance(tickets.value, dict) else ():
        if name not in known:
            yield Finding((*at, "tickets", name), _undefined("destination", name, known))


def _bad_name(kind: str, node: Node | None, path: Path, known: Mapping[str, object]) -> Iterator[Finding]:
    if node is not None and isinstance(node.value, str) and node.value not in known:
        yield Finding(path, _undefined(kind, node.value, known))


def _undefined(kind: str, name: str, known: Mapping[str, object]) -> str:
    return f"there is no {kind} {name!r}{way_out(name, list(known)) or f'; no {kind}s are defined'}"
