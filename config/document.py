"""A YAML file as a tree of values that know their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from config.problems import Finding, Path, Problem, show_path

Value = str | dict[str, "Node"] | list["Node"] | None

_INTEGER = re.compile(r"[-+]?\d{1,18}")
_DECIMAL = re.compile(r"[-+]?\d{1,18}\.\d{1,18}")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file."""

    line: int
    """Where it is said: the line of its key, for a value that has one."""
    value: Value = field(repr=False)
    plain: bool = False
    """A scalar without quotes, which may be a number or a truth value."""
    masks: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Texts that came from outside the file, each with what is shown in its place."""
    broken: bool = False
    """Something is wrong with it that was said already; its value stands for nothing."""
    size: int = 1
    """Values in it, itself and what aliases stand for included."""
    height: int = 1
    """Levels in it."""

    def entries(self) -> Iterator[tuple[str | int, Node]]:
        """List what is directly below, with the step that leads there."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """List this and all that is below, with paths."""
        yield path, self
        for step, child in self.entries():
            yield from child.walk((*path, step))

    def child(self, step: str | int) -> Node | None:
        """Return what is one step below."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def at(self, path: Path) -> Node | None:
        """Return what *path* leads to."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def line_of(self, path: Path) -> int:
        """Tell the line of what *path* leads to, or of the nearest above it that is there."""
        node = self
        for step in path:
            below = node.child(step)
            if below is None:
                break
            node = below
        return node.line

    def data(self) -> Any:
        """Make what pydantic is given. Unquoted numbers and truth values are resolved as YAML 1.2 does."""
        if isinstance(self.value, dict):
            return {key: child.data() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.data() for child in self.value]
        return _resolve(self.value) if self.plain and self.value is not None else self.value


def _resolve(text: str) -> str | int | float | bool:
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: what it says, and what is wrong with how it says it."""

    file: str
    root: Node
    findings: list[Finding] = field(default_factory=list)

    def problem(self, finding: Finding) -> Problem:
        """Give a finding its place."""
        line = finding.line or self.root.line_of(finding.path)
        return Problem(self.file, line, show_path(finding.path), finding.message)
