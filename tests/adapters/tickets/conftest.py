"""The real ticketing tools."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.fakes import FAKES
from tests.services.jira import Jira
from tests.services.redmine import Redmine
from tests.services.roundup import Roundup
from tests.services.rt import RequestTracker
from tests.services.server import Server, ServerMissingError

S = TypeVar("S", bound=Server)


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


@contextmanager
def started(make: Callable[[], S]) -> Iterator[S]:
    """Start a server for all tests of this worker; a missing one is told, not passed over."""
    try:
        server = make()
    except ServerMissingError as missing:
        pytest.fail(str(missing), pytrace=False)
    try:
        yield server.start()
    finally:
        server.kill9()


@pytest.fixture(scope="session")
def request_tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """A real Request Tracker."""
    own, template = tmp_path_factory.mktemp("rt"), run_folder(tmp_path_factory) / "rt-template"
    with started(lambda: RequestTracker(own, template)) as server:
        yield server


@pytest.fixture(scope="session")
def jira(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jira]:
    """A double of Jira Data Center."""
    with started(lambda: Jira(tmp_path_factory.mktemp("jira"))) as server:
        yield server


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    """A real Redmine."""
    own, template = tmp_path_factory.mktemp("redmine"), run_folder(tmp_path_factory) / "redmine-template"
    with started(lambda: Redmine(own, template)) as server:
        yield server


@pytest.fixture(scope="session")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roundup]:
    """A real Roundup."""
    with started(lambda: Roundup(tmp_path_factory.mktemp("roundup"))) as server:
        yield server
