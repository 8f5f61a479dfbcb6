"""``tocsin quarantine``: what could not be understood by a running Tocsin, over its API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote

import click
import typer

from app.cli.remote import Refused, RemoteApi, fail
from ingest.sources import Post
from ingest.sources.message import write_message

WIDEST = 100
"""Characters of a reason in a list."""


class Remote:
    """The quarantine of the Tocsin at an address."""

    def __init__(self, url: str) -> None:
        self._api = RemoteApi(url, "/api/v1/quarantine")

    def all(self, source: str | None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Go through what is kept, the last received first."""
        return self._api.all({"source": source}, limit)

    def one(self, id_: str) -> dict[str, Any]:
        """Read one, with its body as text."""
        return self._api.json("GET", f"/{quote(id_, safe='')}")

    def body(self, id_: str) -> bytes:
        """Read a body."""
        return self._api.ask("GET", f"/{quote(id_, safe='')}/body")

    def replay(self, id_: str, body: bytes = b"") -> dict[str, Any]:
        """Have it tried again; with *body* in place of what is kept, unless that is empty."""
        return self._api.json("POST", f"/{quote(id_, safe='')}/replay", body)

    def drop(self, id_: str) -> None:
        """Have it dropped."""
        self._api.ask("DELETE", f"/{quote(id_, safe='')}")


def run_list(url: str, source: str | None, limit: int, *, as_json: bool) -> None:
    """Print what is kept, one a line."""
    empty = True
    try:
        for kept in Remote(url).all(source, limit):
            typer.echo(json.dumps(kept, ensure_ascii=False) if as_json else _line(kept))
            empty = False
    except Refused as error:
        fail(str(error))
    if empty:
        typer.echo("nothing is in quarantine", err=True)


def run_show(url: str, id_: str) -> None:
    """Print a request as it came, secrets masked; the reason goes first."""
    remote = Remote(url)
    try:
        kept, body = remote.one(id_), remote.body(id_)
    except Refused as error:
        fail(str(error))
    where = f"{kept['path']}: " if kept["path"] else ""
    typer.echo(f"{kept['received_at']}  {kept['source']}  {where}{kept['reason']}\n", err=True)
    given = {"headers": kept["headers"], "query": kept["query"], "method": kept["method"]}
    typer.echo(write_message(Post(body, 0, kept["source"], path=kept["subpath"], **given)), nl=False)


def run_edit(url: str, id_: str, file: Path | None) -> None:
    """Replay a request with its body changed, in an editor or by *file*."""
    remote = Remote(url)
    try:
        before = remote.body(id_)
    except Refused as error:
        fail(str(error))
    path = file or _edited(before)
    body = _bytes(path)
    if not body or (file is None and body == before):
        typer.echo(f"{'nothing was changed' if body else 'the body is empty'}, so nothing is replayed")
        return
    try:
        told = remote.replay(id_, body)
    except Refused as error:
        fail(str(error) if file else f"{error}\nwhat you wrote is in {path}; go on with --file {path}")
    if file is None:
        path.unlink()
    _report(id_, told)


def run_replay(url: str, ids: list[str], source: str | None, *, everything: bool) -> None:
    """Have requests tried again. Exits with 1 if any is still not understood."""
    remote, failed, done, accepted = Remote(url), 0, 0, 0
    for id_ in _chosen(remote, ids, source, everything=everything):
        try:
            told = remote.replay(id_)
        except Refused as error:
            failed += 1
            typer.echo(f"{id_}  {error}", err=True)
            continue
        _report(id_, told)
        done += 1
        failed += bool(told["faults"])
        accepted += told["accepted"]
    typer.echo(f"{done} replayed with {accepted} alerts, {failed} still not understood")
    if failed:
        raise typer.Exit(1)


def run_drop(url: str, ids: list[str], source: str | None, *, everything: bool) -> None:
    """Drop requests. Exits with 1 if any is not there."""
    remote, failed, done = Remote(url), 0, 0
    for id_ in _chosen(remote, ids, source, everything=everything):
        try:
            remote.drop(id_)
            done += 1
        except Refused as error:
            failed += 1
            typer.echo(f"{id_}  {error}", err=True)
    typer.echo(f"{done} dropped")
    if failed:
        raise typer.Exit(1)


def _chosen(remote: Remote, ids: list[str], source: str | None, *, everything: bool) -> list[str]:
    if bool(ids) + bool(source) + everything != 1:
        raise typer.BadParameter("name the ids, or --source, or --all")
    try:
        return ids or [kept["id"] for kept in remote.all(source)][::-1]  # as they came, the oldest first
    except Refused as error:
        fail(str(error))


def _line(kept: dict[str, Any]) -> str:
    where = f"{kept['path']}: " if kept["path"] else ""
    reason = f"{where}{kept['reason']}".splitlines()[0]
    shown = reason if len(reason) <= WIDEST else reason[: WIDEST - 1] + "…"
    return f"{kept['id']}  {kept['received_at']}  {kept['source']}  {shown}"


def _report(id_: str, told: dict[str, Any]) -> None:
    left = f", {told['faults']} parts still not understood; it stays" if told["faults"] else ""
    typer.echo(f"{id_}  {told['accepted']} alerts accepted{left}")


def _edited(body: bytes) -> Path:
    with NamedTemporaryFile(prefix="tocsin-", suffix=".body", delete=False) as file:
        file.write(body)
    click.edit(filename=file.name)
    return Path(file.name)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path}: cannot be read: {error.strerror}")
