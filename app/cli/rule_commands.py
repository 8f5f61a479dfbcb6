"""What can be typed after ``tocsin`` about rules: ``test`` and ``backtest``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rehearse(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILES]...",
            readable=False,
            help="Files of tests, and folders of them; without any, this folder.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(readable=False, help="Configuration for files that name none."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Only tests in whose name this is found.")
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Write the results there for a CI, too."),
    ] = None,
) -> None:
    """Play tests of rules: alerts at times in, expected incidents and tickets out. Needs no services.

    Exits with 1 if a test fails, and with 2 if a file has mistakes. docs/rules.md tells how tests are written.

    \b
    Examples:
      tocsin test tests/
      tocsin test --config tocsin.yaml rules.test.yaml --run 'power'
      tocsin test tests/ --junit report.xml
    """  # noqa: D301
    from app.cli.testing import run_tests

    run_tests(files or [], config, run, junit)


def add_rule_commands(cli: typer.Typer) -> None:
    """Put them under ``tocsin``."""
    cli.command("test")(rehearse)
