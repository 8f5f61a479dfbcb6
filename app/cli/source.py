"""``tocsin source``: which tools can post, and how each is told to."""

from __future__ import annotations

from pathlib import Path

import typer

from app.cli.parse import known_tool
from app.tools import handbook
from ingest.sources import ALIASES


def run_list() -> None:
    """Print the types and titles."""
    tools = handbook.all_tools()
    width = max(len(tool.type) for tool in tools)
    for tool in tools:
        others = ", ".join(alias for alias, name in ALIASES.items() if name == tool.type)
        also = f" (also: {others})" if others else ""
        typer.echo(f"{tool.type:{width}}  {tool.title}{also}")


def run_show(name: str, url: str, source: str | None, auth: str) -> None:
    """Print what to do in the tool, and what in Tocsin."""
    tool = known_tool(name)
    source = source or tool.type
    typer.echo(handbook.guide(tool, f"{url.rstrip('/')}/ingest/{source}", auth).rstrip())
    typer.echo(f"\nIn Tocsin's configuration:\n\n{handbook.settings(tool, source)}")
    if files := handbook.companions(tool):
        typer.echo(f"Files that come with it:\n\n{_listed(files)}\n")
    typer.echo(f"Try it:\n\n  tocsin send {tool.type} --url {url} --source {source} --auth {auth!r}")


def _listed(files: list[Path]) -> str:
    return "\n".join(f"  {path}" for path in files)
