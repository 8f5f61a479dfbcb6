"""The shelf for what could not be understood."""

import dataclasses

from correlation.handler import CorrelationHandler
from correlation.quarantine import QUARANTINED, SHELF
from correlation.rules import DAY, CorrelationRules, QuarantineRule
from domain.events import Quarantined, QuarantineSettled
from routing.router import IncidentRouter
from tests.builders import NOON, routing_rules
from tests.core import Core


def core(**bounds: int) -> Core:
    """A shard with these bounds."""
    rules = dataclasses.replace(CorrelationRules(), quarantine=QuarantineRule(**bounds))
    return Core(CorrelationHandler("alerts.0", rules, IncidentRouter(routing_rules())))


def bad(id_: str, at: int = NOON, body: bytes = b"{") -> Quarantined:
    """A request that could not be understood."""
    return Quarantined(id_, at, "prom", "not JSON", "", body)


def kept(shard: Core) -> list[str]:
    """The ids of what is kept; every trace of it must agree."""
    records = [each.id for each in shard.all(Quarantined)]
    assert sorted(member for index, member in shard.index if index == QUARANTINED) == records
    assert sorted(name for name in shard.logs if name.startswith("quarantined:")) == [
        f"quarantined:{id_}" for id_ in records
    ]
    return records


def test_a_request_is_kept_once_with_its_body_apart() -> None:
    """A request filed twice is there once, and its record is small."""
    shard = core()
    shard.tell(bad("a", body=b"x" * 1000))
    shard.tell(bad("b"))
    shard.tell(bad("b"))

    assert kept(shard) == ["a", "b"]
    assert shard.get("quarantined:a").body == b""
    assert len(shard.logs["quarantined:b"]) == 1


def test_the_oldest_goes_when_there_are_too_many() -> None:
    """Of three in one batch with room for two, the first leaves nothing behind."""
    shard = core(max_count=2)
    shard.tell(bad("a"), bad("b"), bad("c"))

    assert kept(shard) == ["b", "c"]
    assert shard.counters["quarantine_expired"] == 1


def test_the_oldest_goes_when_they_take_up_too_much() -> None:
    """Bodies count by their size; one that fits nowhere is not kept, and keeps no other out."""
    shard = core(max_size=100)
    shard.tell(bad("a", body=b"x" * 50))
    shard.tell(bad("b", body=b"x" * 60))
    assert kept(shard) == ["b"]

    shard.tell(bad("c", body=b"x" * 500))
    assert kept(shard) == []
    shard.tell(bad("d"))
    assert kept(shard) == ["d"]


def test_the_old_goes_by_itself() -> None:
    """Each is let go of when its own time is up, without anything else happening."""
    shard = core(max_age=DAY)
    shard.tell(bad("a"))
    shard.tell(bad("b", NOON + 1000))
    shard.pass_time(NOON + DAY)
    assert kept(shard) == ["b"]

    shard.pass_time(NOON + DAY + 1000)
    assert kept(shard) == []
    assert SHELF not in shard.timers


def test_what_is_settled_is_gone_and_settled_twice_is_the_same() -> None:
    """Replays and drops are counted once each."""
    shard = core()
    shard.tell(bad("a"), bad("b"))
    for _ in range(2):
        shard.tell(QuarantineSettled("a", NOON, 3), QuarantineSettled("b", NOON))

    assert kept(shard) == []
    assert (shard.counters["quarantine_replayed"], shard.counters["quarantine_dropped"]) == (1, 1)
