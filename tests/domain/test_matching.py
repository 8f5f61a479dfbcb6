"""The matcher language, and rules found by what they ask for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.matching import BadMatcher, Match, Matcher, parse_matchers, texts_of
from domain.rule_index import RuleIndex

CART = {"service": "cart", "severity": "high", "pod": "cart-7"}


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"service": "cart"}, True),
        ({"service": ["cart", "search"], "severity": "high"}, True),
        ({"service": "search"}, False),
        ('service="cart"', True),
        ("service=cart", True),
        ("service = cart , severity = high", True),
        ('{service="cart",severity!="low"}', True),
        (["service=cart", "severity=low"], False),
        ('pod=~"cart-[0-9]+"', True),
        ('pod=~"cart"', False),
        ('pod!~"search.*"', True),
        ('pod!~"cart.*"', False),
        ('team=""', True),
        ('team!=""', False),
        ('"service"="cart"', True),
        ('service=~"cart|search"', True),
    ],
)
def test_what_fits(match: Match, fits: bool) -> None:
    """Values are compared whole, patterns cover the whole value, and a missing label is empty."""
    assert Matcher.of(match).matches(CART) is fits
    assert (Matcher.of(match).miss(CART) is None) is fits


def test_quotes_hold_anything() -> None:
    (condition,) = parse_matchers(r'summary="a \"b\", c = d\\e"')

    assert condition.allowed == {'a "b", c = d\\e'}


@pytest.mark.parametrize("text", ["cart", "=cart", 'service="cart', 'a=~"("', 'a=~"(?=b)"', "a b=c"])
def test_what_is_no_matcher_is_told(text: str) -> None:
    with pytest.raises(BadMatcher, match="is not a"):
        list(parse_matchers(text))


def test_a_nasty_pattern_takes_no_longer() -> None:
    """The engine is linear: nothing that comes in can hold the service up."""
    matcher = Matcher.of('summary=~"(a+)+b"')
    begun = time.perf_counter()
    matcher.matches({"summary": "a" * 100_000})

    assert time.perf_counter() - begun < 2


NAMES = st.sampled_from(("service", "severity", "team"))
VALUES = st.sampled_from(("", "a", "b", "c"))
MATCHES = st.one_of(
    st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=3)), max_size=3),
    st.lists(
        st.builds(
            '{}{}"{}"'.format, NAMES, st.sampled_from(("=", "!=", "=~", "!~")), st.sampled_from(("a", "a|b"))
        ),
        max_size=2,
    ),
)


@given(st.lists(MATCHES, max_size=30), st.dictionaries(NAMES, VALUES))
def test_an_index_finds_what_trying_each_finds(matches: list[Match], values: dict[str, str]) -> None:
    """In the same order."""
    rules = [(Matcher.of(match), place) for place, match in enumerate(matches)]
    index = RuleIndex(rules)

    assert list(index.applying(values)) == [n for matcher, n in rules if matcher.matches(values)]


def test_many_rules_cost_little_more_than_few() -> None:
    """Only those are tried that ask for what is there."""
    tried = []

    class Spy(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            tried.append(name)
            return super().get(name, default)

    index = RuleIndex([(Matcher.of({"service": f"s{n}"}), n) for n in range(10_000)])

    assert index.first(Spy(service="s9999")) == 9999
    assert len(tried) == 2


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3), st.lists(st.text(max_size=4), min_size=1, max_size=3), max_size=3
    ),
    st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=4), max_size=3),
)
def test_a_mapping_means_the_same_when_written_as_texts(
    match: dict[str, list[str]], found: dict[str, str]
) -> None:
    """Whatever labels and values are made of."""
    written = Matcher.of(texts_of(match))

    hit = {name: allowed[0] for name, allowed in match.items()}
    for values in (found, {**found, **hit}):
        assert written.matches(values) is Matcher.of(match).matches(values)
