"""``tocsin reconcile``: has a running Tocsin compare tickets with what they should show."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import typer

from app.cli.remote import Refused, RemoteApi, fail


def run_reconcile(url: str, destination: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Print what differs. Exits with 1 if a dry run finds anything."""
    asked = {"destination": destination, "dry_run": "true" if dry_run else "false"}
    query = urlencode({key: value for key, value in asked.items() if value})
    try:
        looked = RemoteApi(url, "/api/v1/reconcile").json("POST", f"?{query}")
    except Refused as error:
        fail(str(error))
    for one in looked["differences"]:
        what = ", ".join(one["what"])
        typer.echo(
            json.dumps(one) if as_json else f"{one['destination']}/{one['key']}  {one['ticket']}  {what}"
        )
    done = "differ" if dry_run else "differed, and are set right"
    typer.echo(f"{looked['checked']} tickets looked at, {len(looked['differences'])} {done}", err=as_json)
    if dry_run and looked["differences"]:
        raise typer.Exit(1)
