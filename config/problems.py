"""What is said about a configuration that is wrong: each problem with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from domain.errors import TocsinError

Path = tuple[str | int, ...]
"""Keys and positions that lead from the top of the file to a value."""

_PLAIN_KEY = re.compile(r"[\w-]+")
_LISTED = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or worth a warning. Prints as ``file:line: path: message``."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """Leave the path out where the problem is the whole file's."""
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.path, self.message) if part)


class ConfigError(TocsinError):
    """What people wrote has mistakes: all of them, in the order of their files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem as the checks find it, before file and line are known."""

    path: Path
    message: str
    line: int = 0
    """0: the line of what the path leads to."""


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by file and line, and drop what is said twice."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda each: (each.file, each.line, each.path, each.message))


def show_path(path: Path) -> str:
    """Write a path as people do.

    >>> show_path(("routes", 0, "match", "k8s.io/name"))
    'routes[0].match["k8s.io/name"]'
    """
    return "".join(map(_show_step, path)).removeprefix(".")


def _show_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def did_you_mean(given: str, known: Sequence[str]) -> str:
    """Name the nearest of what is known, if one is near.

    >>> did_you_mean("windw", ["window", "by"]), did_you_mean("x", ["a", "b"])
    (' (did you mean window?)', '')
    """
    near = _nearest(given, tuple(known))
    return f" (did you mean {near[0]}?)" if near else ""


@lru_cache(maxsize=256)
def _nearest(given: str, known: tuple[str, ...]) -> list[str]:
    """Remembered, as the same slip is often made all over a file and a catalogue has thousands of names."""
    return get_close_matches(given, known, n=1)


def way_out(given: str, known: Sequence[str]) -> str:
    """Name the nearest of what is known, else all of it.

    >>> way_out("windw", ["window", "by"]), way_out("x", ["a", "b"])
    (' (did you mean window?)', '; known: a, b')
    """
    return did_you_mean(given, known) or (f"; known: {listed(known)}" if known else "")


def undefined(kind: str, name: str, defined: Collection[str]) -> str:
    """Say that a name leads nowhere.

    >>> undefined("service", "card", ["cart"])
    "there is no service 'card' (did you mean cart?)"
    """
    return f"there is no {kind} {name!r}{way_out(name, list(defined)) or f'; no {kind}s are defined'}"


def listed(names: Sequence[str], last: str = "") -> str:
    """Join names, the first dozen of them.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], "or")
    ('a, b, c', 'a, b or c')
    """
    if len(names) > _LISTED:
        return ", ".join([*names[:_LISTED], f"and {len(names) - _LISTED} more"])
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return ", ".join(names)
