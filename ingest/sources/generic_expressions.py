"""JMESPath expressions of a mapping: checked when they are loaded, and faults that name the key when they are used.

https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

import jmespath
from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    JMESPathError,
    LexerError,
    ParseError,
)
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from domain.times import Millis
from ingest.sources.body import BadBody
from ingest.sources.loose import plain
from ingest.sources.node import Node

_KINDS = {
    dict: "an object",
    list: "a list",
    bool: "a yes or no",
    str: "text",
    int: "a number",
    float: "a number",
}
_FAILURES = (
    JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""All that evaluating may raise: functions meet values they are not made for, and not only the library's errors."""


def compile_expression(text: str) -> ParsedResult:
    """Read an expression, and look at the functions it calls, which the library leaves until they are called.

    >>> compile_expression("tags[?key == 'env'].value | [0]").search({"tags": [{"key": "env", "value": "prod"}]})
    'prod'
    >>> compile_expression("a..b")
    Traceback (most recent call last):
    ValueError: column 3: a name, '[' or '{' is expected, not '.'

    Raises:
        ValueError: if it is none. It names the column, counted from 1.
    """
    try:
        compiled = _compile(text)
    except EmptyExpressionError:
        raise ValueError("is empty") from None
    except IncompleteExpressionError:
        raise ValueError(f"column {len(text) + 1}: ends too early") from None
    except LexerError as error:
        raise ValueError(f"column {error.lex_position + 1}: {_lower(error.message)}") from None
    except ParseError as error:
        raise ValueError(f"column {error.lex_position + 1}: {_reason(error)}") from None
    except PendingDeprecationWarning:
        raise ValueError(
            f"column {text.find('`') + 1}: backquotes are for JSON; write 'text' for a text"
        ) from None
    except (RecursionError, ValueError):
        raise ValueError("is nested too deeply, or holds too large a number") from None
    for name, given in _calls(compiled.parsed):
        _check_call(text, name, given)
    return compiled


def _compile(text: str) -> ParsedResult:
    """Compile it, but not with the older way to write texts, of which the library warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", PendingDeprecationWarning)
        return jmespath.compile(text)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _reason(error: ParseError) -> str:
    if "quoted_identifier" in error.msg:
        return f"a name, '[' or '{{' is expected, not {error.token_value!r}"
    return f"{error.token_value!r} cannot stand here"


def _calls(part: Any) -> Iterator[tuple[str, int]]:
    """Yield the functions that are called, and with how many arguments."""
    if not isinstance(part, dict):
        return
    if part["type"] == "function_expression":
        yield part["value"], len(part["children"])
    for child in part["children"]:
        yield from _calls(child)


def _check_call(text: str, name: str, given: int) -> None:
    found = re.search(rf"\b{re.escape(name)}\s*\(", text)
    place = f"column {found.start() + 1}: " if found else ""
    function = Functions.FUNCTION_TABLE.get(name)
    if function is None:
        raise ValueError(f"{place}there is no function {name}")
    wanted = function["signature"]
    open_ended = bool(wanted) and bool(wanted[-1].get("variadic"))
    if given < len(wanted) or (given > len(wanted) and not open_ended):
        raise ValueError(f"{place}{name} takes {len(wanted)} arguments, not {given}")


class Expression:
    """One expression, and the key of the mapping that it stands at."""

    __slots__ = ("_compiled", "path", "text")

    def __init__(self, text: str, key: str) -> None:
        self.text = text
        self.path = f"mapping.{key}"
        self._compiled = compile_expression(text)

    def value(self, context: Any) -> Any:
        """Evaluate it; None where there is nothing.

        Raises:
            BadBody: if a function in it meets what it is not made for.
        """
        try:
            return self._compiled.search(context)
        except _FAILURES as error:
            raise BadBody(f"`{self.text}` fails: {_first_line(error)}", self.path) from None

    def plain(self, context: Any) -> str:
        """Evaluate it as text or a number; empty where there is nothing, or a placeholder that nobody filled in."""
        value = self.value(context)
        if isinstance(value, dict | list):
            raise self.wrong(value, "text")
        return plain(Node(value))

    def holds(self, context: Any) -> bool:
        """Evaluate it as a condition. Nothing is no; a text or number is neither yes nor no."""
        value = self.value(context)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.wrong(value, "a yes or no")

    def moment(self, context: Any, zone: tzinfo | None) -> Millis | None:
        """Evaluate it as a moment; None where it cannot be read as one: no alert is refused for its clock."""
        value = self.value(context)
        if isinstance(value, dict | list | bool):
            raise self.wrong(value, "a moment")
        try:
            return Node(value).moment(zone) if zone else Node(value).moment()
        except (BadBody, OverflowError):
            return None

    def scalars(self, context: Any) -> Mapping[str, str]:
        """Evaluate it as an object, and return what in it is text or a number."""
        value = self.value(context)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(value, "an object")
        return {key: plain(Node(part)) for key, part in (value or {}).items()}

    def list(self, context: Any) -> list[Any]:
        """Evaluate it as a list; nothing is an empty one."""
        value = self.value(context)
        if value is not None and not isinstance(value, list):
            raise self.wrong(value, "a list")
        return value or []

    def wrong(self, value: object, wanted: str) -> BadBody:
        """Make the error of a result of the wrong kind."""
        kind = _KINDS.get(type(value), "an expression")  # as `&name` does, which is for functions
        return BadBody(f"`{self.text}` gives {kind}, not {wanted}", self.path)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
