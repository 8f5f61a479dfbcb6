"""What the walk through the routes tells people is where it really goes."""

from hypothesis import given
from hypothesis import strategies as st

from domain.matching import Matcher
from routing.routes import Stop, visits, walk
from routing.rules import Route, index_of

fields = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"))
names = st.lists(st.sampled_from(["noc", "desk", "pager"]), max_size=2, unique=True).map(tuple)


def levels(below: st.SearchStrategy[tuple[Route, ...]]) -> st.SearchStrategy[tuple[Route, ...]]:
    matchers = fields.map(Matcher.of)
    route = st.builds(Route, st.sampled_from("rstu"), names, matchers, st.booleans(), below)
    return st.lists(route, max_size=3).map(tuple)


trees = st.recursive(st.just(()), levels, max_leaves=8)


@given(trees, fields)
def test_visits_end_where_the_walk_ends(routes: tuple[Route, ...], values: dict[str, str]) -> None:
    seen = list(visits(routes, values))

    assert [Stop(each.route, each.destinations) for each in seen if each.decides] == list(
        walk(index_of(routes), values)
    )
    assert all(each.miss is None for each in seen if each.decides)
