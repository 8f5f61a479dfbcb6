"""The yardstick is a server that answers, and its cost is a time."""

from __future__ import annotations

from benchmarks.calibration import bare_post


async def test_a_bare_post_takes_some_time_but_not_much():
    """The cost of a POST is above zero and below a hundredth of a second."""
    assert 0 < await bare_post(b"{}", posts=200) < 10_000
