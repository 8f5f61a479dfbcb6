"""Every destination, against the fake of its tool: the cases are made of the lists, so that none can be left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any, get_args

import pytest
from aiohttp import web
from pydantic import TypeAdapter

from adapters.fakes import FAKES
from adapters.fakes.base import Fake, Shown
from adapters.http import Http
from adapters.tickets import DestinationConfig
from domain.incident import TicketRef
from domain.ports import Capability, TicketSystem
from tests.contracts.tickets import (
    SHORT,
    Break,
    HttpTicketContract,
    SpeakTo,
    TicketSystemContract,
    Tool,
)
from tests.contracts.two_way import Desk, TwoWayContract
from tests.fakes.broken import broken_app

IN_PROCESS = {"memory"}
"""Not a tool that others could have."""
_settings: TypeAdapter[Any] = TypeAdapter(DestinationConfig)
TEMPLATE = "{{ service }}/{{ priority }}"


def build(settings: dict[str, Any], http: Http) -> TicketSystem:
    """Make the adapter as the configuration does."""
    system: TicketSystem = _settings.validate_python(settings).build(http)
    return system


@cache
def capabilities(name: str) -> frozenset[Capability]:
    """What the adapter of a fake says it can do."""
    return build(FAKES[name]().settings("http://127.0.0.1:1"), Http()).capabilities


def fits(name: str, test: pytest.Function) -> bool:
    """Whether a test is about what the tool, and its fake, can do."""
    fake = FAKES[name]
    wanted = {one for mark in test.iter_markers("needs") for one in mark.args}
    deeds = {one for mark in test.iter_markers("deed") for one in mark.args}
    if test.cls is not None and issubclass(test.cls, HttpTicketContract) and not fake.speaks_http:
        return False
    if test.get_closest_marker("credentials") and fake.wrong_settings is Fake.wrong_settings:
        return False
    if test.get_closest_marker("extra_field") and not fake.extra_field:
        return False
    return wanted <= capabilities(name) and deeds <= fake.deeds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of a contract with every fake that it fits."""
    if "fake_name" not in metafunc.fixturenames:
        return
    names = [name for name in FAKES if fits(name, metafunc.definition)]
    metafunc.parametrize("fake_name", names)


def test_every_destination_has_a_fake() -> None:
    """A tool that nobody stood in for was never tried."""
    union = get_args(get_args(DestinationConfig)[0])
    types = {get_args(one.model_fields["type"].annotation)[0] for one in union}

    assert {fake.type for fake in FAKES.values()} == types - IN_PROCESS


@pytest.fixture
def fake(fake_name: str) -> Fake:
    return FAKES[fake_name]()


class TestLife(TicketSystemContract):
    @pytest.fixture
    async def tool(self, fake: Fake) -> AsyncIterator[Tool]:
        async def look(ref: TicketRef) -> Shown:
            return fake.look(ref.id)

        async with fake.serving() as url:
            http = Http()
            yield Tool(build(fake.settings(url), http), look, fake.priorities, fake.longest)
            await http.close()


class TestTwoWay(TwoWayContract):
    @pytest.fixture
    async def desk(self, fake: Fake) -> AsyncIterator[Desk]:
        async with fake.serving() as url:
            http = Http()
            settings = fake.settings(url)
            extra = {"fields": {fake.extra_field: TEMPLATE}} if fake.extra_field else {}
            yield Desk(
                fake,
                build(settings, http),
                build(fake.wrong_settings(url), http),
                build(settings | extra, http),
            )
            await http.close()


class TestTroubles(HttpTicketContract):
    @pytest.fixture
    def speak_to(self, fake_name: str) -> SpeakTo:
        def speak(http: Http, url: str) -> TicketSystem:
            return build(FAKES[fake_name]().settings(url) | {"timeout": SHORT}, http)

        return speak

    @pytest.fixture
    def broken(self, fake: Fake) -> Break:
        logins = [one for one in fake.routes() if isinstance(one, web.RouteDef) and one.path in fake.logins]
        return lambda trouble: broken_app(trouble, logins)
