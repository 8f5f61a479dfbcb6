"""Where the written requests of all tools are: the tests' own fixtures, and the samples that users get."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from app.tools import handbook
from domain.times import Millis
from ingest.sources import TOOLS
from ingest.sources.message import read_message
from ingest.sources.post import Parser, Post

FIXTURES = Path(__file__).with_name("fixtures")
SOURCES = Path(__file__).parents[2] / "ingest/sources"
SAMPLES = SOURCES / "samples"
GUIDES = SOURCES / "guides"
NOW: Millis = 1767225600000  # 2026-01-01T00:00:00Z
OLDER = {"alertmanager", "prometheus"}
"""Sources whose fixtures are bare bodies; test_sources.py runs them."""


class Message(NamedTuple):
    """A request written down, and where its golden result is."""

    type: str
    path: Path
    golden: Path

    def post(self) -> Post:
        return read_message(self.path.read_bytes(), self.type, NOW)


def parser_of(kind: str) -> Parser:
    """Import it only when it is asked for: a source that is not finished fails its own tests, not all."""
    if kind in TOOLS:
        return handbook.reader_of_samples(TOOLS[kind]).parse
    parser: Parser = import_module(f"ingest.sources.{kind}").parse
    return parser


def _found() -> Iterator[Message]:
    for path in sorted(FIXTURES.glob("*/*.http")):
        yield Message(path.parent.name, path, path.with_suffix(".golden.json"))
    for path in sorted(SAMPLES.glob("*/*.http")):
        kind = path.parent.name
        yield Message(kind, path, FIXTURES / kind / f"sample_{path.stem}.golden.json")


EVERY = list(_found())
MESSAGES = [message for message in EVERY if message.type not in OLDER]
TYPES = sorted({message.type for message in MESSAGES})
