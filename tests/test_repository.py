"""What the repository promises about itself: short code, explained dependencies, nobody's machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "notation", "ingest", "correlation", "routing", "adapters", "config", "app")

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40

# "path" or "path:function" -> why it may be longer. One that is no longer too long must go.
TOO_LONG: dict[str, str] = {}

# Put together here, so that this file does not name what it forbids.
INDEX_HOST = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.", "npmjs" + r"\.", "index" + r"-url [\w./]*://"))
)
HOME_PATH = re.compile(r"(?<![\w.])/(?:ho" + r"me/\w|ro" + r"ot/|Us" + r"ers/\w|wo" + r"rk/\w)")


def test_every_dependency_has_its_reason() -> None:
    explained = set(
        re.findall(r"^\| ([\w.-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    )

    assert set(_dependencies()) <= {name.lower() for name in explained}


def test_every_dependency_explained_is_still_one() -> None:
    explained = re.findall(r"^\| ([\w.-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)

    assert {name.lower() for name in explained} - {"package"} == set(_dependencies())


@pytest.mark.parametrize("pattern", [INDEX_HOST, HOME_PATH], ids=["index host", "home path"])
def test_no_tracked_file_tells_where_it_was_made(pattern: re.Pattern[str]) -> None:
    told = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path, text in _tracked()
        if (found := pattern.search(text))
    ]

    assert told == []


def test_modules_and_functions_stay_short() -> None:
    found = dict(_lengths())

    assert sorted(found) == sorted(TOO_LONG), f"too long, or no longer so: {found}"


def test_only_models_know_how_people_write_rules():
    """The core works with plain values: pydantic stops at the modules that hold what people write."""
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("correlation", "routing")
        for path in (ROOT / package).rglob("*.py")
        if not _holds_models(path.stem)
        for name in _imported(ast.parse(path.read_text()))
        if name.split(".")[0] in {"pydantic", "notation"} or _holds_models(name.split(".")[-1])
    ]

    assert offenders == []


def _holds_models(module: str) -> bool:
    return module == "models" or module.endswith("_models")


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _dependencies() -> Iterator[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        yield re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _tracked() -> Iterator[tuple[Path, str]]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for path in (ROOT / name for name in names.split("\0") if name):
        if path.is_file():
            yield path, path.read_text(errors="replace")


def _lengths() -> Iterator[tuple[str, int]]:
    """Yield what is longer than it should be, with its number of lines."""
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        name = path.relative_to(ROOT).as_posix()
        source = path.read_text()
        lines = len(source.splitlines())
        if lines > MAX_MODULE_LINES:
            yield name, lines
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _span(node) > MAX_FUNCTION_LINES:
                yield f"{name}:{node.name}", _span(node)


def _span(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from `def` to the end, docstring and all."""
    return (node.end_lineno or node.lineno) - node.lineno + 1
