"""The help: what a person reads first."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from app.cli.commands import RoleName, cli
from app.service import Role
from tests.app.cli.running import tocsin

COMMANDS = sorted(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]
GROUPS = ("catalog", "db", "incident", "parked", "problems", "quarantine", "silence", "source")
"""Commands that have commands of their own."""
EXAMPLE = re.compile(r"^    .*?(tocsin [^|>&#\n]*)", re.MULTILINE)


def test_the_commands_are_those_that_were_promised() -> None:
    assert COMMANDS == [
        "backtest",
        "catalog",
        "check",
        "db",
        "demo",
        "explain",
        "fake",
        "incident",
        "parked",
        "parse",
        "problems",
        "quarantine",
        "reconcile",
        "schema",
        "send",
        "serve",
        "silence",
        "source",
        "test",
    ]


def test_the_version_is_that_of_the_package() -> None:
    assert tocsin("--version").output == f"tocsin {version('tocsin')}\n"


def test_without_a_command_the_help_is_shown() -> None:
    assert "Commands:" in tocsin().output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_of_the_command_itself(command: str) -> None:
    result = tocsin(command, "--help")

    assert result.exit_code == 0
    examples = EXAMPLE.findall(result.stdout.partition("Examples:")[2])
    assert examples
    assert {shlex.split(example)[1] for example in examples} <= {command, "tocsin.schema.json"}


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_name_only_options_that_there_are(command: str) -> None:
    for example in EXAMPLE.findall(tocsin(command, "--help").stdout):
        words = shlex.split(example)
        within = [words[2]] if command in GROUPS else []
        help_ = tocsin(command, *within, "--help").stdout
        options = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_.partition("Options:")[2], re.MULTILINE)

        assert {word for word in words if word.startswith("--")} <= set(options)


def test_roles_are_those_of_the_service() -> None:
    assert [role.value for role in RoleName] == [role.value for role in Role]


def test_the_help_does_not_wait_for_what_the_commands_need() -> None:
    heavy = "aiohttp aio_pika pydantic redis jinja2 yaml structlog rich.progress"
    script = f"import sys, app.cli; print([name for name in {heavy.split()!r} if name in sys.modules])"

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"
