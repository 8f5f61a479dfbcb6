"""Characters, numbers and moments: kept exactly, or refused in words."""

import json

import pytest

from ingest.sources.body import BadBody, load
from ingest.sources.moments import parse_moment
from ingest.sources.node import Node
from tests.ingest.messages import NOW

HUGE = 123456789012345678901234567890


def test_half_a_character_is_mended_wherever_it_is():
    document = load(rb'{"\ud800": ["\udfff", {"a": ["\uD83D\uDE00", "\ud83d"]}], "b": "\udc00"}')
    assert document == {"�": ["�", {"a": ["😀", "�"]}], "b": "�"}
    assert load(rb'"\ud800"') == "�"


def test_an_integer_keeps_all_its_digits():
    assert Node(load(json.dumps([HUGE]).encode()))[0].text() == str(HUGE)


@pytest.mark.parametrize(
    "given", ["9" * 400, 10**400, 1e300, float("inf"), "9999-12-31T23:59:59-12:00", "1e999"]
)
def test_a_number_that_is_no_moment_is_refused_in_words(given):
    with pytest.raises(ValueError, match=r".+"):
        parse_moment(given)
    with pytest.raises(BadBody):
        Node(given).moment()


def test_moments_at_the_edges():
    assert parse_moment("0001-01-01T00:00:00+14:00") is None
    assert parse_moment(NOW * 1_000_000) == NOW
    assert parse_moment("9999-12-31T23:59:59.999Z") == 253_402_300_799_999
