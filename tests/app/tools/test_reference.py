"""The pages about tools are those that the guides and samples make."""

import re

import pytest

from app.tools import handbook
from app.tools.reference import FOLDER, main, pages
from config.load import parse
from ingest.sources import TOOLS
from tests.app.cli.running import ROOT

MADE = dict(pages())


@pytest.mark.parametrize("name", MADE)
def test_page_is_up_to_date(name):
    assert MADE[name] == (ROOT / FOLDER / name).read_text("utf-8"), "python -m app.tools.reference"


def test_no_page_is_left_over(tmp_path):
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == MADE.keys()
    (tmp_path / "gone.md").write_text("")
    main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == MADE.keys()


@pytest.mark.parametrize("name", TOOLS)
def test_nothing_is_left_to_fill_in(name):
    assert not re.search(r"\{(url|auth)\}", MADE[f"{name}.md"])
    assert handbook.URL not in MADE[f"{name}.md"]


@pytest.mark.parametrize("name", TOOLS)
def test_the_configuration_shown_is_one(name):
    sources = parse(handbook.settings(TOOLS[name], "my-tool"), "x", {"MY_TOOL_TOKEN": "s3cret"}).sources
    assert sources["my-tool"].type == name
