"""``tocsin parked``: tickets that a tool refused for good, over the API of a running Tocsin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import typer

from app.cli.remote import Refused, RemoteApi, fail


class Remote:
    """The parked tickets of the Tocsin at an address."""

    def __init__(self, url: str) -> None:
        self._api = RemoteApi(url, "/api/v1/parked")

    def all(self, destination: str | None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Go through them, the one parked last first."""
        return self._api.all({"destination": destination}, limit)

    def one(self, name: str) -> dict[str, Any]:
        """Read one; *name* is ``destination/key``."""
        return self._api.json("GET", _path(name))

    def retry(self, name: str) -> None:
        """Have one tried again."""
        self._api.ask("POST", f"{_path(name)}/retry")

    def drop(self, name: str) -> None:
        """Have one given up."""
        self._api.ask("DELETE", _path(name))


def run_list(url: str, destination: str | None, limit: int, *, as_json: bool) -> None:
    """Print what is parked, one a line."""
    try:
        for parked in Remote(url).all(destination, limit):
            typer.echo(json.dumps(parked, ensure_ascii=False) if as_json else _line(parked))
    except Refused as error:
        fail(str(error))


def run_show(url: str, name: str) -> None:
    """Print why one is parked, and the request that was refused."""
    try:
        parked = Remote(url).one(name)
    except Refused as error:
        fail(str(error))
    typer.echo(f"{name}  {parked['priority']}  {parked['title']}\n{parked['reason']}")
    if parked["request"]:
        typer.echo(f"\n{parked['request']}")


def run_retry(url: str, names: list[str], destination: str | None, *, everything: bool) -> None:
    """Give tickets another chance."""
    remote = Remote(url)
    _each(remote, names, destination, everything=everything, do=remote.retry, done="will be tried again")


def run_drop(url: str, names: list[str], destination: str | None, *, everything: bool) -> None:
    """Give tickets up."""
    remote = Remote(url)
    _each(remote, names, destination, everything=everything, do=remote.drop, done="given up")


def _each(
    remote: Remote, names: list[str], destination: str | None, *, everything: bool, do: Any, done: str
) -> None:
    if bool(names) + bool(destination) + everything != 1:
        raise typer.BadParameter("name the tickets, or --destination, or --all")
    failed = count = 0
    try:
        chosen = names or [f"{one['destination']}/{one['key']}" for one in remote.all(destination)]
    except Refused as error:
        fail(str(error))
    for name in chosen:
        try:
            do(name)
            count += 1
        except Refused as error:
            failed += 1
            typer.echo(f"{name}  {error}", err=True)
    typer.echo(f"{count} {done}")
    if failed:
        raise typer.Exit(1)


def _path(name: str) -> str:
    destination, slash, key = name.partition("/")
    if not slash:
        raise typer.BadParameter(f"{name!r} is not DESTINATION/KEY, as `tocsin parked list` shows it")
    return f"/{quote(destination, safe='')}/{quote(key, safe='')}"


def _line(parked: dict[str, Any]) -> str:
    return f"{parked['destination']}/{parked['key']}  {parked['priority']}  {parked['title']}  {parked['reason']}"
