"""Keys sent as they are."""

import pytest

from ingest.auth import Result
from ingest.auth.keys import HeaderKey, QueryKey
from tests.ingest.auth.showing import show


@pytest.mark.parametrize(
    ("given", "result"),
    [("old", "accepted"), ("new", "accepted"), ("New", "wrong"), ("", "no_credentials"), ("\udcff", "wrong")],
)
def test_in_header_or_query(given, result):
    """Several at once; case counts."""
    assert HeaderKey(["old", "new"], "X-Api-Key").check(show({"x-API-key": given})).result == result
    assert QueryKey(["old", "new"], "k").check(show(query={"k": given})).result == result


def test_without_any():
    assert HeaderKey(["a"], "X-Api-Key").check(show()).result is Result.NO_CREDENTIALS
    assert QueryKey(["a"], "k").check(show(query={"K": "a"})).result is Result.NO_CREDENTIALS
