"""What pages name is in the code: files, and whatever is spelled as a name of Python."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, name, page, spans

ARCHITECTURE = page("ARCHITECTURE.md")
PACKAGES = ("domain", "notation", "ingest", "correlation", "routing", "adapters", "config", "app")
TOP = {*PACKAGES, "tests", "benchmarks", "docs", ".ci"}
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*")

OTHERS = {
    ARCHITECTURE: {
        *PACKAGES,
        "models.py",
        "alerts.N",
        "tickets.D",
        "handled.PRODUCER",
        "outcome.VERDICT",
        "tocsin",
    },
}
"""Names that are not of the code, or stand for several."""

LIBRARIES = {
    "startsAt",
    "executemany",
    "connect_robust",
    "message_id",
    "yaml.safe_load",
    "PRECONDITION_FAILED",
}
"""Names of other people's code that records of decisions speak of."""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_exist(page: Path) -> None:
    """A path that begins with a folder of the repository leads to something."""
    named = {span for span in spans(page) if PATH.fullmatch(span) and span.split("/")[0] in TOP}

    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("page", [ARCHITECTURE, *sorted((ROOT / "docs/adr").glob("0*.md"))], ids=name)
def test_names_of_the_code_exist(page: Path) -> None:
    """Whatever is capitalised like a class, is called like a method, or has an underscore is in the code."""
    named = {span for span in spans(page) if NAME.fullmatch(span) and _is_ours(span)}

    assert sorted(named - _names() - OTHERS.get(page, set())) == []


def test_all_names_of_architecture_exist() -> None:
    """There even the plain words are checked: all that is in backquotes is of the code."""
    named = {span for span in spans(ARCHITECTURE) if NAME.fullmatch(span)}

    assert sorted(named - _names() - OTHERS[ARCHITECTURE]) == []


def test_the_code_map_names_every_folder() -> None:
    folders = {
        f"{module.parent.relative_to(ROOT).as_posix()}/"
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
    }

    assert sorted(folders - set(spans(ARCHITECTURE))) == []


def test_the_eight_stops_are_in_the_order_of_the_folders() -> None:
    stops = re.findall(r"^\d\. \*\*`([\w./]+)`", ARCHITECTURE.read_text(), re.MULTILINE)

    assert [stop.split("/")[0] for stop in stops] == [
        "ingest",
        "ingest",
        "ingest",
        "app",
        "correlation",
        "routing",
        "app",
        "adapters",
    ]


def test_every_record_is_in_the_index() -> None:
    """docs/adr/README.md links each record, by the title that it has."""
    index = page("docs/adr/README.md").read_text()
    records = sorted((ROOT / "docs/adr").glob("0*.md"))

    assert [record.name[:4] for record in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for record in records:
        title = record.read_text().splitlines()[0].removeprefix("# ")
        assert f"[{title}]({record.name})" in index
        assert [line for line in record.read_text().splitlines() if line.startswith("## ")][:4] == [
            "## Context",
            "## Decision",
            "## Consequences",
            "## Options considered",
        ]


def test_lines_of_pages_are_not_too_long() -> None:
    """Tables and links apart, a line can be read without a wide window."""
    long = [
        f"{name(each)}: {line[:60]}"
        for each in PAGES
        if each.name not in {"configuration.md", "dependencies.md", "CONTRIBUTING.md"}
        for line in _plain_lines(each)
        if len(line) > 120
    ]

    assert long == []


def _plain_lines(each: Path) -> Iterator[str]:
    text = each.read_text()
    for block in blocks(each):
        text = text.replace(block.text, "")
    return (line for line in text.splitlines() if not line.startswith("|"))


def _is_ours(span: str) -> bool:
    return bool(re.search(r"[a-z][A-Z]|[a-z]_[a-z]|[A-Z]_[A-Z]|^[A-Z][a-z]+\.", span))


@cache
def _names() -> set[str]:
    """All names that the code defines, alone and as ``Class.member``."""
    found = set(dir(builtins)) | LIBRARIES
    for package in (*PACKAGES, "tests", "benchmarks"):
        for module in (ROOT / package).rglob("*.py"):
            found |= set(_defined(ast.parse(module.read_text())))
    return found


def _defined(tree: ast.AST, owner: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        names = _names_of(node)
        yield from names
        if owner:
            yield from (f"{owner}.{each}" for each in names)
        yield from _defined(node, names[0] if isinstance(node, ast.ClassDef) else owner)


def _names_of(node: ast.AST) -> list[str]:
    match node:
        case ast.ClassDef(name=defined) | ast.FunctionDef(name=defined) | ast.AsyncFunctionDef(name=defined):
            return [defined]
        case ast.AnnAssign(target=ast.Name(id=defined)):
            return [defined]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.arg(arg=defined):
            return [defined]
    return []
