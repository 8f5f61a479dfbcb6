"""What every test gets: the real servers' fixtures and one way of running hypothesis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ["tests.services.plugin"]

# Random on each run and never stored: a failure prints what to paste to see it again. No deadline, as the
# machine is shared.
settings.register_profile("ci", database=None, deadline=None, derandomize=False, print_blob=True)
settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """No test logs to where an earlier one had it sent: that stream may be closed by now."""
    yield
    structlog.reset_defaults()
