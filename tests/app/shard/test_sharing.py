"""How shards are shared among processes."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.shard.sharing import shared

PROCESSES = st.lists(
    st.text("0123456789abcdef", min_size=12, max_size=12), min_size=1, max_size=8, unique=True
)
SHARDS = st.integers(0, 40).map(lambda count: [f"alerts.{n}" for n in range(count)])


@given(PROCESSES, SHARDS)
def test_every_shard_has_an_owner_and_none_has_much_more_than_another(
    processes: list[str], shards: list[str]
) -> None:
    """Each shard is somebody's, and no two processes differ by more than one."""
    owners = shared(processes, shards)
    held = Counter(dict.fromkeys(processes, 0))
    held.update(owners.values())

    assert sorted(owners) == sorted(shards)
    assert held.keys() == set(processes)
    assert max(held.values()) - min(held.values()) <= 1


@given(PROCESSES, SHARDS, st.randoms())
def test_all_come_to_the_same_result(processes: list[str], shards: list[str], random: Random) -> None:
    """The order in which somebody learned of the processes and shards does not matter."""
    expected = shared(processes, shards)
    random.shuffle(processes)
    random.shuffle(shards)

    assert shared(processes, shards) == expected


@given(PROCESSES)
def test_one_shard_stays_when_another_process_goes(processes: list[str]) -> None:
    """With one shard only the end of its own process moves it."""
    owner = shared(processes, ["tickets.noc"])["tickets.noc"]

    for other in set(processes) - {owner}:
        assert shared([each for each in processes if each != other], ["tickets.noc"])["tickets.noc"] == owner
