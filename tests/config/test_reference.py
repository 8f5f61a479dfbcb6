"""The page about the configuration says what the models say."""

from __future__ import annotations

from pathlib import Path

from config.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_page_is_up_to_date():
    assert PAGE.read_text("utf-8") == reference(), "run: python -m config.reference > docs/configuration.md"
