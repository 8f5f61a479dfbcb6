"""Puts the document together. Pure: the tables in, what JSON can say out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from app.api.answers import json
from app.api.openapi.operation import ANYTHING, Content, Operation, refusals
from app.api.openapi.tables import OPERATIONS
from app.api.shapes import ProblemView

_REF = "#/components/schemas/{name}"
_NAME = re.compile(r"{(\w+)}")
_ABOUT = (
    "Turns alerts of monitoring tools into few incidents, each with one ticket kept up to date. "
    "Whatever is read with GET can be asked for with HEAD. An address is used with no other methods than those "
    "named: others are answered 405. Which of those at `/ingest/…` a source takes depends on its tool."
)
_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_EXAMPLES = {
    "source": "prom",
    "destination": "noc",
    "id": "9f0a4c51b7d2e386",
    "key": "9f0a4c51b7d2e386",
    "rest": "api/v2/alerts",
}
"""Values of what stands in paths."""
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A source's token."},
    "basic": {"type": "http", "scheme": "basic", "description": "A source's user and password."},
    "api": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the configuration, or of its OpenID provider.",
    },
}
_SOME: list[Mapping[str, list[str]]] = [{}, {"bearer": []}, {"basic": []}]
"""Sources may also be open, want a key of their own header or query, or a signature of the body."""
_TOKEN: list[Mapping[str, list[str]]] = [{}, {"api": []}]
"""The API may also be open."""
_NOT_LET_IN = refusals(_401="a token is needed, or is not known", _403="the token's role is not enough")


class OpenApi:
    """Answers with the document."""

    def __init__(self, version: str) -> None:
        self._version = version

    async def show(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler's signature
        """Give the document."""
        return json(document(self._version))


@cache
def document(version: str) -> dict[str, Any]:
    """Make the document of everything that is served."""
    shapes = _shapes()
    refs, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schemas = dict(zip(map(id, shapes), refs, strict=True))
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Tocsin", "version": version, "description": _ABOUT, "license": _LICENCE},
        "servers": [{"url": "/"}],
        "paths": {path: _path(path, methods, schemas) for path, methods in OPERATIONS.items()},
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }
    plain: dict[str, Any] = msgspec.to_builtins(whole)
    return plain


def _shapes() -> list[Any]:
    contents = (
        content
        for methods in OPERATIONS.values()
        for operation in methods.values()
        for contents in (operation.takes, *(told for _, told in operation.answers.values()))
        for content in contents
    )
    found = {id(each.shape): each.shape for each in contents if each.shape not in (None, ANYTHING)}
    return [*found.values()] if id(ProblemView) in found else [*found.values(), ProblemView]


def _path(path: str, methods: Mapping[str, Operation], schemas: Mapping[int, Any]) -> dict[str, Any]:
    names = [_parameter(name, "path", _named(name)) for name in _NAME.findall(path)]
    said = {method: _operation(path, method, each, schemas) for method, each in methods.items()}
    return {**({"parameters": names} if names else {}), **said}


def _named(name: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "examples": [_EXAMPLES[name]]}


def _operation(path: str, method: str, said: Operation, schemas: Mapping[int, Any]) -> dict[str, Any]:
    query = [_parameter(name, "query", each.schema) for name, each in said.query.items()]
    guarded = path.startswith("/api/v1/")
    security = _SOME if said.secured else _TOKEN if guarded else []
    answers = {**said.answers, **_NOT_LET_IN} if guarded else said.answers
    body = {"required": not said.optional, "content": _content(said.takes, schemas)}
    return {
        "operationId": f"{method}{re.sub(r'[^a-zA-Z0-9]+', '_', path).rstrip('_')}",
        "summary": said.summary,
        "tags": [said.tag],
        **({"parameters": query} if query else {}),
        **({"requestBody": body} if said.takes else {}),
        **({"security": security} if security else {}),
        "responses": {
            str(status): {"description": why, **({"content": _content(told, schemas)} if told else {})}
            for status, (why, told) in answers.items()
        },
    }


def _parameter(name: str, place: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _content(contents: tuple[Content, ...], schemas: Mapping[int, Any]) -> dict[str, Any]:
    """Say what bodies may be; of several shapes of one type, one fits."""
    by_media: dict[str, list[Content]] = {}
    for content in contents:
        by_media.setdefault(content.media, []).append(content)
    return {media: _media(told, schemas) for media, told in by_media.items()}


def _media(told: list[Content], schemas: Mapping[int, Any]) -> dict[str, Any]:
    refs = [schemas[id(each.shape)] for each in told if id(each.shape) in schemas]
    schema = {"anyOf": refs} if len(refs) > 1 else refs[0] if refs else {}
    example = next((each.example for each in told if each.example is not None), None)
    return {"schema": schema, **({} if example is None else {"example": example})}
