"""What can be typed after ``tocsin problems``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from app.cli.quarantine_commands import URL, Url

Id = Annotated[str, typer.Argument(metavar="ID", help="The problem; `tocsin problems list` has them.")]
Actor = Annotated[str, typer.Option(help="Who asks.", default_factory=getpass.getuser, show_default=False)]
Reason = Annotated[str, typer.Option(help="Why.")]

problems = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at problems: causes of incidents that recur; say that one is gone, or how to get along.

    \b
    Examples:
      tocsin problems list --state open
      tocsin problems show 5c1fd0e2ab934476
      tocsin problems workaround 5c1fd0e2ab934476 "restart the pods"
    """,
)


@problems.command("list")
def problems_list(
    url: Url = URL,
    state: Annotated[str | None, typer.Option(help="open, known_error, resolved or closed.")] = None,
    service: Annotated[str | None, typer.Option(help="Only those that hit this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most to list.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")] = False,
) -> None:
    """List problems, the one opened last first: id, state, priority, how many incidents, title."""
    from app.cli.problems import run_list

    run_list(url, state, service, limit, as_json=as_json)


@problems.command("show")
def problems_show(id_: Id, url: Url = URL) -> None:
    """Print a problem with its incidents, its tickets and its story."""
    from app.cli.problems import run_show

    run_show(url, id_)


@problems.command("resolve")
def problems_resolve(id_: Id, actor: Actor, url: Url = URL, reason: Reason = "") -> None:
    """Say that the cause is gone. If it recurs in time, the problem is open again."""
    from app.cli.problems import run_ask

    run_ask(url, id_, "resolve", actor=actor, reason=reason)


@problems.command("reopen")
def problems_reopen(id_: Id, actor: Actor, url: Url = URL, reason: Reason = "") -> None:
    """Say that the cause is still there."""
    from app.cli.problems import run_ask

    run_ask(url, id_, "reopen", actor=actor, reason=reason)


@problems.command("workaround")
def problems_workaround(
    id_: Id,
    text: Annotated[str, typer.Argument(help="What to do while the cause is still there.")],
    actor: Actor,
    url: Url = URL,
    reason: Reason = "",
    link: Annotated[str, typer.Option(help="Where more is written.")] = "",
) -> None:
    """Make a problem a known error, by a workaround."""
    from app.cli.problems import run_ask

    run_ask(url, id_, "workaround", text=text, url=link, actor=actor, reason=reason)
