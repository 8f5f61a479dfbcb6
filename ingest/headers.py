"""Headers as parsers and authenticators see them, made without copying what nobody asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from multidict import CIMultiDictProxy

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Headers by their names in lower case; the values of a repeated one joined by a comma."""

    __slots__ = ("_found", "_raw")

    def __init__(self, raw: CIMultiDictProxy[str]) -> None:
        self._raw = raw
        self._found: dict[str, str | None] = {}
        """What was asked for: by few names, and for each request with the same head again."""

    def __getitem__(self, name: str) -> str:
        values = self._raw.getall(name)
        return values[0] if len(values) == 1 else ", ".join(values)

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...
    def get(self, name: str, /, default: str | T | None = None) -> str | T | None:
        """Look before reading: most that is asked for is not there, and an exception is dear."""
        try:
            found = self._found[name]
        except KeyError:
            found = self._found[name] = self[name] if name in self._raw else None
        return default if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._raw))

    def __len__(self) -> int:
        return sum(1 for _ in self)
