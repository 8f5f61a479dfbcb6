"""``tocsin silence``: silences of a running Tocsin, over its API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from getpass import getuser
from typing import Any
from urllib.parse import quote, urlencode

import typer

from app.cli.remote import Refused, RemoteApi, fail
from domain.durations import parse_duration

Times = Mapping[str, str | None]


def run_add(url: str, matchers: list[str], times: Times, comment: str, author: str | None) -> None:
    """Set one, and print its id."""
    begins = {"starts_at": _moment(times["start"], "--start")} if times["start"] else {}
    body = {"matchers": matchers, "comment": comment, "author": _author(author), **begins, **_end(times)}
    typer.echo(_asked(url, "POST", "", body)["id"])


def run_list(url: str, state: str | None, *, as_json: bool) -> None:
    """Print them, one a line."""
    query = f"?{urlencode({'state': state})}" if state else ""
    for silence in _asked(url, "GET", query)["items"]:
        typer.echo(json.dumps(silence, ensure_ascii=False) if as_json else _line(silence))


def run_show(url: str, name: str, *, as_json: bool) -> None:
    """Print one with the number of alerts that wait for its end."""
    silence = _asked(url, "GET", _path(name))
    if as_json:
        typer.echo(json.dumps(silence, ensure_ascii=False))
        return
    typer.echo(_line(silence))
    typer.echo(f"from {silence['starts_at']}; {silence['alerts']} alerts wait for its end")


def run_extend(url: str, name: str, times: Times, author: str | None) -> None:
    """Set another end; who does so answers for it from then on."""
    silence = _asked(url, "GET", _path(name))
    if silence["state"] == "expired":
        fail(f"{name} is over; add another")
    kept = {key: silence[key] for key in ("id", "matchers", "comment")}
    end = _end(times)
    if "duration" in end and silence["state"] == "pending":
        kept["starts_at"] = silence["starts_at"]
    body = {**kept, "author": _author(author), **end}
    typer.echo(f"{name}  ends {_asked(url, 'POST', '', body)['ends_at']}")


def run_expire(url: str, names: list[str], author: str | None) -> None:
    """End them. Exits with 1 if any is not there."""
    api, failed = _api(url), False
    for name in names:
        try:
            api.ask("DELETE", f"{_path(name)}?{urlencode({'by': _author(author)})}")
            typer.echo(f"{name}  expired")
        except Refused as error:
            failed = True
            typer.echo(f"{name}  {error}", err=True)
    if failed:
        raise typer.Exit(1)


def _api(url: str) -> RemoteApi:
    return RemoteApi(url, "/api/v1/silences")


def _asked(url: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    try:
        return _api(url).json(method, path, json.dumps(body).encode() if body else None)
    except Refused as error:
        fail(str(error))


def _path(name: str) -> str:
    return f"/{quote(name, safe='')}"


def _author(given: str | None) -> str:
    try:
        return given or getuser()
    except (OSError, KeyError):
        raise typer.BadParameter("say who you are", param_hint="--author") from None


def _end(times: Times) -> dict[str, str | int]:
    if (times["for"] is None) is (times["until"] is None):
        raise typer.BadParameter("say when it ends: either --for 2h or --until 2027-01-31T18:00+01:00")
    if times["for"] is None:
        return {"ends_at": _moment(times["until"] or "", "--until")}
    try:
        parse_duration(times["for"])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    return {"duration": times["for"]}


def _moment(text: str, option: str) -> str:
    """Read a time; without a zone it is of this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError:
        hint = f"{text!r} is not a time like 2027-01-31T18:00 or 2027-01-31T18:00+01:00"
        raise typer.BadParameter(hint, param_hint=option) from None


def _line(silence: Mapping[str, Any]) -> str:
    matchers = ", ".join(silence["matchers"])
    why = f"  {silence['comment']}" if silence["comment"] else ""
    return f"{silence['id']}  {silence['state']}  until {silence['ends_at']}  {silence['author']}  {matchers}{why}"
