"""``tocsin catalog import``: services of other catalogues, as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
import yaml
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


def run_import(
    backstage: Sequence[Path], tables: Sequence[Path], columns: Sequence[str], delimiter: str
) -> None:
    """Print the services of all files, for the section ``services``."""
    try:
        services = with_known_dependencies(
            joined(_catalogues(backstage, tables, columns, delimiter)), frozenset()
        )
    except (BadCatalogue, ValidationError) as error:
        typer.echo(f"error: {_said(error)}", err=True)
        raise typer.Exit(1) from None
    typer.echo(yaml.safe_dump({"services": services}, sort_keys=False, allow_unicode=True).rstrip("\n"))


def _catalogues(
    backstage: Sequence[Path], tables: Sequence[Path], columns: Sequence[str], delimiter: str
) -> Iterator[Services]:
    named = dict(each.partition("=")[::2] for each in columns)
    for file in backstage:
        yield from_backstage(str(file), Path())
    for file in tables:
        config = CsvConfig.model_validate({"file": str(file), "columns": named, "delimiter": delimiter})
        yield from_csv(config, Path())


def _said(error: BadCatalogue | ValidationError) -> str:
    if isinstance(error, BadCatalogue):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
