"""Reading YAML into a ``Document``.

Built from PyYAML's events, not by its constructors: those follow YAML 1.1, where ``no`` is false and
``12:30`` is 750, unfold aliases without end, and overflow the stack in libyaml's binding. Here a scalar
keeps the text that was written; the settings' models decide what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from config.document import Document, Node
from config.problems import Finding, Path

DEEPEST = 64
MOST_VALUES = 200_000

NO_KEY = "\0"
"""Stands for a key that cannot be one; YAML has no such character."""
NOTHING = re.compile(r"|~|null|Null|NULL")
STANDARD_TAG = "tag:yaml.org,2002:"
HINTS = {
    "found character '\\t'": "a tab; YAML is indented with spaces",
    "mapping values are not allowed": "text with ': ' in it must be in quotes, or a line is indented too far",
    "expected <block end>": "text follows a quoted or bracketed value, or the indentation is uneven",
    "cannot start any token": "text that begins with this character must be in quotes",
    "scanning an alias": "text that begins with * must be in quotes",
    "scanning an anchor": "text that begins with & must be in quotes",
    "scanning a tag": "text that begins with ! must be in quotes",
    "but got '{'": "${…} inside {…} or […] must be in quotes",
    "undefined tag handle": "text that begins with ! must be in quotes",
}
"""What PyYAML says → what to do about it."""


class NotReadable(Exception):
    """There is no tree to be had of this file."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def read_document(text: str, file: str) -> Document:
    """Read YAML.

    Raises:
        NotReadable: it is not YAML, or grows beyond all bounds.
    """
    try:
        return _Builder(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)).document(file)
    except yaml.YAMLError:
        return _read_slowly(text, file)


def _read_slowly(text: str, file: str) -> Document:
    """Read with PyYAML's own parser: it says more, and the same whether libyaml is there or not."""
    try:
        return _Builder(text, yaml.SafeLoader).document(file)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotReadable(line, f"the character {error.character:#x} is not allowed in YAML") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from None


def _syntax_error(error: yaml.MarkedYAMLError) -> NotReadable:
    """Leave PyYAML's excerpt of the file out: there may be a secret in it."""
    said = " ".join(filter(None, (error.problem, error.context)))
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    for phrase, hint in HINTS.items():
        if phrase in said:
            return NotReadable(line, f"not YAML: {hint}")
    if error.context_mark and error.context_mark.line + 1 != line:
        said += f" that begins in line {error.context_mark.line + 1}"
    return NotReadable(line, f"not YAML: {said}")


class _Builder:
    """Makes the tree of one file. Every level of nesting is one call, and there are ``DEEPEST`` at most."""

    def __init__(self, text: str, loader: Any) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self._anchors: dict[str, Node] = {}
        self._findings: list[Finding] = []

    def document(self, file: str) -> Document:
        """Read the one document of the file; an empty one is a mapping with nothing in it."""
        root = Node(1, None)
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotReadable(_line(event), "a second document begins here; a file may hold only one")
                root = self._node(next(self._events), ())
        return Document(file, _without_empty_sections(root), self._findings)

    def _node(self, event: Any, path: Path) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        _check_bounds(_line(event), 0, len(path))
        node = self._new_node(event, path)
        if event.tag not in (None, "!") and not event.tag.startswith(STANDARD_TAG):
            node = self._broken(
                event, path, "a tag means nothing here; put text that begins with ! in quotes"
            )
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _new_node(self, event: Any, path: Path) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return _collection(event, self._mapping(path))
        if isinstance(event, yaml.SequenceStartEvent):
            return _collection(event, self._sequence(path))
        plain = not event.style and not event.tag
        return Node(_line(event), None if plain and NOTHING.fullmatch(event.value) else event.value, plain)

    def _alias(self, event: Any, path: Path) -> Node:
        """An anchor is known once its value is complete, so nothing can contain itself."""
        node = self._anchors.get(event.anchor)
        if node is None:
            message = "this alias stands for nothing yet; put text that begins with * in quotes"
            return self._broken(event, path, message)
        return node

    def _sequence(self, path: Path) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            value = replace(self._node(next(self._events), (*path, key)), line=_line(event))
            if key == "<<":
                merged.append(value)
            elif key in entries:
                message = f"is given twice; it is in line {entries[key].line} already"
                self._findings.append(Finding((*path, key), message, value.line))
            elif key != NO_KEY:
                entries[key] = value
        for value in merged:
            self._merge(entries, value, path)
        return entries

    def _key(self, event: Any, path: Path) -> str:
        node = self._node(event, path)
        if isinstance(node.value, str):
            return node.value
        if node.value is None:
            return getattr(event, "value", "")
        self._broken(event, path, "a key must be text, not a list or a mapping")
        return NO_KEY

    def _merge(self, entries: dict[str, Node], merged: Node, path: Path) -> None:
        """Take in what ``<<`` names; what is given here, or came first, stays."""
        sources = merged.value if isinstance(merged.value, list) else [merged]
        for source in sources:
            if isinstance(source.value, dict):
                entries.update({key: node for key, node in source.value.items() if key not in entries})
            elif not source.broken:
                message = "takes a mapping, or a list of mappings"
                self._findings.append(Finding((*path, "<<"), message, merged.line))

    def _broken(self, event: Any, path: Path, message: str) -> Node:
        self._findings.append(Finding(path, message, _line(event)))
        return Node(_line(event), None, broken=True)


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _collection(event: Any, value: dict[str, Node] | list[Node]) -> Node:
    children = value.values() if isinstance(value, dict) else value
    size = 1 + sum(child.size for child in children)
    height = 1 + max((child.height for child in children), default=0)
    _check_bounds(_line(event), size, height)
    return Node(_line(event), value, size=size, height=height)


def _check_bounds(line: int, size: int, height: int) -> None:
    if height > DEEPEST:
        raise NotReadable(line, f"is nested more than {DEEPEST} levels deep")
    if size > MOST_VALUES:
        raise NotReadable(line, f"holds more than {MOST_VALUES} values, counting all that aliases stand for")


def _without_empty_sections(root: Node) -> Node:
    """A section with nothing in it, or only comments, is as good as left out; so is a whole file."""
    if root.value is None and not root.broken:
        return Node(1, {})
    if not isinstance(root.value, dict):
        return root
    kept = {key: node for key, node in root.value.items() if node.value is not None or node.broken}
    return replace(root, value=kept)
