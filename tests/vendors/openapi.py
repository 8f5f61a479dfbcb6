"""Holds what was said over HTTP against an OpenAPI 3 document.

Vendors publish theirs in public repositories, and they are theirs, so none is kept here: a run of the contract suite is
given the files. See CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
URI = "urn:vendor"
PARAMETER = re.compile(r"\\\{[^{}]+\\\}")
REFUSED = 300
"""From this status on nothing was done, and what is said of it is not looked at."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer. Bodies are None where there is no JSON."""

    method: str
    path: str
    sent: Any
    status: int
    answered: Any


@dataclass(slots=True)
class Document:
    """A vendor's document."""

    content: Mapping[str, Any]
    used: set[str] = field(default_factory=set)
    """Operations that were held against it."""

    @classmethod
    def read(cls, file: Path) -> Document:
        """Read one, JSON or YAML.

        Raises:
            ValueError: it is none, or too old to be checked.
        """
        text = file.read_text()
        content = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
        if not str(content.get("openapi", "")).startswith("3."):
            message = f"{file.name} is not a document of OpenAPI 3"
            raise ValueError(message)
        return cls(content)

    def faults(self, exchange: Exchange) -> Iterator[str]:
        """Say what the vendor would not send or not understand."""
        template = self._template(exchange.path)
        operation = self.content["paths"].get(template, {}).get(exchange.method.lower()) if template else None
        if operation is None:
            yield f"{exchange.method} {exchange.path} is not in the document"
            return
        name = f"{exchange.method} {template}"
        self.used.add(name)
        if exchange.status >= REFUSED:
            return
        at = f"#/paths/{_escaped(str(template))}/{exchange.method.lower()}"
        yield from self._misfits(name, at, operation, "requestBody", exchange.sent)
        answers = operation.get("responses", {})
        code = next((each for each in (str(exchange.status), "default") if each in answers), None)
        if code is None:
            yield f"{name}: {exchange.status} is not among its answers {sorted(answers)}"
            return
        said = f"{name} answering {exchange.status}"
        yield from self._misfits(said, f"{at}/responses", answers, code, exchange.answered, is_answer=True)

    def _misfits(
        self, name: str, at: str, holder: Mapping[str, Any], key: str, body: Any, *, is_answer: bool = False
    ) -> Iterator[str]:
        pointer = f"{at}/{key}"
        described = holder.get(key, {})
        if "$ref" in described:
            pointer = described["$ref"]
            described = self._at(pointer)
        media = next((each for each in described.get("content", {}) if "json" in each), None)
        if body is None or media is None or "schema" not in described["content"][media]:
            return
        validator = self._validator(f"{URI}{pointer}/content/{_escaped(media)}/schema")
        for error in validator.iter_errors(body):
            if is_answer and _says_less(error):
                continue
            yield f"{name}: {_place(error)}: {error.message[:200]}"

    def _validator(self, reference: str) -> Any:
        resource = DRAFT202012.create_resource(self.content)
        registry: Registry[Any] = Registry().with_resource(URI, resource)
        kind = OAS30Validator if self.content["openapi"].startswith("3.0") else OAS31Validator
        return kind({"$ref": reference}, registry=registry)

    def _at(self, pointer: str) -> Any:
        found: Any = self.content
        for part in pointer.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _template(self, path: str) -> str | None:
        """Find the path that fits, one without parameters first."""
        fitting = [each for each in self.content["paths"] if _pattern(each).fullmatch(path)]
        return min(fitting, key=lambda each: each.count("{"), default=None)


def _says_less(error: Any) -> bool:
    """Tell whether an answer only leaves something out: a stand-in knows less than the tool."""
    if error.validator == "required":
        return True
    branches: dict[Any, list[Any]] = {}
    for each in error.context:
        branches.setdefault(each.schema_path[0], []).append(each)
    return any(all(map(_says_less, branch)) for branch in branches.values())


def _place(error: Any) -> str:
    """Name the field, whichever of a list it is in."""
    return ".".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path) or "body"


def _escaped(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(PARAMETER.sub("[^/]+", re.escape(template)))


def listening(exchanges: list[Exchange], below: str = "") -> Any:
    """Make a middleware that notes what is said; *below* is what addresses begin with that the document leaves out."""

    @web.middleware
    async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = _json(await request.text())
        response = await handler(request)
        answered = _json(response.text) if isinstance(response, web.Response) else None
        path = request.path.removeprefix(below)
        exchanges.append(Exchange(request.method, path, sent, response.status, answered))
        return response

    return listen


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
