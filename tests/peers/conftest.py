"""What the tests with real tools share: a Tocsin that runs, and what ends up in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.e2e import serve
from tests.e2e.looks import outcomes
from tests.services.server import Server

S = TypeVar("S", bound=Server)
Serving = Callable[[Mapping[str, Any]], AbstractAsyncContextManager["Receiver"]]
"""Given ``sources``, runs a Tocsin with them."""


class Receiver:
    """A Tocsin that runs, with the looks that these tests take at it."""

    def __init__(self, tocsin: serve.Tocsin) -> None:
        [self._process] = tocsin.processes
        self._tocsin = tocsin
        self.url = self._process.url
        self.address = self.url.removeprefix("http://")

    async def alerts(self, state: str, many: int = 1, within: float = serve.WITHIN) -> dict[str, Any]:
        """Wait until there are so *many* alerts and all are in this *state*; give them by their source."""

        async def check() -> dict[str, Any]:
            alerts = await self._tocsin.alerts()
            assert [each["state"] for each in alerts] == [state] * many, (alerts, await self.stats())
            return {each["source"]: each for each in alerts}

        return await serve.eventually(check, within)

    async def alert(self, state: str, within: float = serve.WITHIN) -> dict[str, Any]:
        """Wait until the only alert is in this *state*."""
        [alert] = (await self.alerts(state, within=within)).values()
        return dict(alert)

    async def incident(self, state: str) -> dict[str, Any]:
        """Wait until the only incident is in this *state*."""

        async def check() -> dict[str, Any]:
            [incident] = await self._tocsin.incidents()
            assert incident["state"] == state, incident
            return dict(incident)

        return await serve.eventually(check)

    async def heard(self, outcome: str) -> None:
        """Wait until something had this *outcome*."""

        async def check() -> None:
            assert (await self.stats())["outcomes"][outcome]

        await serve.eventually(check)

    async def stats(self) -> dict[str, Any]:
        """Read the loss accounting."""
        return dict(await self._tocsin.stats())

    async def outcomes(self, accepted: int = 0) -> dict[str, int]:
        """Wait until so many were *accepted* and none is in flight, see that the accounts balance; give outcomes."""

        async def check() -> dict[str, int]:
            stats = await self.stats()
            assert stats["in_flight"] == 0, stats
            assert stats["accepted"] >= accepted, stats
            assert stats["accepted"] == sum(stats["outcomes"].values()), stats
            return outcomes(stats)

        return await serve.eventually(check)


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    """Runs Tocsin on one file."""

    @asynccontextmanager
    async def run(sources: Mapping[str, Any]) -> AsyncIterator[Receiver]:
        # JSON is YAML too.
        async with serve.tocsin(tmp_path, json.dumps({"sources": dict(sources)}), {}) as tocsin:
            await tocsin.start()
            yield Receiver(tocsin)

    return run


@contextmanager
def running(server: S) -> Iterator[S]:
    """Run a real server; what it wrote is in the output of a test that fails."""
    try:
        yield server.start()
    finally:
        server.kill9()
        print(f"---- {type(server).__name__}\n{server.log_tail()}")
