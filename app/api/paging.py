"""What lists are asked for: filters, limits and cursors; and how a page is answered."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from app.pages import Place
from ingest.problems import Refusal

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000

_place = msgspec.json.Decoder(Place).decode
_number = msgspec.json.Decoder(int).decode


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: how it is read, and what may be given, in words."""

    read: Callable[[str], Any]
    """Raises ValueError for what may not be given."""
    allowed: tuple[str, ...]
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "minLength": 1})
    """The same in JSON Schema."""


def one_of(words: type[StrEnum]) -> Parameter:
    """Take one of a few words."""
    return Parameter(words, tuple(words), {"enum": list(words)})


def read_query(request: web.Request, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Read what is given; whatever is not known, or makes no sense, is refused rather than passed over."""
    query = request.query
    unknown = sorted(query.keys() - parameters.keys())
    if unknown:
        detail = f"there is no parameter {unknown[0]!r} here; those there are: {', '.join(parameters)}"
        raise _bad("unknown-parameter", detail, unknown[0], tuple(parameters))
    return {name: _value(name, query.getall(name), parameters[name]) for name in query}


def limit_of(query: Mapping[str, Any]) -> int:
    """Give the number of items wanted."""
    return int(query.get("limit", DEFAULT_LIMIT))


def place_cursor(place: Place | None) -> str | None:
    """Write down a place in an index.

    >>> read_place(place_cursor(Place(1.5, "a", 0)))
    Place(score=1.5, member='a', partition=0)
    """
    return None if place is None else _sealed(place)


def read_place(cursor: str) -> Place:
    """Read what ``place_cursor`` wrote."""
    return _place(_opened(cursor))


def number_cursor(number: int | None) -> str | None:
    """Write down a place in a log.

    >>> read_number(number_cursor(100))
    100
    """
    return None if number is None else _sealed(number)


def read_number(cursor: str) -> int:
    """Read what ``number_cursor`` wrote."""
    number: int = _number(_opened(cursor))
    if not 0 <= number < 2**63:
        raise ValueError(number)
    return number


def _limit(text: str) -> int:
    limit = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(text)
    return limit


def _text(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


TEXT = Parameter(_text, ("a name",))
LIMIT = Parameter(
    _limit,
    (f"a number from 1 to {MAX_LIMIT}",),
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
_FROM_NEXT = ("what an answer had as next",)
INDEX_PAGE = {"limit": LIMIT, "cursor": Parameter(read_place, _FROM_NEXT)}
LOG_PAGE = {"limit": LIMIT, "cursor": Parameter(read_number, _FROM_NEXT)}


def _value(name: str, given: list[str], parameter: Parameter) -> Any:
    if len(given) > 1:
        raise _bad("bad-parameter", f"{name} is given {len(given)} times", name, ("once",))
    try:
        return parameter.read(given[0])
    except ValueError:
        allowed = ", ".join(parameter.allowed)
        detail = f"{name} is {given[0]!r}; what may be given: {allowed}"
        raise _bad("bad-parameter", detail, name, parameter.allowed) from None


def _bad(slug: str, detail: str, name: str, allowed: tuple[str, ...]) -> Refusal:
    members = {"parameter": name, "allowed": allowed}
    return Refusal(HTTPStatus.BAD_REQUEST, slug, detail, members=members)


def _sealed(value: Any) -> str:
    """Make it plain that a cursor is not to be written by hand."""
    return urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def _opened(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
