"""From a YAML file to ``Settings``, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path as FilePath

from config.catalogue_import import import_services
from config.check import check
from config.crossrefs import cross_references, suspicions
from config.document import Document, Node
from config.expiry import expired, unexpired
from config.models import TocsinConfig
from config.problems import ConfigError, Finding, Problem, in_order
from config.reading import NotReadable, read_document
from config.secrets import LONG, Mask, Outside, conceal, fill_references, masks_within, references_in
from config.settings import Settings, compile_settings
from config.shadows import untried
from config.tables import read_lookups
from config.topology import read_graph
from correlation.maintenance_models import MaintenanceConfig

OVERRIDES = {"broker": "TOCSIN_BROKER", "store": "TOCSIN_STORE"}
"""Settings that the environment may give, or give anew."""


def load(path: FilePath, environ: Mapping[str, str], today: date | None = None) -> Settings:
    """Read and check a configuration file, as it applies *today*; see ``parse``.

    Raises:
        ConfigError: with every mistake in it.
    """
    settings = parse(read_text(path), str(path), environ, path.parent, today)
    return replace(settings, files=(path, *settings.files))


def parse(
    text: str,
    file: str,
    environ: Mapping[str, str],
    folder: FilePath = FilePath(),
    today: date | None = None,
) -> Settings:
    """Check a configuration that is at hand already; *file* is only what messages call it.

    Rules whose last day is before *today*, in UTC, are left out.

    Raises:
        ConfigError: with every mistake in it.
    """
    try:
        document = read_document(text, file)
    except NotReadable as error:
        raise ConfigError([Problem(file, error.line, "", error.message)]) from None
    outside = Outside(environ, folder)
    document = _override(fill_references(document, outside), environ)
    document, catalogues = import_services(document, folder)
    config = check(document, TocsinConfig)
    mistakes = [*document.findings, *cross_references(document)]
    if isinstance(config, list):
        raise ConfigError(_problems(document, [*config, *mistakes]))
    lookups, misread = read_lookups(config.enrich, folder)
    graph, no_graph = read_graph(config, folder)
    if misread or no_graph or mistakes:
        raise ConfigError(_problems(document, [*misread, *no_graph, *mistakes]))
    today = today or datetime.now(UTC).date()
    doubtful = [*suspicions(document), *expired(document, today), *untried(document)]
    warnings = tuple(in_order(_problems(document, doubtful)))
    tables = [folder / rule.lookup.file for rule in config.enrich if rule.lookup]
    tables += [folder / config.topology.file] if config.topology.file else []
    applying = unexpired(config, today)
    return replace(
        compile_settings(applying, warnings, lookups, graph),
        files=(*outside.files, *tables, *catalogues),
        calendars=tuple(_placed(rule, folder) for rule in applying.maintenance if rule.ical),
    )


def _placed(rule: MaintenanceConfig, folder: FilePath) -> MaintenanceConfig:
    """Name a calendar's file by its whole path."""
    if rule.ical.startswith(("http://", "https://")):
        return rule
    return rule.model_copy(update={"ical": str(folder / rule.ical)})


def read_text(path: FilePath) -> str:
    """Read a file that people write.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(str(path), 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8 text; save it as UTF-8")]) from None


def _override(document: Document, environ: Mapping[str, str]) -> Document:
    """Put what the environment says in place of what the file says."""
    root = document.root
    if not isinstance(root.value, dict):
        return document
    sections = dict(root.value)
    for key, variable in OVERRIDES.items():
        if value := environ.get(variable):
            line = root.line_of((key,))
            sections[key] = Node(line, value, masks=((value, f"${{{variable}}}"),))
    return replace(document, root=replace(root, value=sections))


def _problems(document: Document, findings: list[Finding]) -> list[Problem]:
    everywhere = masks_within(document.root, LONG) if findings else []
    return [document.problem(_concealed(document, finding, everywhere)) for finding in findings]


def _concealed(document: Document, finding: Finding, everywhere: list[Mask]) -> Finding:
    here = document.root.at(finding.path) or document.root.at(finding.path[:-1])
    message = conceal(finding.message, [*everywhere, *masks_within(here)])
    origin = references_in(document.root.at(finding.path))
    if origin and "${" not in message:
        message += f" (from {' and '.join(origin)})"
    return replace(finding, message=" ".join(message.split()))
