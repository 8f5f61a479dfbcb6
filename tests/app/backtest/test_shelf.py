"""Records that do not fit into memory are the same ones when they come back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.backtest.shelf import Shelf
from app.rehearsal.timers import Timers
from domain.alert import Sightings

NAMES = [f"seen:{number}" for number in range(12)]
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.integers(1, 9)))


@given(CHANGES)
def test_it_is_a_mapping_like_any(changes: list[tuple[str, int | None]]) -> None:
    shelf = Shelf({"seen": Sightings}, most=4)
    plain: dict[str, Sightings] = {}

    for name, count in changes:
        if count is None:
            shelf.pop(name, None)
            plain.pop(name, None)
        else:
            shelf[name] = plain[name] = Sightings(count, 0)
        assert shelf.get(name) == plain.get(name)

    assert dict(shelf) == plain
    assert len(shelf) == len(plain)
    assert [shelf.get(name) for name in NAMES] == [plain.get(name) for name in NAMES]


def test_no_more_is_in_memory_than_was_allowed() -> None:
    shelf = Shelf({"seen": Sightings}, most=100)
    for number in range(1_000):
        shelf[f"seen:{number}"] = Sightings(number, 0)

    assert len(shelf._near) <= 100
    assert shelf.get("seen:0") == Sightings(0, 0)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.integers(0, 20))), st.integers(0, 20))
def test_timers_come_in_the_order_they_are_due(changes: list[tuple[str, int | None]], until: int) -> None:
    timers = Timers()
    armed: dict[str, int | None] = {}
    for name, due in changes:
        timers.arm({name: due})
        armed[name] = due

    wanted = sorted((due, name) for name, due in armed.items() if due is not None)
    assert timers.next_due() == (wanted[0][0] if wanted else None)
    assert len(timers) == len(wanted)
    assert [(each.due, each.id) for each in timers.due(until, 100)] == [
        (due, name) for due, name in wanted if due <= until
    ]
