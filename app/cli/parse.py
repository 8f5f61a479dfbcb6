"""``tocsin parse``: what a body comes to, or what is wrong with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
import typer

from app.cli.loading import load_or_exit
from app.tools.guessing import content_type_of
from app.tools.view import view
from domain.alert import Alert
from domain.times import Millis
from ingest.depth import is_deeper
from ingest.models import CommonConfig, LimitsConfig
from ingest.sources import ALIASES, TOOLS, BadBody, NotJson, Parsed, Post, Tool, generic, tool_of
from ingest.sources.circumstances import Circumstances, set_circumstances
from ingest.sources.message import read_message

STDIN = "-"
MESSAGE = ".http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What came with the body."""

    headers: str | None = None
    """JSON."""
    query: str = ""
    path: str = ""
    at: Millis | None = None


def run_parse(
    name: str, file: str, around: Around, config: Path | None, source: str | None, *, as_json: bool
) -> None:
    """Print the alerts of a file, or of all in a folder. Exits with 1 if one is not what the tool sends."""
    configured = _configured(name, config, source) if config else None
    tool = configured.tool() if configured else _bare(name)
    lint = configured.identity_lint.build(configured.identity) if configured else None
    for each in _files(file):
        try:
            parsed = _read(tool, _post(tool, each, around))
        except BadBody as fault:
            _fail(f"{'stdin' if each == STDIN else each}{_where(fault)}")
        _print(parsed, as_json=as_json)
        if lint is not None:
            lint.see(parsed.alerts)
    for unfit in lint.faults() if lint is not None else ():
        typer.echo(f"tocsin: identity: {unfit}", err=True)


def _files(name: str) -> list[str]:
    """List what is to be read: the file, or those of a recording."""
    folder = Path(name)
    if name == STDIN or not folder.is_dir():
        return [name]
    return sorted(str(each) for each in folder.rglob("*") if each.is_file())


def known_tool(name: str) -> Tool:
    """Find a tool, or say which there are."""
    tool = tool_of(name)
    if tool is None:
        _fail(f"there is no tool {name!r}; known: {', '.join([*TOOLS, *ALIASES])}")
    return tool


def _bare(name: str) -> Tool:
    """Take the tool as it is without a source, if that is enough to read its bodies."""
    tool = known_tool(name)
    if tool.type == generic.TYPE:
        _fail(
            f"{name} bodies are read by the mapping of a source: give --config FILE with a source of type {name}"
            f" (`tocsin source show {name}` prints one to begin with)"
        )
    return tool


def _configured(name: str, file: Path, source: str | None) -> CommonConfig:
    """Find the source whose mapping, zone and identity count."""
    sources: dict[str, CommonConfig] = dict(load_or_exit(file).sources)
    fitting = {key: config.tool() for key, config in sources.items()}
    fitting = {key: tool for key, tool in fitting.items() if tool.type == ALIASES.get(name, name)}
    wanted = source or next(iter(fitting), None)
    if wanted not in fitting:
        _fail(
            f"{file} has no source{f' {source!r}' if source else ''} of type {name}; it has: {', '.join(sources)}"
        )
    set_circumstances(Circumstances(ZoneInfo(sources[wanted].zone)))
    return sources[wanted]


def _post(tool: Tool, file: str, around: Around) -> Post:
    body = _bytes(file)
    at = time.time_ns() // 1_000_000 if around.at is None else around.at
    if file.endswith(MESSAGE):
        post = read_message(body, tool.type, at)
        post.headers = {**post.headers, **_headers(around.headers)}
        return post
    headers = {"content-type": content_type_of(body), **_headers(around.headers)}
    return Post(
        body, at, tool.type, headers, dict(parse_qsl(around.query, keep_blank_values=True)), path=around.path
    )


def _bytes(file: str) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        return _fail(f"{file}: cannot be read: {error.strerror}")


def _headers(text: str | None) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        given: Any = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise typer.BadParameter(f"{text!r} is not a JSON object of headers", param_hint="--headers")
    return {str(name).lower(): str(value) for name, value in given.items()}


def _read(tool: Tool, post: Post) -> Parsed:
    limit = LimitsConfig().max_depth
    if is_deeper(post.body, limit):
        raise BadBody(f"nested deeper than {limit} levels")
    return tool.read(post)


def _print(parsed: Parsed, *, as_json: bool) -> None:
    for fault in parsed.faults:
        typer.echo(f"tocsin: {fault.path}: {fault.message}", err=True)
    for change in parsed.changes:
        shown = msgspec.to_builtins(msgspec.structs.asdict(change))
        lines = [f"{key}: {_text(value)}" for key, value in shown.items() if value]
        typer.echo(json.dumps(shown, ensure_ascii=False) if as_json else "\n".join([*lines, ""]))
    if not parsed.alerts and not parsed.changes:
        typer.echo(f"tocsin: no alert in it: {parsed.nothing or 'nothing'}", err=True)
    for alert in parsed.alerts:
        if as_json:
            typer.echo(json.dumps(view(alert), ensure_ascii=False))
        else:
            typer.echo("\n".join(_lines(alert)))


def _lines(alert: Alert) -> list[str]:
    shown = {key: value for key, value in view(alert).items() if value}
    return [f"{key}: {_text(value)}" for key, value in shown.items()] + [""]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _where(fault: BadBody) -> str:
    if isinstance(fault, NotJson):
        place = f":{fault.line}:{fault.column}" if fault.line else ""
        return f"{place}: not JSON: {fault}"
    return f": {fault.path}: {fault}" if fault.path else f": {fault}"


def _fail(message: str) -> Never:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(1)
