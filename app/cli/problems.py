"""``tocsin problems``: causes of incidents that recur, over the API of a running Tocsin."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import typer

from app.cli.remote import Refused, RemoteApi, fail


def run_list(url: str, state: str | None, service: str | None, limit: int, *, as_json: bool) -> None:
    """Print problems, one a line."""
    try:
        for problem in _api(url).all({"state": state, "service": service}, limit):
            typer.echo(json.dumps(problem, ensure_ascii=False) if as_json else _line(problem))
    except Refused as error:
        fail(str(error))


def run_show(url: str, id_: str) -> None:
    """Print one with its story."""
    api = _api(url)
    try:
        problem = api.json("GET", f"/{quote(id_, safe='')}")
        story = api.json("GET", f"/{quote(id_, safe='')}/timeline?limit=1000")["items"]
    except Refused as error:
        fail(str(error))
    typer.echo(_line(problem))
    typer.echo(f"signature  {problem['signature']}")
    if problem["workaround"]:
        typer.echo(f"workaround {problem['workaround']['text']} {problem['workaround']['url']}".rstrip())
    for incident in problem["incidents"]:
        typer.echo(f"incident   {incident}")
    for ticket in problem["tickets"]:
        typer.echo(f"ticket     {ticket['destination']} {ticket['id'] or '-'} {ticket['state']}")
    for entry in story:
        typer.echo(f"{entry['at']}  {entry['verdict']}  {entry['reason']}")


def run_ask(address: str, id_: str, what: str, **said: str) -> None:
    """Ask for something to be done to one."""
    body = json.dumps({name: value for name, value in said.items() if value}).encode()
    try:
        _api(address).ask("POST", f"/{quote(id_, safe='')}/{what}", body)
    except Refused as error:
        fail(str(error))
    typer.echo(f"{id_}  {what} is asked for")


def _api(url: str) -> RemoteApi:
    return RemoteApi(url, "/api/v1/problems")


def _line(problem: dict[str, Any]) -> str:
    times = f"{problem['occurrences']} incidents"
    return f"{problem['id']}  {problem['state']}  {problem['priority']}  {times}  {problem['title']}"
