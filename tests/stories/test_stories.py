"""Each story comes out as its file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.testing import failure_lines
from app.rehearsal.files import Case, Reader
from app.rehearsal.playing import play

CASES = Reader({}).cases([Path(__file__).parent])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{Path(case.file).stem}: {case.test.name}")
def test_it_comes_out_as_told(case: Case) -> None:
    assert [line for failure in play(case).failures for line in failure_lines(failure)] == []
