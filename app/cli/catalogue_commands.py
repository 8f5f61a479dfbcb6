"""What can be typed after ``tocsin catalog``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

catalog = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Take over services from other catalogues.

    \b
    Examples:
      tocsin catalog import --backstage catalog-info.yaml
      tocsin catalog import --csv cmdb.csv --column "service=Business Service" --column cis=Name
    """,
)


@catalog.callback()
def _catalog() -> None:
    """Keep ``import`` a command of its own, though it is the only one."""


@catalog.command("import")
def catalog_import(
    backstage: Annotated[
        list[Path] | None,
        typer.Option(readable=False, help="File catalog-info.yaml of Backstage; may be repeated."),
    ] = None,
    csv: Annotated[
        list[Path] | None, typer.Option(readable=False, help="CSV export of a CMDB; may be repeated.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=THEIRS", help="What the CSV calls a column, as service=Name; may be repeated."
        ),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What parts the columns of the CSV.")] = ",",
) -> None:
    """Print the services of the files as YAML, for the section services of the configuration."""
    from app.cli.catalogue import run_import

    run_import(backstage or [], csv or [], column or [], delimiter)
