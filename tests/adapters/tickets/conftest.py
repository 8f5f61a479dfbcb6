"""The real ticketing tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.fakes import FAKES
from tests.services.jira import Jira
from tests.services.redmine import Redmine
from tests.services.roundup import Roundup
from tests.services.rt import RequestTracker
from tests.services.server import ServerMissingError


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a tool is known not to mind; its fake says so, and why."""
    tolerated = [item for item in items if isinstance(item, pytest.Function) and _is_tolerated(item)]
    if tolerated:
        config.hook.pytest_deselected(items=tolerated)
        items[:] = [item for item in items if item not in tolerated]


def _is_tolerated(item: pytest.Function) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    fake = FAKES.get(str(params.get("fake_name")))
    return fake is not None and params.get("name") in fake.tolerates


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


@pytest.fixture(scope="session")
def jira(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jira]:
    """A double of Jira Data Center for all tests of this worker."""
    server = Jira(tmp_path_factory.mktemp("jira"))
    try:
        yield server.start()
    finally:
        server.kill9()


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    """A real Redmine for all tests of this worker."""
    try:
        server = Redmine(
            tmp_path_factory.mktemp("redmine"), run_folder(tmp_path_factory) / "redmine-template"
        )
    except ServerMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        yield server.start()
    finally:
        server.kill9()


@pytest.fixture(scope="session")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roundup]:
    """A real Roundup for all tests of this worker."""
    server = Roundup(tmp_path_factory.mktemp("roundup"))
    try:
        yield server.start()
    finally:
        server.kill9()
