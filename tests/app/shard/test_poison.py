"""A poisonous item is found, put aside alone, and stops nobody."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.shard.deciding import Decider, Letter, bisect, open_message
from correlation.state import Undecided
from domain.alert import Sightings
from domain.batch import Batch
from domain.events import encode
from domain.ports import Message, Timer
from tests.builders import NOON, correlation_core, firing, received


def act(batch: Batch, item: int) -> None:
    """Count an item, unless it is poisonous: half of the change is made before it raises."""
    batch.count("seen")
    if item < 0:
        raise ZeroDivisionError(item)
    batch.count("good")


def reject(batch: Batch, item: int, error: str) -> None:
    """Note what was put aside."""
    assert "ZeroDivisionError" in error
    batch.count(f"rejected {item}")


@given(st.lists(st.integers(-3, 3)))
def test_bisect(items: list[int]) -> None:
    """All but the poisonous items take effect, and each of these is rejected alone, with nothing left of it."""
    batch = bisect(Batch({}), items, act, reject)

    good = [item for item in items if item >= 0]
    counters = {"seen": len(good), "good": len(good)} if good else {}
    for item in items:
        if item < 0:
            counters[f"rejected {item}"] = items.count(item)
    assert batch.counters == counters


def decided(items: list[Any]) -> Batch:
    """What a correlation shard makes of *items*, one of which is no item."""
    handler = correlation_core().handler
    names = handler.wanted(Batch({}), items[:1], [])
    known = dict.fromkeys([*names, "group:by-service|service=checkout"])
    decider = Decider(handler, Batch(known), careful=True)
    decider.take_letter(Letter(Message("p", 0, b"", len(items)), items, NOON), NOON)
    return decider.batch


def test_quarantined_with_its_traceback() -> None:
    """What raises is kept with the reason, and the alert beside it opens its incident."""
    (good,) = correlation_core().handler.read([received(firing())])

    batch = decided([good, "no item"])

    assert batch.counters["outcome.opened"] == 1
    (line,) = [line for log, line in batch.lines if log == "quarantine"]
    assert isinstance(line, Undecided)
    assert "no item" in line.item
    assert "AttributeError" in line.error


def test_unreadable_message_is_accounted_for() -> None:
    """A message that cannot be read counts all its alerts as quarantined."""
    handler = correlation_core().handler
    letter = open_message(Message("p", 0, b"\xc1 is no MessagePack", 7), handler)
    decider = Decider(handler, Batch({"listening:": None}), careful=False)

    decider.take_letter(letter, NOON)

    assert decider.batch.counters["outcome.quarantined"] == 7


def with_one_unreadable() -> bytes:
    """A delivery of three alerts, the second of which has a number where its name should be."""
    good, bad, also_good = (msgspec.to_builtins(firing(name)) for name in ("CPU", "disk", "load"))
    bad[4] = 7
    return msgspec.msgpack.encode([["alerts", "r", NOON, [good, bad, also_good]]])


def test_unreadable_alert_is_put_aside_alone() -> None:
    """Alerts are opened when they are decided on; one that cannot be read does not take its message along."""
    handler = correlation_core().handler
    letter = open_message(Message("p", 0, with_one_unreadable(), 3), handler)
    known = {"group:by-service|service=checkout": None}
    for _ in range(2):  # the second time everything is known that an alert needs to be looked at
        known |= dict.fromkeys(handler.wanted(Batch(known), letter.items, []))
    decider = Decider(handler, Batch(known), careful=True)

    decider.take_letter(letter, NOON)

    counters = decider.batch.counters
    assert (counters["outcome.quarantined"], counters["outcome.opened"], counters["outcome.joined"]) == (
        1,
        1,
        1,
    )
    (line,) = [line for log, line in decider.batch.lines if log == "quarantine"]
    assert isinstance(line, Undecided)
    assert "disk is bad" in line.item
    assert "ValidationError" in line.error


def test_failing_timer_is_dropped() -> None:
    """A timer whose handling raises would raise for ever, so it goes, and is counted."""
    handler = correlation_core().handler
    decider = Decider(handler, Batch({"listening:": None, "alert:odd": Sightings(1, NOON)}), careful=True)

    decider.take_timers([Timer("alert:odd", NOON)])

    assert decider.batch.timers == {"alert:odd": None}
    assert decider.batch.counters == {"timers_failed": 1}


def test_a_copy_changes_nothing() -> None:
    """A message that was handled before is passed over."""
    handler = correlation_core().handler
    message = Message("p", 3, encode([received(firing())]), 1)
    known = {"listening:": None, "inbox:p": None}
    items: list[Any] = handler.read([received(firing())])
    known |= dict.fromkeys(handler.wanted(Batch({}), items, []))
    known["group:by-service|service=checkout"] = None
    decider = Decider(handler, Batch(known), careful=False)
    letter = open_message(message, handler)

    decider.take_letter(letter, NOON)
    decider.take_letter(letter, NOON)

    assert decider.batch.counters == {"handled.p": 1, "outcome.opened": 1}
