"""What can be typed after ``tocsin parked``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.quarantine_commands import URL, Url

Name = Annotated[
    str, typer.Argument(metavar="DESTINATION/KEY", help="The ticket; `tocsin parked list` has them.")
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[DESTINATION/KEY]...", help="Tickets.")]
Destination = Annotated[str | None, typer.Option(help="All of this destination.")]
All = Annotated[bool, typer.Option("--all", help="All there are.")]

parked = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at tickets that a ticketing tool refused for good; try them again or give them up.

    \b
    Examples:
      tocsin parked list
      tocsin parked show noc/1f0c5a9be2d34c77
      tocsin parked retry noc/1f0c5a9be2d34c77
    """,
)


@parked.command("list")
def parked_list(
    url: Url = URL,
    destination: Annotated[str | None, typer.Option(help="Only those of this destination.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")] = False,
) -> None:
    """List what is parked, the last first: name, priority, title, and the reason."""
    from app.cli.parked import run_list

    run_list(url, destination, limit, as_json=as_json)


@parked.command("show")
def parked_show(name: Name, url: Url = URL) -> None:
    """Print why a ticket is parked, and the request that was refused, with secrets masked."""
    from app.cli.parked import run_show

    run_show(url, name)


@parked.command("retry")
def parked_retry(
    names: Names = None, url: Url = URL, destination: Destination = None, everything: All = False
) -> None:
    """Give tickets another chance, after what was wrong has been mended."""
    from app.cli.parked import run_retry

    run_retry(url, names or [], destination, everything=everything)


@parked.command("drop")
def parked_drop(
    names: Names = None, url: Url = URL, destination: Destination = None, everything: All = False
) -> None:
    """Give tickets up. A later change of the incident begins anew with its ticket."""
    from app.cli.parked import run_drop

    run_drop(url, names or [], destination, everything=everything)
