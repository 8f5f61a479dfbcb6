"""``tocsin check`` and ``tocsin schema``: what is wrong with a configuration, and what may be in one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from app.rehearsal.models import RuleTests
from config.load import load
from config.models import TocsinConfig
from config.problems import ConfigError
from config.schema import json_schema
from config.settings import Settings
from routing.rules import Route


def run_check(file: Path, *, online: bool = False) -> None:
    """Print all that is wrong, or one line that it is fine; *online* asks the ticketing tools too."""
    try:
        settings = load(file, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(problem)
        raise typer.Exit(1) from None
    for warning in settings.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(f"{file}: OK ({', '.join(_counts(settings))})")
    if online:
        from app.cli.online import run_online  # noqa: PLC0415 - see commands.py

        run_online(settings)


def run_schema(*, tests: bool = False) -> None:
    """Print the JSON Schema of the configuration, or of files of *tests*."""
    model = RuleTests if tests else TocsinConfig
    typer.echo(json.dumps(json_schema(model), indent=2, ensure_ascii=False))


def _counts(settings: Settings) -> Iterator[str]:
    yield counted(len(settings.sources), "source")
    yield counted(len(settings.correlation.groups), "group")
    yield counted(len(settings.routing.services), "service")
    yield counted(_routes(settings.routing.routes), "route")
    yield counted(len(settings.destinations), "destination")
    if settings.warnings:
        yield counted(len(settings.warnings), "warning")


def _routes(routes: Sequence[Route]) -> int:
    return sum(1 + _routes(route.routes) for route in routes)


def counted(count: int, noun: str) -> str:
    """Write a number of things.

    >>> counted(1, "route"), counted(2000, "alert")
    ('1 route', '2,000 alerts')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
