"""The command ``tocsin``."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from app.cli.commands import cli


def main() -> None:
    """Run the command line. Where the terminal lacks a character it shows another; nothing fails by it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli()
