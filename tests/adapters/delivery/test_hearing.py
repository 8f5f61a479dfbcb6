"""What counts as a person's doing, and what is only our own echo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.delivery.hearing import SKEW, Owner, Owners, differences, hear, set_right
from adapters.delivery.state import TicketRecord
from domain.incident import Note, TicketRef
from domain.priority import Priority
from domain.ticket import Comment, NewsKind, ObservedTicket, TicketSeen, TicketState
from tests.builders import NOON, SECOND
from tests.contracts.tickets import a_ticket

LATEST = Owners()
LATER = NOON + 60 * SECOND


def known(state: TicketState = TicketState.OPEN, **changes: object) -> TicketRecord:
    ticket = a_ticket("a1", state=state)
    record = TicketRecord(ticket, "alerts.0", ObservedTicket(TicketRef("7"), 1, state, NOON))
    return replace(record, **changes)


def seen(**changes: object) -> TicketSeen:
    return replace(TicketSeen("7", LATER, "alice"), **changes)


@given(st.sampled_from(TicketState), st.integers(0, 100))
def test_what_we_wrote_is_no_news(state: TicketState, later: int) -> None:
    """However often and late it comes back."""
    record = known(state)
    for _ in range(2):
        record, news = hear(record, seen(state=state, at=NOON + later * SECOND), LATEST)
        assert not news

    assert record.observed is not None
    assert record.observed.state is state


@given(st.sampled_from(TicketState), st.sampled_from(TicketState))
def test_news_are_told_once(written: TicketState, shown: TicketState) -> None:
    """The same callback again, or a poll after it, tells nothing new."""
    record, first = hear(known(written), seen(state=shown), LATEST)
    record, second = hear(record, seen(state=shown), LATEST)

    assert len(first) <= 1
    assert not second


@pytest.mark.parametrize(
    ("written", "shown", "kind"),
    [
        (TicketState.OPEN, TicketState.ACKNOWLEDGED, NewsKind.ACKNOWLEDGED),
        (TicketState.OPEN, TicketState.IN_PROGRESS, NewsKind.IN_PROGRESS),
        (TicketState.IN_PROGRESS, TicketState.ON_HOLD, NewsKind.ON_HOLD),
        (TicketState.OPEN, TicketState.RESOLVED, NewsKind.RESOLVED),
        (TicketState.RESOLVED, TicketState.CLOSED, NewsKind.CLOSED),
        (TicketState.RESOLVED, TicketState.OPEN, NewsKind.REOPENED),
        (TicketState.IN_PROGRESS, TicketState.OPEN, None),
        (TicketState.ON_HOLD, TicketState.OPEN, None),
    ],
)
def test_a_change_of_state(written: TicketState, shown: TicketState, kind: NewsKind | None) -> None:
    _, news = hear(known(written), seen(state=shown), LATEST)

    assert [one.kind for one in news] == ([kind] if kind else [])


def test_a_hold_ends_where_one_was_seen() -> None:
    record, _ = hear(known(), seen(state=TicketState.ON_HOLD), LATEST)
    _, news = hear(record, seen(state=TicketState.OPEN, at=LATER + SECOND), LATEST)

    assert [one.kind for one in news] == [NewsKind.IN_PROGRESS]


def test_a_person_is_heard_while_a_write_of_ours_is_under_way() -> None:
    """Unless it may be that write itself; then it is heard once that has ended."""
    busy = known(calling=LATER)
    after, news = hear(busy, seen(state=TicketState.RESOLVED), LATEST)
    unsure, nothing = hear(busy, seen(state=TicketState.ACKNOWLEDGED), LATEST)
    _, later = hear(replace(unsure, calling=None), seen(state=TicketState.ACKNOWLEDGED), LATEST)

    assert [one.kind for one in news] == [NewsKind.RESOLVED]
    assert after.yields == busy.desired.version
    assert nothing == []
    assert [one.kind for one in later] == [NewsKind.ACKNOWLEDGED]


def test_what_is_older_than_our_last_write_is_old_news() -> None:
    old = seen(state=TicketState.RESOLVED, at=NOON - SKEW - 1)

    assert hear(known(), old, LATEST) == (known(), [])


def test_what_comes_out_of_order_is_old_news() -> None:
    record, _ = hear(known(), seen(state=TicketState.RESOLVED), LATEST)
    after, news = hear(record, seen(state=TicketState.ACKNOWLEDGED, at=LATER - 1), LATEST)

    assert (after, news) == (record, [])


def test_a_state_that_tocsin_owns_is_set_right_again_without_news() -> None:
    record, news = hear(known(), seen(state=TicketState.RESOLVED), Owners(state=Owner.TOCSIN))

    assert not news
    assert record.observed is not None
    assert record.observed.state is TicketState.RESOLVED
    assert not record.yields


def test_a_state_left_to_people_yields_until_the_incident_changes() -> None:
    record, _ = hear(known(), seen(state=TicketState.RESOLVED), LATEST)

    assert record.yields == record.desired.version


def test_a_comment_is_told_once_and_ours_never() -> None:
    ours, theirs = Comment("1", "tocsin", "P1 now", LATER), Comment("2", "alice", "on it", LATER)
    record = known()
    record = replace(record, desired=replace(record.desired, notes=(Note("1", "P1 now"),)))
    record, news = hear(record, seen(comments=(ours, theirs)), LATEST)
    _, again = hear(record, seen(comments=(ours, theirs), at=LATER + 1), LATEST)

    assert [(one.kind, one.detail, one.actor) for one in news] == [(NewsKind.COMMENTED, "on it", "alice")]
    assert not again


def test_a_priority_is_set_right_or_kept_as_its_owner_says() -> None:
    shown = seen(priority=Priority.P5)
    strict, told = hear(known(), shown, LATEST)
    lenient, _ = hear(known(), shown, Owners(priority=Owner.LATEST))

    assert [one.kind for one in told] == [NewsKind.PRIORITY]
    assert strict.observed is not None
    assert strict.observed.version == 0, "it is written anew"
    assert lenient.pinned is Priority.P5


def test_a_merged_ticket_lives_on_in_the_other() -> None:
    record, news = hear(known(), seen(merged_into="9"), LATEST)

    assert record.observed is not None
    assert record.observed.ref.id == "9"
    assert [one.kind for one in news] == [NewsKind.MERGED]


def test_a_deleted_ticket_is_parked_not_made_again() -> None:
    record, news = hear(known(), seen(is_deleted=True), LATEST)
    again, silent = hear(record, seen(is_deleted=True), LATEST)

    assert "deleted in the tool by alice" in record.parked
    assert [one.kind for one in news] == [NewsKind.DELETED]
    assert (again, silent) == (record, [])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, []),
        ({"title": "checkout is down", "state": TicketState.ACKNOWLEDGED, "priority": Priority.P2}, []),
        ({"title": "checkout  is down "}, []),
        ({"title": "checkout is…"}, []),
        ({"title": "lunch"}, ["title"]),
        ({"title": "checkout"}, ["title"]),
        ({"state": TicketState.CLOSED}, ["state"]),
        ({"priority": Priority.P4}, ["priority"]),
        ({"merged_into": "9"}, ["merged"]),
        ({"is_deleted": True, "title": "lunch"}, ["deleted"]),
    ],
)
def test_what_differs_is_named(changes: dict[str, object], what: list[str]) -> None:
    assert differences(known(), seen(**changes), LATEST) == what


def test_a_title_that_differs_is_written_anew() -> None:
    right = set_right(known(), seen(title="lunch"), LATEST)

    assert right.observed is not None
    assert right.observed.version == 0
    assert set_right(known(), seen(), LATEST) == known()


def test_a_priority_that_the_tool_cannot_tell_apart_is_no_news() -> None:
    coarse = Owners(reads_as={Priority.P2: Priority.P1})
    shown = seen(priority=Priority.P1)

    assert hear(known(), shown, coarse)[1] == []
    assert differences(known(), shown, coarse) == []
