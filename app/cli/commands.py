"""What can be typed after ``tocsin``: all commands with their options and help, and nothing else.

What a command does is imported when it is run: ``tocsin --help`` then takes a fifth of a second instead of a
whole one, and ``tocsin schema`` does not wait for the HTTP server's modules.
"""
# ruff: noqa: PLC0415 - see above
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.catalogue_commands import catalog
from app.cli.db_commands import db
from app.cli.incident_commands import incident
from app.cli.parked_commands import parked
from app.cli.problems_commands import problems
from app.cli.quarantine_commands import URL, Url, quarantine
from app.cli.rule_commands import add_rule_commands
from app.cli.silence_commands import silence
from app.cli.tool_commands import add_tool_commands

cli = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Turns thousands of monitoring alerts into few incidents, each with one ticket kept true.",
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        from importlib.metadata import version

        typer.echo(f"tocsin {version('tocsin')}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


class RoleName(StrEnum):
    """The names of ``app.service.Role``, which a test holds this to."""

    INGEST = "ingest"
    CORRELATE = "correlate"
    DELIVER = "deliver"


# readable=False: what cannot be read is said by ourselves, in one way for every reason.
ConfigFile = Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="Configuration file.")]


@cli.command()
def serve(
    config: Annotated[
        Path | None, typer.Option(readable=False, help="Configuration file; without one, the defaults.")
    ] = None,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT to serve HTTP on; port 0 takes a free one.")
    ] = "127.0.0.1:8080",
    data: Annotated[
        Path, typer.Option(readable=False, help="Folder for the embedded database and the spool.")
    ] = Path("data"),
    role: Annotated[
        list[RoleName] | None,
        typer.Option(help="Do only this share of the work; may be given several times."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", readable=False, help="Keep what is posted there, secrets masked: for fixtures."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Reload when a file of the configuration changes.")
    ] = False,
) -> None:
    """Run Tocsin until SIGTERM or Ctrl-C; a second one ends it at once. SIGHUP reloads the configuration.

    \b
    Examples:
      tocsin serve --config tocsin.yaml --watch
      tocsin serve --config tocsin.yaml --listen 0.0.0.0:8080 --data /var/lib/tocsin
      tocsin serve --config tocsin.yaml --role correlate --role deliver --listen 127.0.0.1:0
    """  # noqa: D301 - \b is for click: it keeps these lines as they are
    from app.cli.serve import Wanted, run_service
    from app.service import Role

    roles = frozenset(map(Role, role or Role))
    run_service(Wanted(config, listen, data, roles, record, watch))


@cli.command()
def check(
    file: ConfigFile,
    online: Annotated[
        bool, typer.Option("--online", help="Ask each ticketing tool too; no ticket is made.")
    ] = False,
) -> None:
    """Report every mistake of a configuration, with its line. Exits with 1 if there is any.

    \b
    Examples:
      tocsin check tocsin.yaml
      tocsin check tocsin.yaml --online
      tocsin check tocsin.yaml && systemctl restart tocsin
    """  # noqa: D301
    from app.cli.check import run_check

    run_check(file, online=online)


@cli.command()
def schema(
    tests: Annotated[bool, typer.Option("--tests", help="Print that of files of tests instead.")] = False,
) -> None:
    """Print the JSON Schema of the configuration, for editors.

    \b
    Examples:
      tocsin schema > tocsin.schema.json
      tocsin schema --tests > tests.schema.json
      # then, as the first line of tocsin.yaml:
      # yaml-language-server: $schema=tocsin.schema.json
    """  # noqa: D301
    from app.cli.check import run_schema

    run_schema(tests=tests)


@cli.command()
def explain(
    file: ConfigFile,
    body: Annotated[
        str, typer.Argument(metavar="ALERT.json", help="What a tool would post, as it would; - reads stdin.")
    ],
    source: Annotated[
        str | None, typer.Option(help="Source that it comes by; without it, the first that reads it.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it is received, like 2024-01-31T12:00:00Z; without it, now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Tell what would become of alerts, and why. Needs no services and changes nothing.

    Several alerts are explained in order, each after those before it. An alert that fires, then a copy of it
    that is resolved, show a whole life.

    \b
    Examples:
      tocsin explain tocsin.yaml alert.json
      tocsin explain tocsin.yaml alert.json --source prom --at 2024-01-31T12:00:00Z
      curl -s http://alertmanager:9093/api/v2/alerts | tocsin explain tocsin.yaml - --json
    """  # noqa: D301
    from app.cli.explain import run_explain

    run_explain(file, body, source, at, as_json=as_json)


@cli.command()
def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, max=10_000, help="Times the recorded speed; at 1 it takes 92 seconds.")
    ] = 6.0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with its data and log.")] = False,
) -> None:
    """Replay a recorded alert storm through the real service, and show what becomes of it.

    Starts `tocsin serve` with data in a temporary folder, posts 2,755 alerts over HTTP as an Alertmanager
    sent them, and stops it again. Exits with 0 only if each alert and each ticket is accounted for.

    \b
    Examples:
      tocsin demo
      tocsin demo --speed 20 --keep
    """  # noqa: D301
    from app.cli.demo import run_demo

    run_demo(speed, keep=keep)


add_tool_commands(cli)
add_rule_commands(cli)


@cli.command()
def reconcile(
    url: Url = URL,
    destination: Annotated[str | None, typer.Option(help="Only the tickets of this destination.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Set nothing right; exit 1 if any differ.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")] = False,
) -> None:
    """Compare the tickets of open incidents with what they should show, and set them right.

    \b
    Examples:
      tocsin reconcile --dry-run
      tocsin reconcile --destination noc
    """  # noqa: D301
    from app.cli.reconcile import run_reconcile

    run_reconcile(url, destination, dry_run=dry_run, as_json=as_json)


cli.add_typer(catalog, name="catalog")
cli.add_typer(db, name="db")
cli.add_typer(incident, name="incident")
cli.add_typer(parked, name="parked")
cli.add_typer(problems, name="problems")
cli.add_typer(quarantine, name="quarantine")
cli.add_typer(silence, name="silence")
