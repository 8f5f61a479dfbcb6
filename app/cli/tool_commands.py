"""What can be typed after ``tocsin`` about tools: ``source``, ``send``, ``parse`` and ``fake``. See ``commands``."""
# ruff: noqa: PLC0415 - imported when it is run, see commands.py
# ruff: noqa: FBT002 - typer makes a flag of a bool

from __future__ import annotations

from contextvars import copy_context
from pathlib import Path
from typing import Annotated

import typer

URL = "http://127.0.0.1:8080"
AUTH = "Authorization: Bearer YOUR-TOKEN"

ToolName = Annotated[
    str, typer.Argument(metavar="TOOL", help="Type of the tool; `tocsin source list` has them.")
]
Url = Annotated[str, typer.Option(help="Where Tocsin is; a query in it is sent along.")]
SourceName = Annotated[str | None, typer.Option(help="Name of the source; without it, that of the tool.")]

source = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Tell which tools can post to Tocsin, and how each is configured.

    \b
    Examples:
      tocsin source list
      tocsin source show grafana
    """,
)


@source.command("list")
def source_list() -> None:
    """List the tools, each with the type to write in the configuration."""
    from app.cli.source import run_list

    run_list()


@source.command("show")
def source_show(
    tool: ToolName,
    url: Url = URL,
    source: SourceName = None,
    auth: Annotated[str, typer.Option(metavar="HEADER", help="Header line that the tool is to send.")] = AUTH,
) -> None:
    """Print how to configure a tool: its steps, with the address and header filled in, and templates to paste."""
    from app.cli.source import run_show

    run_show(tool, url, source, auth)


def send(
    tool: ToolName,
    file: Annotated[
        Path | None, typer.Option(readable=False, help="Body to send, or a whole request (*.http).")
    ] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Send the sample of the recovery.")] = False,
    url: Url = URL,
    source: SourceName = None,
    auth: Annotated[str | None, typer.Option(metavar="HEADER", help="Header line to send along.")] = None,
) -> None:
    """Post what a tool would: a sample, or a file. Prints the answer; exits with 1 if it was not taken.

    \b
    Examples:
      tocsin send grafana
      tocsin send grafana --resolved --source dashboards --auth 'Authorization: Bearer TOKEN'
      tocsin send datadog --file body.json --url https://tocsin.example.com
    """  # noqa: D301
    from app.cli.send import run_send

    run_send(tool, file, url, source, auth, resolved=resolved)


def parse(  # noqa: PLR0913, PLR0917 - one parameter an option
    tool: ToolName,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Body, a whole request (*.http), or a folder of them; - reads stdin."
        ),
    ],
    headers: Annotated[str | None, typer.Option(metavar="JSON", help="Headers that came with it.")] = None,
    query: Annotated[str, typer.Option(help="Query of the address it was sent to, like a=1&b=2.")] = "",
    path: Annotated[str, typer.Option(help="What followed /ingest/NAME in that address.")] = "",
    at: Annotated[
        str | None, typer.Option(help="When it is received, like 2024-01-31T12:00:00Z; else now.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            readable=False, help="Configuration with a source of this type, for its mapping and zone."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Which source of the configuration.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a line instead of text.")] = False,
) -> None:
    """Show what a body comes to. Needs no service. Exits with 1 if the tool does not send such a body.

    What is no alert, like a handshake or an empty list, prints nothing on standard output. With --config, labels of
    the source's identity that are missing or have too many values are told of on standard error.

    \b
    Examples:
      tocsin parse grafana body.json
      tocsin parse aws_cloudwatch_sns body.json --headers '{"Content-Type": "text/plain"}' --json
      tocsin parse generic body.json --config tocsin.yaml --source shop
    """  # noqa: D301
    from app.cli.explain import moment_of
    from app.cli.parse import Around, run_parse

    around = Around(headers=headers, query=query, path=path, at=moment_of(at) if at else None)
    # The zone of a source is a matter of this run only.
    copy_context().run(run_parse, tool, file, around, config, source, as_json=as_json)


def fake(
    tool: Annotated[
        str, typer.Argument(metavar="TOOL", help="Ticketing tool, as jira_cloud; a wrong name lists them.")
    ],
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65534, help="Port to serve on; its tickets are at the next one. 0 takes free ones."
        ),
    ] = 8090,
    lag: Annotated[
        float, typer.Option(min=0, help="Seconds until its search finds a new ticket, where it has one.")
    ] = 0.0,
) -> None:
    """Stand in for a ticketing tool, to rehearse with: keeps tickets in memory, and has the tool's traps.

    Prints the destination to put into a configuration, and where to see its tickets as JSON. Ends by Ctrl-C.

    \b
    Examples:
      tocsin fake pagerduty
      tocsin fake jira_cloud --port 9000 --lag 30
    """  # noqa: D301
    from app.cli.fake import run_fake

    run_fake(tool, port, lag)


def add_tool_commands(cli: typer.Typer) -> None:
    """Put them under ``tocsin``."""
    cli.add_typer(source, name="source")
    cli.command()(send)
    cli.command()(parse)
    cli.command()(fake)
