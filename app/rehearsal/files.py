"""Files of tests, read: the cases in them, or everything that is wrong with them, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path

from app.rehearsal.crossrefs import cross_references
from app.rehearsal.models import RuleTest, RuleTests
from config.check import check
from config.document import Document
from config.load import load, read_text
from config.problems import ConfigError, Finding, Problem
from config.problems import Path as Place
from config.reading import NotReadable, read_document
from config.settings import Settings

SUFFIXES = (".yaml", ".yml")
_TESTS = re.compile(r"^tests\s*:", re.MULTILINE)
"""What tells a file of tests from other YAML in a folder."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test, and what it is played with."""

    file: str
    place: Place
    """Where it is in the file."""
    test: RuleTest
    settings: Settings
    document: Document = field(repr=False)
    bodies: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What files hold that it posts."""

    def line(self, *path: str | int) -> int:
        """Tell the line of something within the test."""
        return self.document.root.line_of((*self.place, *path))


class Reader:
    """Reads files of tests; each configuration is loaded once."""

    def __init__(self, environ: Mapping[str, str], config: Path | None = None) -> None:
        self._environ = environ
        self._config = config
        self._loaded: dict[tuple[Path, date | None], Settings | ConfigError] = {}

    def cases(self, paths: Sequence[Path]) -> list[Case]:
        """Read files, and the files of tests in folders.

        Raises:
            ConfigError: with every mistake of all of them.
        """
        cases: list[Case] = []
        problems: list[Problem] = []
        for path in _files(paths):
            try:
                cases += self._cases(path)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)
        return cases

    def _cases(self, path: Path) -> list[Case]:
        document = _document(path)
        problems = list(map(document.problem, document.findings))
        written = check(document, RuleTests)
        if isinstance(written, list):
            problems += map(document.problem, written)
        try:
            settings = self._settings(document, path, None)
        except ConfigError as error:
            raise ConfigError([*problems, *error.problems]) from None
        problems += map(document.problem, cross_references(document, settings))
        bodies: dict[str, bytes] = {}
        problems += map(document.problem, _read_bodies(document, path.parent, bodies))
        if isinstance(written, list) or problems:
            raise ConfigError(problems)
        return [
            Case(
                str(path),
                ("tests", number),
                test,
                self._settings(document, path, test.start.astimezone(UTC).date()),
                document,
                bodies,
            )
            for number, test in enumerate(written.tests)
        ]

    def _settings(self, document: Document, path: Path, today: date | None) -> Settings:
        """Load the configuration as it applies on the day of a story, so that this tells the same for ever."""
        named = document.root.child("config")
        config = named.value if named and isinstance(named.value, str) else ""
        wanted = (path.parent / config) if config else self._config
        if wanted is None:
            message = "must be given, or --config: the configuration that is tested"
            raise ConfigError([document.problem(Finding(("config",), message))])
        if (wanted, today) not in self._loaded:
            try:
                self._loaded[wanted, today] = load(wanted, self._environ, today)
            except ConfigError as error:
                self._loaded[wanted, today] = error
        found = self._loaded[wanted, today]
        if isinstance(found, ConfigError):
            raise found
        return found


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from filter(_has_tests, sorted(path.rglob("*")))
        else:
            yield path


def _has_tests(path: Path) -> bool:
    if path.suffix not in SUFFIXES or any(part.startswith(".") for part in path.parts if part != ".."):
        return False
    try:
        return _TESTS.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _document(path: Path) -> Document:
    try:
        return read_document(read_text(path), str(path))
    except NotReadable as error:
        raise ConfigError([Problem(str(path), error.line, "", error.message)]) from None


def _read_bodies(document: Document, folder: Path, bodies: dict[str, bytes]) -> Iterator[Finding]:
    """Read what is posted, once each; tell of what cannot be read."""
    for place, node in document.root.walk():
        if place[-2:] != ("post", "file") or not isinstance(node.value, str) or node.value in bodies:
            continue
        try:
            bodies[node.value] = (folder / node.value).read_bytes()
        except OSError as error:
            yield Finding(place, f"cannot be read: {error.strerror}")
