"""What can be typed after ``tocsin incident``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from app.cli.quarantine_commands import URL, Url

Ids = Annotated[
    list[str], typer.Argument(metavar="INCIDENT...", help="Ids, as `tocsin incident list` shows.")
]
Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="Id, as `tocsin incident list` shows.")]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; people read it on the timeline and in tickets.")
]
Actor = Annotated[str | None, typer.Option(help="Who asks; without it, your login name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class StateName(StrEnum):
    """The names of ``domain.incident.IncidentState``, which a test holds this to."""

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"


incident = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at incidents, and say what is to become of them. Who and why goes on record.

    \b
    Examples:
      tocsin incident list --state open
      tocsin incident show 9f0a4c51b7d2e386
      tocsin incident ack 9f0a4c51b7d2e386 --reason "looking into it"
      tocsin incident resolve 9f0a4c51b7d2e386 --reason "restarted the proxy"
      tocsin incident close 9f0a4c51b7d2e386
      tocsin incident reopen 9f0a4c51b7d2e386 --reason "it is back"
      tocsin incident comment 9f0a4c51b7d2e386 "the provider is told"
      tocsin incident assign 9f0a4c51b7d2e386 dana --reason "knows the proxy"
    """,
)


@incident.command("list")
def incident_list(
    url: Url = URL,
    state: Annotated[StateName | None, typer.Option(help="Only those.")] = None,
    service: Annotated[str | None, typer.Option(help="Only those that hit this service.")] = None,
    priority: Annotated[str | None, typer.Option(help="Only those of this priority, like P1.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most to list.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List incidents, the one opened last first: id, priority, how far it is, title."""
    from app.cli.incident import run_list

    filters = {"state": state.value if state else None, "service": service, "priority": priority}
    run_list(url, filters, limit, as_json=as_json)


@incident.command("show")
def incident_show(id_: Id, url: Url = URL, as_json: AsJson = False) -> None:
    """Print an incident, and all that was decided and done about it."""
    from app.cli.incident import run_show

    run_show(url, id_, as_json=as_json)


@incident.command("ack")
def incident_ack(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Take incidents on."""
    _ask(url, ids, "acknowledge", reason, actor)


@incident.command("start")
def incident_start(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Say that incidents are worked on."""
    _ask(url, ids, "start", reason, actor)


@incident.command("hold")
def incident_hold(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Say that work on incidents has to wait."""
    _ask(url, ids, "hold", reason, actor)


@incident.command("resolve")
def incident_resolve(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Say that incidents are over, whatever fires. They stay so until an alert fires anew."""
    _ask(url, ids, "resolve", reason, actor)


@incident.command("close")
def incident_close(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """End incidents for good. What comes later opens another, linked to it."""
    _ask(url, ids, "close", reason, actor)


@incident.command("reopen")
def incident_reopen(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Have resolved incidents worked on after all."""
    _ask(url, ids, "reopen", reason, actor)


@incident.command("comment")
def incident_comment(
    id_: Id,
    text: Annotated[str, typer.Argument(help="What there is to say.")],
    url: Url = URL,
    actor: Actor = None,
) -> None:
    """Tell all who work on an incident, in its tickets and on its timeline."""
    _ask(url, [id_], "comment", text, actor)


@incident.command("assign")
def incident_assign(
    id_: Id,
    assignee: Annotated[str, typer.Argument(help="Who works on it; an empty text for nobody.")],
    url: Url = URL,
    reason: Reason = "",
    actor: Actor = None,
) -> None:
    """Say who works on an incident."""
    _ask(url, [id_], "assign", reason, actor, {"assignee": assignee})


def _ask(
    url: str, ids: list[str], verb: str, reason: str, actor: str | None, more: Mapping[str, Any] | None = None
) -> None:
    from app.cli.incident import run_ask

    run_ask(url, ids, verb, reason, actor, more or {})
