"""``tocsin test``: plays tests of rules, and tells what is not as expected."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from app.cli.check import counted
from app.rehearsal.expecting import Failure
from app.rehearsal.files import Case, Reader
from app.rehearsal.playing import Result, play
from config.problems import ConfigError

FAILED = 1
MISTAKEN = 2


def run_tests(files: list[Path], config: Path | None, pattern: str | None, junit: Path | None) -> None:
    """Play the tests. Exits with 1 if one fails, with 2 if a file has mistakes or there is no test at all."""
    cases = [case for case in _cases(files or [Path()], config) if _is_meant(case, pattern)]
    if not cases:
        _mistaken("there are no tests" + (f" whose name has {pattern!r} in it" if pattern else ""))
    console = Console(highlight=False, soft_wrap=True)
    results = list(_played(console, cases))
    if junit is not None:
        _write(junit, results)
    failed = sum(bool(result.failures) for result in results)
    console.print(Text(f"{counted(len(results), 'test')}, {failed} failed"))
    raise typer.Exit(FAILED if failed else 0)


def _cases(files: list[Path], config: Path | None) -> list[Case]:
    try:
        return Reader(os.environ, config).cases(files)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(MISTAKEN) from None


def _is_meant(case: Case, pattern: str | None) -> bool:
    try:
        return pattern is None or re.search(pattern, case.test.name) is not None
    except re.error as error:
        raise typer.BadParameter(f"{pattern!r} is not a pattern: {error}", param_hint="--run") from None


def _played(console: Console, cases: Iterable[Case]) -> Iterator[Result]:
    for case in cases:
        result = play(case)
        for line in _lines(result):
            console.print(line)
        yield result


def _lines(result: Result) -> Iterator[Text]:
    case = result.case
    name = f"{case.file}: {case.test.name}"
    if not result.failures:
        came = f" ({counted(result.alerts, 'alert')}, {counted(result.incidents, 'incident')})"
        yield Text.assemble(("ok    ", "green"), name, (came, "dim"))
        return
    yield Text.assemble(("FAIL  ", "bold red"), (name, "bold"))
    for failure in result.failures:
        yield from (Text(f"      {line}") for line in failure_lines(failure))


def failure_lines(failure: Failure) -> Iterator[str]:
    """Tell of a failure: expected and found side by side, each with its line of the file."""
    yield f"{failure.file}:{failure.line}: {failure.title}" + (
        f": {failure.message}" if failure.message else ""
    )
    rows = [("line", "field", "expected", "found")] if failure.differences else []
    rows += [(str(each.line), each.field, each.expected, each.found) for each in failure.differences]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for line in failure.story:
        yield f"  - {line}"


def _write(file: Path, results: list[Result]) -> None:
    from app.cli.junit import write_junit  # noqa: PLC0415 - only who wants the file waits for the library

    try:
        write_junit(file, results)
    except OSError as error:
        _mistaken(f"{file}: cannot be written: {error.strerror}")


def _mistaken(message: str) -> None:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(MISTAKEN)
