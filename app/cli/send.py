"""``tocsin send``: posts what a tool would, to see it arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Never
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import typer

from app.cli.parse import MESSAGE, known_tool
from app.tools import handbook
from app.tools.guessing import content_type_of
from ingest.sources import Post, Tool
from ingest.sources.message import read_message

PATIENCE = 30.0
HELD_BACK = ("content-length", "host", "authorization")
"""Headers of a sample that are not those of this request."""


def run_send(
    name: str, file: Path | None, url: str, source: str | None, auth: str | None, *, resolved: bool
) -> None:
    """Send a sample or a file, and print the answer. Exits with 1 if it is not taken."""
    tool = known_tool(name)
    post = _given(tool, file) if file else _sample(tool, resolved=resolved)
    request = _request(post, url, source or tool.type, auth)
    typer.echo(f"{request.get_method()} {request.full_url}")
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - http and https only, see _request
            typer.echo(f"{answer.status} {answer.read().decode('utf-8', 'replace')}".rstrip())
    except HTTPError as error:
        _fail(f"{error.code} {_told(error.read())}")
    except (URLError, OSError) as error:
        _fail(f"{request.full_url} cannot be reached: {getattr(error, 'reason', error)}")


def _sample(tool: Tool, *, resolved: bool) -> Post:
    path = handbook.sample(tool, "resolved" if resolved else "firing")
    if path is None:
        why = "never tells that a problem is over" if resolved else "has no sample; give one with --file"
        _fail(f"{tool.title} {why}")
    return handbook.read_sample(path, tool.type, 0)


def _given(tool: Tool, file: Path) -> Post:
    try:
        body = file.read_bytes()
    except OSError as error:
        _fail(f"{file}: cannot be read: {error.strerror}")
    if file.suffix == MESSAGE:
        return read_message(body, tool.type, 0)
    return Post(body, 0, tool.type, {"content-type": content_type_of(body)})


def _request(post: Post, url: str, source: str, auth: str | None) -> Request:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise typer.BadParameter(f"{url!r} is not an address like {handbook.URL}", param_hint="--url")
    path = f"{parts.path.rstrip('/')}/ingest/{quote(source)}{f'/{post.path}' if post.path else ''}"
    query = urlencode({**post.query, **dict(parse_qsl(parts.query))})
    full = urlunsplit((parts.scheme, parts.netloc, path, query, ""))
    headers = {key: value for key, value in post.headers.items() if key not in HELD_BACK}
    body = None if post.method == "GET" else post.body
    return Request(full, body, headers | _header(auth), method=post.method)  # noqa: S310 - looked at above


def _header(auth: str | None) -> dict[str, str]:
    if not auth:
        return {}
    name, colon, value = auth.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"{auth!r} is not a header like {handbook.AUTH!r}", param_hint="--auth")
    return {name.strip(): value.strip()}


def _told(answer: bytes) -> str:
    """Say what is wrong in the words of the answer; all of it, where it is not one of Tocsin's."""
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")


def _fail(message: str) -> Never:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(1)
