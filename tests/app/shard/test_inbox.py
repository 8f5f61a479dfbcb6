"""Copies of messages are known as such, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.shard.inbox import WINDOW, Mark, admit


def admitted(sequences: list[int]) -> list[int]:
    """Those of *sequences* that are let in, in order."""
    mark = Mark()
    taken: list[int] = []
    for sequence in sequences:
        moved = admit(mark, sequence)
        if moved is not None:
            mark, taken = moved, [*taken, sequence]
    return taken


@given(st.integers(1, 30).flatmap(lambda n: st.permutations([*range(1, n + 1), *range(1, n + 1)])))
def test_each_once(sequences: list[int]) -> None:
    """Every message is let in exactly once, the first time it comes."""
    assert admitted(sequences) == list(dict.fromkeys(sequences))


@given(st.permutations(range(1, 40)))
def test_nothing_is_left_to_remember(sequences: list[int]) -> None:
    """Once all have come, one number says it all."""
    mark: Mark | None = None
    for sequence in sequences:
        mark = admit(mark, sequence)

    assert mark == Mark(39)


def test_a_gap_does_not_grow_for_ever() -> None:
    """A message that never comes is given up; memory stays bounded."""
    mark: Mark | None = None
    for sequence in range(2, 2 * WINDOW):
        mark = admit(mark, sequence)
        assert mark is not None
        assert len(mark.early) <= WINDOW

    assert mark == Mark(2 * WINDOW - 1)
