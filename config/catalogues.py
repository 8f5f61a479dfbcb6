"""Services from Backstage's ``catalog-info.yaml`` and from the CSV export of a CMDB, as ``services`` has them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import yaml

from config.catalogue_models import CsvConfig
from routing.catalogue import Criticality

Services = dict[str, dict[str, Any]]
"""By name: the settings of a ``ServiceConfig``, as written in YAML."""
KINDS = ("Component", "System", "API", "Resource")
"""Entities of Backstage that are services here (backstage.io, "Descriptor Format of Catalog Entities")."""
LISTS = ("depends_on", "cis", "customers", "sites")
ANNOTATIONS = {"criticality": "tocsin/criticality", "support_hours": "tocsin/support-hours"}
CIS = "tocsin/cis"
_LARGEST = 64 << 20


class BadCatalogue(Exception):
    """A file that no services can be read from; the message says why, with the line where there is one."""


def from_backstage(file: str, folder: FilePath) -> Services:
    """Read the services of a file of Backstage.

    Raises:
        BadCatalogue: it is none.
    """
    text = _text(file, folder)
    try:
        entities = [entity for entity in yaml.safe_load_all(text) if entity is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadCatalogue(f"{file}:{line}: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadCatalogue(f"{file}: is not YAML: {error}") from None
    services = dict(_entity(file, entity) for entity in entities if _is_service(file, entity))
    return {name: _without_empty(service) for name, service in services.items()}


def _is_service(file: str, entity: Any) -> bool:
    if not isinstance(entity, dict) or not isinstance(entity.get("kind"), str):
        raise BadCatalogue(f"{file}: is no list of entities: each needs a kind, like Component")
    return entity["kind"] in KINDS


def _entity(file: str, entity: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    metadata, spec = _mapping(entity.get("metadata")), _mapping(entity.get("spec"))
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise BadCatalogue(f"{file}: a {entity['kind']} has no metadata.name")
    annotations = _mapping(metadata.get("annotations"))
    return name, {
        "team": _name(spec.get("owner")),
        "depends_on": [_name(each) for each in _list(spec.get("dependsOn"))],
        **{setting: _plain(annotations.get(key)) for setting, key in ANNOTATIONS.items()},
        "cis": parted(_plain(annotations.get(CIS))),
    }


def _name(reference: Any) -> str:
    """Read an entity's name out of a reference like ``component:default/cart``."""
    return _plain(reference).rpartition("/")[2].rpartition(":")[2]


def from_csv(config: CsvConfig, folder: FilePath) -> Services:
    """Read the services of a table.

    Raises:
        BadCatalogue: a column is not there, or a row cannot be read.
    """
    text = _text(config.file, folder)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=config.delimiter, strict=True)
    services: Services = {}
    try:
        known = list(reader.fieldnames or ())
        columns = _columns(config, known)
        for row in reader:
            _add_row(
                services, {name: (row.get(column) or "").strip() for name, column in columns.items()}, config
            )
    except csv.Error as error:
        raise BadCatalogue(f"{config.file}:{reader.line_num}: not CSV: {error}") from None
    except BadCatalogue as error:
        raise BadCatalogue(f"{config.file}:{max(1, reader.line_num)}: {error}") from None
    return {name: _without_empty(service) for name, service in services.items()}


def _columns(config: CsvConfig, known: list[str]) -> dict[str, str]:
    """Find the column of each setting; what is not named may be missing, but for the service."""
    common: dict[str, str] = {name: name for name in ("service", "team", *ANNOTATIONS, *LISTS)}
    wanted = common | {str(name): column for name, column in config.columns.items()}
    for name, column in wanted.items():
        if column not in known and (name in config.columns or name == "service"):
            raise BadCatalogue(f"there is no column {column!r}; there are {', '.join(known)}")
    return {name: column for name, column in wanted.items() if column in known}


def _add_row(services: Services, row: Mapping[str, str], config: CsvConfig) -> None:
    name = row["service"]
    if not name:
        return
    service = services.setdefault(name, {})
    for setting in ("team", "support_hours"):
        service[setting] = service.get(setting) or row.get(setting, "")
    service["criticality"] = service.get("criticality") or _criticality(row.get("criticality", ""), config)
    for setting in LISTS:
        service[setting] = list(dict.fromkeys([*service.get(setting, []), *parted(row.get(setting, ""))]))


def _criticality(word: str, config: CsvConfig) -> str:
    known = {level.value: level.value for level in Criticality} | config.criticalities
    found = known.get(word) or known.get(word.casefold())
    if word and found is None:
        raise BadCatalogue(f"{word!r} is no criticality; say in criticalities which it is")
    return str(found or "")


def parted(text: str) -> list[str]:
    """Part a list that is written in one text.

    >>> parted("web-1; web-2,web-3")
    ['web-1', 'web-2', 'web-3']
    """
    return [part for part in re.split(r"\s*[;,]\s*", text.strip()) if part]


def joined(catalogues: Iterator[Services]) -> Services:
    """Join services of several files; of one that is in more than one, the first file is taken.

    What it depends on is kept only where it is known: Backstage names a lot that is no service.
    """
    services: Services = {}
    for catalogue in catalogues:
        services = {**catalogue, **services}
    return services


def with_known_dependencies(services: Services, others: frozenset[str]) -> Services:
    """Leave out what a service depends on where nothing else is known of that."""
    known = services.keys() | others
    return {
        name: _without_empty(
            {**each, "depends_on": [one for one in each.get("depends_on", []) if one in known]}
        )
        for name, each in services.items()
    }


def _without_empty(service: Mapping[str, Any]) -> dict[str, Any]:
    return {setting: value for setting, value in service.items() if value}


def _text(file: str, folder: FilePath) -> str:
    try:
        raw = (folder / file).read_bytes()
    except OSError as error:
        raise BadCatalogue(f"cannot read {file}: {error.strerror}") from None
    if len(raw) > _LARGEST:
        raise BadCatalogue(f"{file} is larger than {_LARGEST >> 20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCatalogue(f"cannot read {file}: not UTF-8 text") from None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""
