"""What can be typed after ``tocsin db``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA = Path("data")

Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder with the data, as `tocsin serve` has it.")]

db = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look after the file that an embedded Tocsin keeps everything in.

    \b
    Examples:
      tocsin db check
      tocsin db backup /backups/tocsin-monday.db
      tocsin db restore /backups/tocsin-monday.db
    """,
)


@db.command("check")
def db_check(data: Data = DATA) -> None:
    """Look whether the file is whole; exit 1 if not. Tocsin may run meanwhile."""
    from app.cli.db import run_check

    run_check(data)


@db.command("backup")
def db_backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; it must not exist.")],
    data: Data = DATA,
) -> None:
    """Copy the file as of one moment, and look whether the copy is whole. Tocsin may run meanwhile."""
    from app.cli.db import run_backup

    run_backup(data, target)


@db.command("restore")
def db_restore(
    backup: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `tocsin db backup` made.")],
    data: Data = DATA,
) -> None:
    """Put a backup in the file's place, if it is whole and nobody works on the file. What was there is kept.

    What happened since the backup is forgotten: tickets made since then may be made a second time.
    """
    from app.cli.db import run_restore

    run_restore(data, backup)
