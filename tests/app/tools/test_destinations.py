"""The page of destinations."""

from __future__ import annotations

import pytest

from adapters.fakes import FAKES
from app.tools.destinations import COLUMNS, PAGE, PAGES, page
from domain.ports import Capability
from tests.docs.pages import ROOT


def test_the_page_is_up_to_date() -> None:
    assert page(ROOT) == (ROOT / PAGE).read_text("utf-8"), "python -m app.tools.destinations"


def test_every_capability_has_a_column() -> None:
    assert COLUMNS.keys() == set(Capability)


@pytest.mark.parametrize("type_", sorted({fake.type for fake in FAKES.values()}))
def test_every_tool_has_a_page_with_its_settings(type_: str) -> None:
    """Its blocks of YAML are held to the configuration elsewhere."""
    text = (ROOT / PAGES.get(type_, PAGE.parent / f"{type_}.md")).read_text("utf-8")

    assert f"type: {type_}" in text
    assert "```yaml" in text
