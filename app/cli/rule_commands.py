"""What can be typed after ``tocsin`` about rules: ``test`` and ``backtest``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from enum import StrEnum
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


class FailOn(StrEnum):
    """What a backtest may fail on."""

    P1_MISSED = "p1-missed"
    CHANGE = "change"


def backtest(
    config: Annotated[Path, typer.Option(readable=False, help="Configuration with the changed rules.")],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="Folder of --data or its tocsin.db, address of RabbitMQ (amqp://…), or folder of recorded "
            "requests. Without it, the journal of the broker that the configuration names, else of data/.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            readable=False, help="Configuration with today's rules; without it nothing is compared."
        ),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None, typer.Option(help="Exit with 1 if it is so; may be given several times.")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Incidents of a kind that are named one by one.")] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of text, with all of them.")
    ] = False,
) -> None:
    """Replay recorded traffic under changed rules, and tell what would have been different.

    Replays under both configurations: incidents added, removed, merged and split, priorities, tickets, P1 missed.
    The journal of the last week is read from the broker while it works. Exits with 2 if there is nothing to read.

    \b
    Examples:
      tocsin backtest --config new.yaml --against tocsin.yaml /var/lib/tocsin
      tocsin backtest --config new.yaml --against tocsin.yaml recorded/ --fail-on p1-missed
      tocsin backtest --config new.yaml --against tocsin.yaml --json
    """  # noqa: D301
    from app.cli.backtest import run_backtest

    run_backtest(config, against, source, [each.value for each in fail_on or []], as_json=as_json, most=most)


def add_rule_commands(cli: typer.Typer) -> None:
    """Put them under ``tocsin``."""
    cli.command("test")(rehearse)
    cli.command()(backtest)
