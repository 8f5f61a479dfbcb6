"""``tocsin incident``: what operators see of incidents and ask of them, over the API of a running Tocsin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from getpass import getuser
from typing import Any
from urllib.parse import quote

import typer

from app.cli.remote import Refused, RemoteApi, fail

DONE = {
    "acknowledge": "acknowledged",
    "start": "being worked on",
    "hold": "on hold",
    "resolve": "resolved",
    "close": "closed",
    "reopen": "open again",
    "comment": "told",
    "assign": "assigned",
    "promote": "a major incident",
    "demote": "no major incident any more",
    "merge": "merged",
    "split": "split",
    "move": "moved",
}


def run_list(url: str, filters: Mapping[str, str | None], limit: int, *, as_json: bool) -> None:
    """Print incidents, one a line."""
    try:
        for incident in _api(url).all(filters, limit):
            typer.echo(json.dumps(incident, ensure_ascii=False) if as_json else _line(incident))
    except Refused as error:
        fail(str(error))


def run_show(url: str, id_: str, *, as_json: bool) -> None:
    """Print an incident and its story."""
    api = _api(url)
    try:
        incident = api.json("GET", _path(id_))
        story = list(RemoteApi(url, f"/api/v1/incidents{_path(id_)}/timeline").all({}))
    except Refused as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps({**incident, "timeline": story}, ensure_ascii=False))
        return
    for line in (*_facts(incident), "", *map(_told, story)):
        typer.echo(line)


def run_ask(
    url: str, ids: Sequence[str], verb: str, reason: str, actor: str | None, more: Mapping[str, Any]
) -> None:
    """Ask for the same of each; go on with the others where one is refused, and exit with 1 then."""
    api, failed = _api(url), False
    body = {"actor": actor or getuser(), "reason": reason, **more}
    for id_ in ids:
        try:
            api.post(f"{_path(id_)}/{verb}", body)
            typer.echo(f"{id_}  {DONE[verb]}")
        except Refused as error:
            failed = True
            typer.echo(f"{id_}  {error}", err=True)
    if failed:
        raise typer.Exit(1)


def _api(url: str) -> RemoteApi:
    return RemoteApi(url, "/api/v1/incidents")


def _path(id_: str) -> str:
    return f"/{quote(id_, safe='')}"


def _line(incident: Mapping[str, Any]) -> str:
    standing = incident["stage"] if incident["state"] == "open" else incident["state"]
    return f"{incident['id']}  {incident['priority']}  {standing}  {incident['title']}"


def _facts(incident: Mapping[str, Any]) -> list[str]:
    tickets = [f"{each['destination']} {each['id'] or each['state']}" for each in incident["tickets"]]
    related = [f"{each['kind'].replace('_', ' ')} {each['incident']}" for each in incident["related"]]
    facts = {
        "services": ", ".join(incident["services"]),
        "team": incident["team"],
        "assignee": incident["assignee"],
        "alerts": f"{incident['alerts']}, heard of {incident['events']} times",
        "opened": incident["opened_at"],
        "resolved": incident["resolved_at"],
        "closed": incident["closed_at"],
        "tickets": ", ".join(tickets),
        "related": ", ".join(related),
        "major": f"{incident['major']['by']}: {incident['major']['reason']}" if incident["major"] else "",
        "merged into": incident["merged_into"],
    }
    return [_line(incident), *(f"  {name}: {value}" for name, value in facts.items() if value)]


def _told(entry: Mapping[str, Any]) -> str:
    where = "".join(f"  ({each})" for each in (entry["alert"], entry["destination"]) if each)
    return f"{entry['at']}  {entry['verdict']}: {entry['reason']}{where}"
