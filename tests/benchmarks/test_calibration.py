"""The yardsticks are small real work, and their cost is a time."""

from __future__ import annotations

from benchmarks.calibration import bare_post, bare_write


async def test_a_bare_post_takes_some_time_but_not_much():
    """The cost of a POST is above zero and below a hundredth of a second."""
    assert 0 < await bare_post(b"{}", posts=200) < 10_000


def test_a_bare_write_takes_some_time_but_not_much(tmp_path):
    """The time of a write is above zero and below ten seconds."""
    assert 0 < bare_write(tmp_path, writes=3) < 10_000
