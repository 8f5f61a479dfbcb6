"""What can be typed after ``tocsin silence``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.quarantine_commands import URL, Url

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the silence; `tocsin silence list` has them.")]
For = Annotated[str | None, typer.Option("--for", metavar="LENGTH", help="How long, like 2h or 1h30m.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="When it ends, like 2027-01-31T18:00+01:00.")]
Author = Annotated[str | None, typer.Option(metavar="NAME", help="Who wants it; without it, you.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")]

silence = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Have a running Tocsin keep alerts quiet for a time. What still fires at the end opens its incident.

    \b
    Examples:
      tocsin silence add service=cart 'alertname=~"Disk.*"' --for 2h --comment "new disks"
      tocsin silence list --state active
      tocsin silence extend 6f1a2c9e-88a1-4a53-9d7c-1f0c5a9be2d3 --for 1h
      tocsin silence expire 6f1a2c9e-88a1-4a53-9d7c-1f0c5a9be2d3
    """,
)


@silence.command("add")
def silence_add(  # noqa: PLR0913, PLR0917 - one parameter an option
    matchers: Annotated[
        list[str], typer.Argument(metavar="MATCHER...", help='All must fit: service=cart, team!~"web|app".')
    ],
    url: Url = URL,
    lasts: For = None,
    until: Until = None,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it begins; without it, now.")
    ] = None,
    comment: Annotated[str, typer.Option("-c", "--comment", help="Why; it is shown with each alert.")] = "",
    author: Author = None,
) -> None:
    """Keep alerts quiet that fit all matchers. Prints the id of the silence.

    Alerts that fire already, and their incidents, are left as they are.
    """
    from app.cli.silences import run_add

    run_add(url, matchers, {"for": lasts, "until": until, "start": start}, comment, author)


@silence.command("list")
def silence_list(
    url: Url = URL,
    state: Annotated[str | None, typer.Option(help="Only pending, active or expired ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """List silences: id, state, end, author, matchers, and why."""
    from app.cli.silences import run_list

    run_list(url, state, as_json=as_json)


@silence.command("show")
def silence_show(name: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Show a silence, and how many alerts wait for its end."""
    from app.cli.silences import run_show

    run_show(url, name, as_json=as_json)


@silence.command("extend")
def silence_extend(
    name: Id, url: Url = URL, lasts: For = None, until: Until = None, author: Author = None
) -> None:
    """Have a silence end at another time: so long from now, or then."""
    from app.cli.silences import run_extend

    run_extend(url, name, {"for": lasts, "until": until}, author)


@silence.command("expire")
def silence_expire(
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of silences.")],
    url: Url = URL,
    author: Author = None,
) -> None:
    """End silences now. What they kept quiet and still fires opens its incidents."""
    from app.cli.silences import run_expire

    run_expire(url, names, author)
