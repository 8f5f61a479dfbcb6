"""The real ticketing tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.rt import RequestTracker
from tests.services.server import ServerMissingError


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def request_tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """A real Request Tracker for all tests of this worker."""
    try:
        server = RequestTracker(tmp_path_factory.mktemp("rt"), run_folder(tmp_path_factory) / "rt-template")
    except ServerMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        yield server.start()
    finally:
        server.kill9()
