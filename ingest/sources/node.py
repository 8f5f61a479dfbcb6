"""Reading a document whose shape is not sure: every step knows where it is, and says so when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from domain.times import Millis
from ingest.sources.body import BadBody, load
from ingest.sources.moments import parse_moment


class Node:
    """A value of a JSON document or a form, and its place. A missing one is a Node of None."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    @classmethod
    def json(cls, body: bytes) -> Node:
        """Read a body.

        Raises:
            BadBody: if it is no JSON.
        """
        return cls(load(body))

    def __bool__(self) -> bool:
        """Whether there is something: not missing, null or empty."""
        return self.value not in (None, "", [], {})

    def __getitem__(self, key: str | int) -> Node:
        """Go one step down. What is not there is a Node of None; a step into a text or number is a fault."""
        if self.value is None:
            return Node(None, self._step(key))
        if isinstance(key, str):
            return Node(self._expect(dict, "an object").get(key), self._step(key))
        values = self._expect(list, "a list")
        return Node(values[key] if key < len(values) else None, self._step(key))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def first(self, *keys: str) -> Node:
        """Return the first of *keys* that holds something; the last if none does."""
        nodes = [self[key] for key in keys]
        return next((node for node in nodes if node), nodes[-1])

    def at(self, path: str) -> Node:
        """Go down several steps: ``a.b.c``."""
        node = self
        for key in path.split("."):
            node = node[key]
        return node

    def text(self, default: str = "") -> str:
        """Return it as text. Numbers keep all their digits; yes and no are ``true`` and ``false``."""
        value = self.value
        if isinstance(value, str):
            return value
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise self.fault("should be text")

    def required(self) -> str:
        """Return it as text that is not empty."""
        if not self:
            raise self.fault("is missing")
        return self.text()

    def moment(self, zone: tzinfo | None = None) -> Millis | None:
        """Return it as a moment; None where it is missing, or stands for "not yet"."""
        if not self:
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.fault("should be a moment")
        try:
            return parse_moment(self.value, zone)
        except ValueError as error:
            raise self.fault(str(error)) from None

    def items(self) -> list[Node]:
        """Return the parts of a list; none where it is missing."""
        if self.value is None:
            return []
        return [Node(value, self._step(n)) for n, value in enumerate(self._expect(list, "a list"))]

    def fields(self) -> Iterator[tuple[str, Node]]:
        """Yield the fields of an object; none where it is missing."""
        for key, value in () if self.value is None else self._expect(dict, "an object").items():
            yield key, Node(value, self._step(key))

    def flat(self) -> dict[str, str]:
        """Return the fields of an object that are text or numbers, as labels want them."""
        return {
            key: node.text()
            for key, node in self.fields()
            if node and not isinstance(node.value, dict | list)
        }

    def fault(self, message: str) -> BadBody:
        """Make an error that names this place."""
        return BadBody(message, self.path)

    def _expect(self, kind: type[Any], words: str) -> Any:
        if not isinstance(self.value, kind):
            raise self.fault(f"should be {words}")
        return self.value

    def _step(self, key: str | int) -> str:
        return f"{self.path}[{key}]" if isinstance(key, int) else f"{self.path}.{key}".lstrip(".")
