"""The command ``tocsin``."""

from __future__ import annotations

import typer

from app.cli import serve

cli = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns thousands of monitoring alerts into few incidents, each with one ticket kept true.",
)
cli.command("serve")(serve.serve)


@cli.callback()
def _program() -> None:
    """Keep ``serve`` a command of its own, however few others there are."""


def main() -> None:
    """Run the command line."""
    cli()
