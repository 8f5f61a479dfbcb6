"""What can be typed after ``tocsin quarantine``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

URL = "http://127.0.0.1:8080"

Url = Annotated[str, typer.Option(help="Where Tocsin is.")]
Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of the request; `tocsin quarantine list` has them.")
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of requests.")]
SourceName = Annotated[str | None, typer.Option(help="All that came by this source.")]
All = Annotated[bool, typer.Option("--all", help="All there are.")]

quarantine = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at requests that were not understood by a running Tocsin; replay or drop them.

    \b
    Examples:
      tocsin quarantine list --source shop
      tocsin quarantine edit 5f2a9c01d3e4-1
      tocsin quarantine replay --source shop
    """,
)


@quarantine.command("list")
def quarantine_list(
    url: Url = URL,
    source: Annotated[str | None, typer.Option(help="Only what came by this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")] = False,
) -> None:
    """List what is kept, the last received first: id, time, source, and what is wrong with it."""
    from app.cli.quarantine import run_list

    run_list(url, source, limit, as_json=as_json)


@quarantine.command("show")
def quarantine_show(id_: Id, url: Url = URL) -> None:
    """Print a request as it came, with secrets masked, in the form that `tocsin parse` reads (*.http)."""
    from app.cli.quarantine import run_show

    run_show(url, id_)


@quarantine.command("edit")
def quarantine_edit(
    id_: Id,
    url: Url = URL,
    file: Annotated[
        Path | None,
        typer.Option(readable=False, help="Body to replay; without it, $EDITOR opens the old one."),
    ] = None,
) -> None:
    """Change the body of a request and replay it. If it is still not understood, all stays as it was."""
    from app.cli.quarantine import run_edit

    run_edit(url, id_, file)


@quarantine.command("replay")
def quarantine_replay(
    ids: Ids = None, url: Url = URL, source: SourceName = None, everything: All = False
) -> None:
    """Try requests again, as the configuration is now. Exits with 1 if any is still not understood.

    What was accepted of a request before opens nothing again, and what is understood leaves the quarantine.
    """
    from app.cli.quarantine import run_replay

    run_replay(url, ids or [], source, everything=everything)


@quarantine.command("drop")
def quarantine_drop(
    ids: Ids = None, url: Url = URL, source: SourceName = None, everything: All = False
) -> None:
    """Throw requests away, for good."""
    from app.cli.quarantine import run_drop

    run_drop(url, ids or [], source, everything=everything)
