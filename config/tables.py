"""Reads the tables that rules look things up in, and checks them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path as FilePath

from config.document import Document
from config.problems import Finding, way_out
from config.reading import NotReadable, read_document
from correlation.enrichment import Lookup, Row
from correlation.enrichment_models import EnrichConfig, LookupConfig


class BadTable(Exception):
    """A table that cannot be used; the message says why, with the line."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, each with its line."""

    file: str
    columns: list[str]
    rows: Sequence[tuple[int, Row]]
    digest: str


def read_lookups(rules: Sequence[EnrichConfig], folder: FilePath) -> tuple[dict[str, Lookup], list[Finding]]:
    """Read the table of each rule that has one, by the rule's id."""
    lookups: dict[str, Lookup] = {}
    findings: list[Finding] = []
    for place, rule in enumerate(rules):
        if rule.lookup is not None:
            try:
                lookups[rule.id] = _lookup(rule.lookup, folder)
            except BadTable as error:
                findings.append(Finding(("enrich", place, "lookup", "file"), str(error)))
    return lookups, findings


def _lookup(config: LookupConfig, folder: FilePath) -> Lookup:
    table = _read(config, folder)
    taken = config.taken(table.columns)
    for column in (*config.looked_at, *taken.values()):
        if column not in table.columns:
            raise BadTable(f"{table.file} has no column {column!r}{way_out(column, table.columns)}")
    rows: dict[tuple[str, ...], Row] = {}
    lines: dict[tuple[str, ...], int] = {}
    for line, row in table.rows:
        key = tuple(row.get(column, "") for column in config.looked_at)
        if key in rows:
            raise BadTable(f"{table.file}:{line}: {', '.join(key)} is in line {lines[key]} already")
        lines[key] = line
        rows[key] = {label: row[column] for label, column in taken.items() if row.get(column)}
    return Lookup(table.file, tuple(config.looked_at.values()), rows, table.digest)


def _read(config: LookupConfig, folder: FilePath) -> Table:
    try:
        text = (folder / config.file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadTable(f"cannot read {config.file}: {error.strerror}") from None
    except ValueError:
        raise BadTable(f"cannot read {config.file}: not UTF-8 text") from None
    if config.file.endswith((".yaml", ".yml")):
        return _from_yaml(config, text)
    return _from_csv(config.file, text)


def _from_csv(file: str, text: str) -> Table:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True, skipinitialspace=True)
    try:
        columns = list(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise BadTable(f"{file}:{reader.line_num + 1}: not CSV: {error}") from None
    if len(set(columns)) < len(columns) or not columns:
        raise BadTable(f"{file}:1: the first line must name the columns, each once")
    for line, row in rows:
        if None in row or None in row.values():
            raise BadTable(f"{file}:{line}: has not as many values as there are columns ({len(columns)})")
    return Table(file, columns, rows, _digest(text))


def _from_yaml(config: LookupConfig, text: str) -> Table:
    try:
        document = read_document(text, config.file)
    except NotReadable as error:
        raise BadTable(f"{config.file}:{error.line}: {error.message}") from None
    if document.findings:
        first = document.problem(document.findings[0])
        raise BadTable(f"{first.file}:{first.line}: {first.message}")
    rows = list(_yaml_rows(config, document))
    columns = dict.fromkeys(column for _, row in rows for column in row)
    return Table(config.file, list(columns), rows, _digest(text))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _yaml_rows(config: LookupConfig, document: Document) -> Iterator[tuple[int, Row]]:
    (column, *others) = config.looked_at
    keyed = isinstance(document.root.value, dict)
    if keyed and others:
        raise BadTable(f"{config.file}:1: must be a list of mappings, as more than one column is looked at")
    for step, node in document.root.entries():
        if not isinstance(node.value, dict):
            raise BadTable(f"{config.file}:{node.line}: should be a mapping of column to value")
        row = {column: str(step)} if keyed else {}
        for name, value in node.value.items():
            if isinstance(value.value, dict | list):
                raise BadTable(f"{config.file}:{value.line}: {name} should be text")
            row[name] = value.value or ""
        yield node.line, row
