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


Into = Annotated[str, typer.Argument(metavar="INTO", help="Id of the other incident.")]
Keys = Annotated[
    list[str], typer.Argument(metavar="ALERT...", help="Keys, as the timeline and the API show.")
]


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
      tocsin incident merge 9f0a4c51b7d2e386 1b9d62f04e8a7c53 --reason "same cause"
      tocsin incident split 9f0a4c51b7d2e386 prom/8f1f8a5c1d0c2b3e --reason "another cause"
      tocsin incident move 9f0a4c51b7d2e386 1b9d62f04e8a7c53 prom/8f1f8a5c1d0c2b3e
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


@incident.command("promote")
def incident_promote(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Make incidents major ones."""
    _ask(url, ids, "promote", reason, actor)


@incident.command("demote")
def incident_demote(ids: Ids, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Make major incidents ordinary ones. No rule raises them again."""
    _ask(url, ids, "demote", reason, actor)


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


@incident.command("merge")
def incident_merge(id_: Id, into: Into, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Merge an incident into another, which lives on in its place. Its alerts go there, also later ones."""
    _ask(url, [id_], "merge", reason, actor, {"into": into})


@incident.command("split")
def incident_split(id_: Id, alerts: Keys, url: Url = URL, reason: Reason = "", actor: Actor = None) -> None:
    """Make another incident of some alerts of one. What they say later goes there."""
    _ask(url, [id_], "split", reason, actor, {"alerts": alerts})


@incident.command("move")
def incident_move(
    id_: Id, into: Into, alerts: Keys, url: Url = URL, reason: Reason = "", actor: Actor = None
) -> None:
    """Move some alerts of an incident to another. What they say later goes there."""
    _ask(url, [id_], "move", reason, actor, {"into": into, "alerts": alerts})


def _ask(
    url: str, ids: list[str], verb: str, reason: str, actor: str | None, more: Mapping[str, Any] | None = None
) -> None:
    from app.cli.incident import run_ask

    run_ask(url, ids, verb, reason, actor, more or {})
