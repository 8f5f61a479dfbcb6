"""Reading a body: typed decoding in one go, and faults that name the place."""

from __future__ import annotations

import json
import re
from typing import Any, Never, TypeVar

import msgspec

from domain.errors import TocsinError

T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `(?P<where>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"required field `(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_WORDS = {"`str`": "a string", "`int`": "a number", "`float`": "a number", "`bool`": "a boolean"}
_WORDS |= {"`object`": "an object", "`array`": "an array", "`null`": "null", "`datetime`": "an RFC 3339 time"}


class BadBody(TocsinError):
    """A body that is not what its source sends. ``path`` names the place, like ``alerts[3].labels.foo``."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class NotJson(BadBody):
    """A body that is no JSON at all. Line and column count from 1; 0 where there is no one place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode *body*, as lenient as Go's decoder with broken characters: they become U+FFFD.

    Raises:
        BadBody: if it is not what the decoder reads.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        _raise_fault(error, load(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_mended(decoder, load(body))


def _decode_mended(decoder: msgspec.json.Decoder[T], document: Any) -> T:
    try:
        mended: T = msgspec.convert(document, decoder.type)
    except msgspec.ValidationError as error:
        _raise_fault(error, document)
    return mended


def convert(part: Any, kind: type[T], path: str) -> T:
    """Read one part of a document that is at hand already; *path* is where it is.

    Raises:
        BadBody: if it is not such a part.
    """
    try:
        return msgspec.convert(part, kind)
    except msgspec.ValidationError as error:
        _raise_fault(error, part, path)


def load(body: bytes) -> Any:
    """Read any JSON document, as leniently.

    Raises:
        BadBody: if it is none.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
        return _mend(document) if _ESCAPED_SURROGATE.search(text) else document
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise BadBody("nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def _mend(document: Any) -> Any:
    """Replace the halves of characters, which no UTF-8 can hold, wherever they are."""
    if isinstance(document, dict):
        return {_whole(key): _mend(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_mend(value) for value in document]
    return _whole(document) if isinstance(document, str) else document


def _whole(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON value")


def _raise_fault(error: msgspec.ValidationError, document: Any, within: str = "") -> Never:
    match = _FAULT.fullmatch(str(error))
    what, where = (match["what"], match["where"] or "$") if match else (str(error), "$")
    path = _path(where, document)
    if within:
        path = f"{within}{path}" if path.startswith("[") else f"{within}.{path}".rstrip(".")
    if missing := _MISSING.search(what):
        path = f"{path}.{missing[1]}".lstrip(".")
    raise BadBody(_in_words(what), path) from None


def _in_words(what: str) -> str:
    for word, better in _WORDS.items():
        what = what.replace(word, better)
    return what[:1].lower() + what[1:]


def _path(where: str, document: Any) -> str:
    """Write msgspec's path our way, and name the key where it says only ``[...]``."""
    steps, found, _ = where.removeprefix("$").partition("[...]")
    path = steps.lstrip(".")
    return f"{path}{_odd_key(_follow(steps, document))}" if found else path


def _follow(steps: str, document: Any) -> Any:
    for name, place in _STEP.findall(steps):
        document = document[name] if name else document[int(place)]
    return document


def _odd_key(mapping: dict[str, Any]) -> str:
    key = next((key for key, value in mapping.items() if not isinstance(value, str)), "")
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"
