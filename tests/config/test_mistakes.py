"""Every mistake has its file, named after it; beside it, what is said about it.

Rewrite what is expected with ``python -m tests.config.test_mistakes``, and read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import parse
from config.problems import ConfigError, Problem

HERE = Path(__file__).parent
MISTAKES = sorted((HERE / "mistakes").glob("*.yaml"))
WARNINGS = sorted((HERE / "warnings").glob("*.yaml"))
ENVIRON = {"PROM_TOKEN": "topsecret-from-outside"}


def mistakes_of(file: Path) -> list[Problem]:
    try:
        parse(file.read_text("utf-8"), file.name, ENVIRON, folder=Path("/nowhere"))
    except ConfigError as error:
        return error.problems
    return []


def warnings_of(file: Path) -> list[Problem]:
    return list(parse(file.read_text("utf-8"), file.name, ENVIRON).warnings)


def printed(problems: list[Problem]) -> str:
    return "".join(f"{problem}\n" for problem in problems)


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_mistake_is_reported_as_expected(file):
    said = printed(mistakes_of(file))

    assert said == file.with_suffix(".out").read_text("utf-8")
    assert "topsecret" not in said


@pytest.mark.parametrize("file", WARNINGS, ids=lambda file: file.stem)
def test_warning_is_given_as_expected(file):
    assert printed(warnings_of(file)) == file.with_suffix(".out").read_text("utf-8")


if __name__ == "__main__":
    for mistake in MISTAKES:
        mistake.with_suffix(".out").write_text(printed(mistakes_of(mistake)), "utf-8")
    for warning in WARNINGS:
        warning.with_suffix(".out").write_text(printed(warnings_of(warning)), "utf-8")
