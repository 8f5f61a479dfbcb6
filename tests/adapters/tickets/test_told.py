"""Our own shape of a callback: what is taken for it, and what is not."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from adapters.tickets.moments import moment
from adapters.tickets.told import told
from domain.errors import CallbackRefused
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import TicketSeen, TicketState

SECRET = SecretStr("s3cret")
STATES = {"6": TicketState.RESOLVED}
PRIORITIES = {"1": Priority.P1}


def call(body: str, secret: str = "s3cret") -> Callback:
    return Callback(body.encode(), 1_704_067_200_000, {"x-tocsin-secret": secret})


def seen(body: str) -> TicketSeen:
    posted = call(body)
    return told(posted, SECRET).seen(posted, STATES, PRIORITIES)


def test_all_of_it_is_read() -> None:
    body = (
        '{"id": "a", "state": 6, "priority": "1", "assignee": "bob", "actor": "alice", "comment": "looking",'
        ' "comment_id": 7, "updated_at": "2024-01-01 00:00:01", "merged_into": "b", "deleted": false}'
    )
    got = seen(body)

    assert (got.id, got.state, got.priority, got.assignee) == ("a", TicketState.RESOLVED, Priority.P1, "bob")
    assert (got.at, got.actor, got.merged_into) == (1_704_067_201_000, "alice", "b")
    assert [(one.id, one.author, one.text) for one in got.comments] == [("7", "alice", "looking")]


def test_an_id_is_enough() -> None:
    assert seen('{"id": 5}') == TicketSeen("5", 1_704_067_200_000)


def test_a_comment_without_an_id_is_named_by_what_it_says() -> None:
    ids = [seen(f'{{"id": 5, "comment": "{text}"}}').comments[0].id for text in ("a", "a", "b")]

    assert ids[0] == ids[1] != ids[2]


def test_line_breaks_that_a_template_left_in_a_text_are_forgiven() -> None:
    assert seen('{"id": 5, "comment": "a\nb"}').comments[0].text == "a\nb"


@pytest.mark.parametrize(
    "body",
    [
        '{"id": ""}',
        '{"id": 5, "more": 1}',
        '{"id": 5, "state": [1]}',
        '{"id": 5, "updated_at": "yesterday"}',
        '{"id": 5, "comment": "\\ud800"}',
        '{"id": NaN}',
    ],
)
def test_another_shape_is_refused(body: str) -> None:
    with pytest.raises(CallbackRefused):
        seen(body)


def test_without_a_secret_nothing_is_taken_and_the_message_says_what_to_set() -> None:
    with pytest.raises(CallbackRefused, match="callback_secret"):
        told(call('{"id": 5}'), None)


def test_another_secret_is_a_forgery() -> None:
    with pytest.raises(CallbackRefused) as caught:
        told(call('{"id": 5}', "guess"), SECRET)

    assert caught.value.is_forged


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert moment("2024-01-01 00:00:00") == moment("2024-01-01T02:00:00+02:00") == 1_704_067_200_000
