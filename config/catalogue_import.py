"""Puts the services of other catalogues into the configuration, before it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from config.catalogue_models import CsvConfig
from config.catalogues import (
    BadCatalogue,
    Services,
    from_backstage,
    from_csv,
    joined,
    with_known_dependencies,
)
from config.document import Document, Node
from config.problems import Finding, Path


def import_services(document: Document, folder: FilePath) -> tuple[Document, tuple[FilePath, ...]]:
    """Add the services of all files that ``catalog`` names, and list the files.

    What ``services`` itself says of one is left as it is. A file that cannot be read becomes a finding.
    """
    root, catalog = document.root, document.root.child("catalog")
    if catalog is None or not isinstance(root.value, dict):
        return document, ()
    findings = list(document.findings)
    found: list[Services] = []
    files: list[FilePath] = []
    for path, file, read in _sources(catalog, folder):
        files.append(folder / file)
        try:
            found.append(read())
        except BadCatalogue as error:
            findings.append(Finding(path, str(error)))
    own = root.child("services")
    written = own.value if own is not None and isinstance(own.value, dict) else {}
    services = with_known_dependencies(joined(iter(found)), frozenset(written))
    imported = {name: _node(each, catalog.line) for name, each in services.items()}
    node = Node(own.line if own else catalog.line, {**imported, **written})
    if imported:
        root = replace(root, value={**root.value, "services": node})
    return replace(document, root=root, findings=findings), tuple(files)


def _sources(catalog: Node, folder: FilePath) -> Iterator[tuple[Path, str, Callable[[], Services]]]:
    """List the files named, leaving out what the check will complain of anyway."""
    for place, node in _items(catalog, "backstage"):
        if isinstance(node.value, str):
            file = node.value
            yield ("catalog", "backstage", place), file, partial(from_backstage, file, folder)
    for place, node in _items(catalog, "csv"):
        try:
            config = CsvConfig.model_validate(node.data())
        except ValidationError:
            continue
        yield ("catalog", "csv", place), config.file, partial(from_csv, config, folder)


def _items(catalog: Node, key: str) -> list[tuple[int, Node]]:
    found = catalog.child(key)
    return list(enumerate(found.value)) if found is not None and isinstance(found.value, list) else []


def _node(value: Any, line: int) -> Node:
    """Make the nodes that *value* would be if it stood in the configuration."""
    if isinstance(value, dict):
        return Node(line, {name: _node(each, line) for name, each in value.items()})
    if isinstance(value, list):
        return Node(line, [_node(each, line) for each in value])
    return Node(line, value)
