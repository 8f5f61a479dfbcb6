"""The embedded broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from domain.ports import Broker
from tests.contracts.broker import BrokerContract, MakeBroker


class TestSqliteBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, tmp_path: Path) -> AsyncIterator[MakeBroker]:
        async with AsyncExitStack() as stack:

            async def make() -> Broker:
                database = await Database.open(tmp_path / "tocsin.db")
                stack.push_async_callback(database.close)
                return SqliteBroker(database)

            yield make
