"""Names in service levels that lead nowhere: calendars and services."""

from __future__ import annotations

from collections.abc import Iterator

from config.document import Node
from config.problems import Finding, Path, undefined
from routing.calendar_models import ALWAYS

Item = tuple[Path, Node]


def undefined_calendars(sections: Node) -> Iterator[Finding]:
    """List the mistakes: calendars that are used, and are not there."""
    own = [str(path[-1]) for path, _ in below(sections, "calendars")]
    defined = list(dict.fromkeys([ALWAYS, *own]))
    if ALWAYS in own:
        yield Finding(("calendars", ALWAYS), "is there already, and around the clock; take another name")
    for path, node in _calendars_used(sections):
        if isinstance(node.value, str) and node.value and node.value not in defined:
            yield Finding(path, undefined("calendar", node.value, defined))


def _calendars_used(sections: Node) -> Iterator[Item]:
    for key, places in (
        ("calendar", [*_agreements(sections)]),
        ("support_hours", below(sections, "services")),
    ):
        for path, node in places:
            used = node.child(key)
            if used is not None:
                yield (*path, key), used


def _agreements(sections: Node) -> Iterator[Item]:
    sla = sections.child("sla")
    if sla is not None:
        yield ("sla",), sla
    yield from below(sections, "sla", "targets")
    for path, service in below(sections, "sla", "services"):
        yield path, service
        yield from below(service, "targets", at=path)


def undefined_sla_services(sections: Node) -> Iterator[Finding]:
    """List the mistakes: services with targets of their own that the catalogue has not."""
    defined = [str(path[-1]) for path, _ in below(sections, "services")]
    for path, _ in below(sections, "sla", "services"):
        if path[-1] not in defined:
            yield Finding(path, undefined("service", str(path[-1]), defined))


def below(node: Node, *path: str, at: Path = ()) -> list[tuple[Path, Node]]:
    """List the values of a mapping with the way to each; nothing where there is none."""
    found = node.at(path)
    values = found.value if found and isinstance(found.value, dict) else {}
    return [((*at, *path, name), value) for name, value in values.items()]
