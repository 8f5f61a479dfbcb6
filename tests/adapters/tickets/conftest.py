"""The real ticketing tools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.rt import RequestTracker
from tests.services.server import ServerMissingError


@pytest.fixture(scope="session")
def request_tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """A real Request Tracker for all tests of this worker."""
    try:
        server = RequestTracker(tmp_path_factory.mktemp("rt"))
    except ServerMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        yield server.start()
    finally:
        server.kill9()
