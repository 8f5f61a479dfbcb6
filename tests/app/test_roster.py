"""What a process makes of the list of those who are there."""

from __future__ import annotations

from pathlib import Path

from adapters.brokers.sqlite import SqliteBroker
from adapters.sqlite import Database
from adapters.stores.sqlite import SqliteStore
from app.roster import Roster
from app.shard.effects import NoEffects
from app.shard.loop import Ports, Shard
from app.shard.sharing import shared
from correlation.handler import CorrelationHandler
from correlation.rules import CorrelationRules
from domain.errors import StoreUnavailable
from domain.times import Millis
from routing.router import IncidentRouter
from tests.builders import NOON, routing_rules

NAMES = ["alerts.0", "alerts.1"]


class Present:
    """A list of processes, or a store that is away."""

    def __init__(self, *others: str) -> None:
        self.others = list(others)
        self.is_away = False
        self.said: list[Millis] = []

    async def announce(self, _group: str, process: str, holds: Millis) -> list[str]:
        """List all."""
        if self.is_away:
            raise StoreUnavailable("away")
        self.said.append(holds)
        return sorted([*self.others, process])


class Told(Shard):
    """A shard that notes what it is told."""

    ours = True

    def entrust(self, *, ours: bool) -> None:
        """Note it."""
        self.ours = ours


async def test_shards_are_told_whose_they_are(tmp_path: Path) -> None:
    """Alone a process has all, with another its part; while the store is away, what was known stays."""
    database = await Database.open(tmp_path / "tocsin.db")
    broker = SqliteBroker(database)
    ports = Ports(broker, SqliteStore(database), lambda: NOON)
    handler = CorrelationHandler("alerts.0", CorrelationRules(), IncidentRouter(routing_rules()))
    shards = [Told(name, handler, NoEffects(), ports) for name in NAMES]
    present = Present()
    roster = Roster(present, broker, "correlate", "a", shards)

    await roster.look()
    assert [shard.ours for shard in shards] == [True, True]
    present.others = ["b"]
    await roster.look()
    mine = [shared(["a", "b"], NAMES)[name] == "a" for name in NAMES]
    assert [shard.ours for shard in shards] == mine != [True, True]
    present.others, present.is_away = [], True
    await roster.look()
    assert [shard.ours for shard in shards] == mine
    present.is_away = False
    await roster.leave()
    assert present.said[-1] == 0
    await database.close()
