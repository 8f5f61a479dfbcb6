"""Every YAML block of the pages is a configuration without mistakes, or says whose file it is."""

from __future__ import annotations

import re

import pytest

from config.load import parse
from config.settings import Settings
from tests.docs.pages import ROOT, Block, all_blocks

REFERENCE = re.compile(r"\$\{([A-Z_]+)\}")
SECRET = "s3cret-and-long-enough"

OURS = [block for block in all_blocks("yaml") if not re.match(r"# \w+\.yml\n", block.text)]


def settings_of(block: Block) -> Settings:
    names = REFERENCE.findall(block.text)
    environ = {name: f"https://{SECRET}.example" if name.endswith("_URL") else SECRET for name in names}
    return parse(block.text, block.place, environ, ROOT)


@pytest.mark.parametrize("block", OURS, ids=lambda block: block.place)
def test_it_has_no_mistakes(block: Block) -> None:
    settings_of(block)


def test_the_first_one_is_complete_and_short() -> None:
    """The one of README has nothing that a check would wonder at, and is ten lines."""
    first = next(block for block in OURS if block.page == "README.md")

    assert settings_of(first).warnings == ()
    assert len(first.text.splitlines()) == 10
