"""What every test gets: the real servers' fixtures and one way of running hypothesis."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.services.plugin"]

# Random on each run and never stored: a failure prints what to paste to see it again. No deadline, as the
# machine is shared.
settings.register_profile("ci", database=None, deadline=None, derandomize=False, print_blob=True)
settings.load_profile("ci")
