"""The window of what was taken."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.auth import Once, ReplayWindow


def test_remembers_until_it_does_not_matter():
    window = ReplayWindow()
    once = Once(b"a", 100)
    assert not window.holds(once, 0)
    window.remember(once, 0)
    assert window.holds(once, 100)
    assert not window.holds(once, 101)
    window.remember(Once(b"b", 300), 101)
    assert len(window) == 1


def test_can_be_prolonged():
    window = ReplayWindow()
    window.remember(Once(b"a", 100), 0)
    window.remember(Once(b"a", 200), 50)
    window.remember(Once(b"b", 300), 150)
    assert window.holds(Once(b"a", 0), 180)


def test_is_bounded():
    window = ReplayWindow(most=3)
    for number in range(10):
        window.remember(Once(bytes([number]), 1000 + number), 0)
    assert len(window) == 3
    assert window.holds(Once(b"\x09", 0), 0)
    assert not window.holds(Once(b"\x00", 0), 0)


@given(st.lists(st.tuples(st.binary(max_size=1), st.integers(0, 50), st.integers(0, 50)), max_size=60))
def test_like_a_dictionary(steps):
    """Unless it is full, it knows exactly what matters; and it never holds more than it may."""
    window, model, now = ReplayWindow(most=40), dict[bytes, int](), 0
    for key, ahead, passed in steps:
        now += passed
        window.remember(Once(key, now + ahead), now)
        model[key] = max(model.get(key, 0), now + ahead)
        assert len(window) <= 40
        if len(model) < 20:
            assert all(window.holds(Once(each, 0), now) == (until >= now) for each, until in model.items())
