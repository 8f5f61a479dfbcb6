"""Reading the configuration for a command: every mistake is shown, and ends it."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from config.load import load, parse
from config.problems import ConfigError
from config.settings import Settings


def load_or_exit(path: Path | None) -> Settings:
    """Load a configuration, or the defaults; print what is wrong and exit with 1 if anything is."""
    try:
        settings = loaded(path)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        mistakes = "a mistake" if len(error.problems) == 1 else f"{len(error.problems)} mistakes"
        typer.echo(f"tocsin: {path} has {mistakes}; docs/configuration.md says what may be in it", err=True)
        raise typer.Exit(1) from None
    for warning in settings.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return settings


def loaded(path: Path | None) -> Settings:
    """Load a configuration, or the defaults.

    Raises:
        ConfigError: with every mistake in it.
    """
    return load(path, os.environ) if path else parse("", "defaults", os.environ)
