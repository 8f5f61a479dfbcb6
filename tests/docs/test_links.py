"""Links lead somewhere, and the commands that pages name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from app.cli.commands import cli
from tests.docs.pages import PAGES, ROOT, all_blocks, anchors, commands, links, name, spans

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
COMMANDS = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
LANGUAGES = {"text", "yaml", "json", "sh", "http", "python", "conf", "jinja", "js", "perl"}
OTHERS = {"buildah", "curl", "rabbitmqctl", "redis-cli", "sqlite3"}
"""Commands of other people: those with an address of ours are run by test_readme."""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            lost.append(target)

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"(?:^ {4}|`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)

    assert set(named) <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_exist(page: Path) -> None:
    for span in spans(page):
        if span.startswith("tocsin ") and not span.startswith("tocsin COMMAND"):
            check_command(span.split())


@pytest.mark.parametrize("block", all_blocks("sh"), ids=lambda block: block.place)
def test_commands_in_blocks_exist(block) -> None:
    for words in commands(block.text):
        if words[0] == "make":
            assert set(words[1:]) <= TARGETS
        elif words[0] == "tocsin":
            check_command(words)
        else:
            assert words[0] in OTHERS, words


def check_command(words: list[str]) -> None:
    """A command of ours exists, with all the options that it is given."""
    assert words[1] in COMMANDS, words
    command = COMMANDS[words[1]]
    if hasattr(command, "commands") and len(words) > 2:
        command = command.commands[words[2]]
    known = {option for each in command.params for option in each.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= known, words


def test_options_of_a_command_are_seen() -> None:
    """The check above has teeth: it refuses an option, and a command, that do not exist."""
    for wrong in (["tocsin", "serve", "--port"], ["tocsin", "start"]):
        with pytest.raises(AssertionError):
            check_command(wrong)


def test_every_block_has_a_language_that_is_looked_after() -> None:
    assert {block.place: block.language for block in all_blocks() if block.language not in LANGUAGES} == {}
