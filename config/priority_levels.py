"""Levels of impact and urgency: names that are no levels, and cells that the matrix has not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from config.document import Node
from config.problems import Finding, Path, undefined
from config.service_levels import below
from routing.rules import IMPACT, LEVELS, MATRIX, URGENCY

AT: Path = ("priority",)


def level_mistakes(sections: Node) -> Iterator[Finding]:
    """List the mistakes."""
    priority = sections.child("priority")
    if priority is None:
        return
    impacts, urgencies = _levels(priority, "impact"), _levels(priority, "urgency")
    yield from _unknown(priority, "impact", impacts, IMPACT)
    yield from _unknown(priority, "urgency", urgencies, URGENCY)
    yield from _unknown_cells(priority, impacts, urgencies)
    yield from _missing_cells(priority, impacts, urgencies)


def _levels(priority: Node, kind: str) -> list[str]:
    node = priority.at(("levels", kind))
    names = [item.value for item in node.value] if node and isinstance(node.value, list) else []
    return [name for name in names if isinstance(name, str)] or list(LEVELS)


def _unknown(priority: Node, kind: str, levels: list[str], defaults: Mapping[Any, str]) -> Iterator[Finding]:
    given = {str(path[-1]): node.value for path, node in below(priority, kind)}
    for name, level in given.items():
        if isinstance(level, str) and level not in levels:
            yield Finding((*AT, kind, name), undefined("level", level, levels))
    silent = [name for name, level in defaults.items() if name not in given and level not in levels]
    if silent:
        yield Finding(
            (*AT, kind), f"says nothing of {', '.join(silent)}; the defaults are no levels any more"
        )


def _unknown_cells(priority: Node, impacts: list[str], urgencies: list[str]) -> Iterator[Finding]:
    for path, row in below(priority, "matrix", at=AT):
        if path[-1] not in impacts:
            yield Finding(path, undefined("level of impact", str(path[-1]), impacts))
        for cell, _ in below(row, at=path):
            if cell[-1] not in urgencies:
                yield Finding(cell, undefined("level of urgency", str(cell[-1]), urgencies))


def _missing_cells(priority: Node, impacts: list[str], urgencies: list[str]) -> Iterator[Finding]:
    given = {
        (path[-1], cell[-1]) for path, row in below(priority, "matrix") for cell, _ in below(row, at=path)
    }
    for impact in impacts:
        missing = [
            urgency
            for urgency in urgencies
            if (impact, urgency) not in given and (impact, urgency) not in MATRIX
        ]
        if missing:
            yield Finding(
                (*AT, "matrix"), f"has no priority for impact {impact} and urgency {', '.join(missing)}"
            )
