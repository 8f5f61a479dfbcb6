"""The embedded store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from domain.ports import StateStore
from tests.contracts.store import MakeStore, StoreContract


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def make_store(self, tmp_path: Path) -> AsyncIterator[MakeStore]:
        async with AsyncExitStack() as stack:

            async def make() -> StateStore:
                database = await Database.open(tmp_path / "tocsin.db")
                stack.push_async_callback(database.close)
                return SqliteStore(database)

            yield make
