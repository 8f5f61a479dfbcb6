"""Whatever comes, a parser gives what it found or BadBody: no other exception, and nothing that will not do."""

from __future__ import annotations

import json
from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import AlertState
from domain.events import AlertsReceived, encode
from ingest.sources.body import BadBody
from ingest.sources.post import Parser, Post
from tests.ingest.messages import MESSAGES, NOW, TYPES, parser_of

POSTS = {kind: [message.post() for message in MESSAGES if message.type == kind] for kind in TYPES}
ODD = st.sampled_from(
    [
        "",
        " ",
        "0",
        "-1",
        "None",
        "$X",
        "%x",
        "{X}",
        "{{x}}",
        "ä\0",
        "9" * 400,
        "2024-13-41T99:99:99Z",
        "1e999",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | ODD
JSON = st.recursive(
    SCALARS | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
CONTENT_TYPES = st.sampled_from(
    [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain; charset=klingon",
        "application/cloudevents+json",
    ]
)
LONG = 100_000


def in_order(parse: Parser, post: Post) -> None:
    """Hold what is found to what all alerts must be."""
    try:
        parsed = parse(post)
    except BadBody:
        return
    assert parsed.alerts or parsed.changes or parsed.faults or parsed.nothing
    for alert in parsed.alerts:
        assert alert.fingerprint
        assert alert.name
        assert alert.starts_at <= NOW
        assert alert.ends_at is None or alert.state is AlertState.RESOLVED
    encode([AlertsReceived("1", NOW, list(parsed.alerts))])


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document, the whole first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = put(copy[path[0]], path[1:], value)
    return copy


def drop(document: Any, path: tuple[str | int, ...]) -> Any:
    copy = document.copy()
    if len(path) > 1:
        copy[path[0]] = drop(copy[path[0]], path[1:])
    else:
        del copy[path[0]]
    return copy


def mutated_document(draw: st.DrawFn, body: bytes) -> bytes:
    document = json.loads(body)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(document)))
        gone: bool = bool(path) and draw(st.booleans())
        document = drop(document, path) if gone else put(document, path, draw(JSON))
    return json.dumps(document).encode()


def mutated_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    start, end = sorted([draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))])
    return body[:start] + draw(st.binary(max_size=8)) + body[end:]


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@st.composite
def posts(draw: st.DrawFn, kind: str) -> Post:
    """A fixture that something happened to."""
    post = draw(st.sampled_from(POSTS[kind]))
    change = mutated_document if is_json(post.body) and draw(st.booleans()) else mutated_bytes
    headers = post.headers if draw(st.booleans()) else {"content-type": draw(CONTENT_TYPES)}
    return replace(post, body=change(draw, post.body), headers=headers)


def foreign_posts(kind: str) -> st.SearchStrategy[Post]:
    """Anything at all."""
    return st.builds(
        Post,
        body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
        received_at=st.just(NOW),
        source=st.just(kind),
        headers=CONTENT_TYPES.map(lambda name: {"content-type": name}),
        query=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
        method=st.sampled_from(["POST", "GET", "PUT"]),
        path=st.text(max_size=8),
    )


def grown(value: Any) -> Any:
    """Make every text long, by repeating it: what backtracks shows."""
    if isinstance(value, dict):
        return {key: grown(part) for key, part in value.items()}
    if isinstance(value, list):
        return [grown(part) for part in value]
    return (value * (LONG // len(value) + 1))[:LONG] if isinstance(value, str) and value else value


@pytest.mark.parametrize("kind", TYPES)
@settings(derandomize=True)  # make fuzz goes on with others
@given(data=st.data())
def test_a_mutated_body(kind, data):
    in_order(parser_of(kind), data.draw(posts(kind)))


@pytest.mark.parametrize("kind", TYPES)
@settings(derandomize=True)  # make fuzz goes on with others
@given(data=st.data())
def test_any_body(kind, data):
    in_order(parser_of(kind), data.draw(foreign_posts(kind)))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b"[" * 100_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"=&=&a=%ff%fe&a=b",
        b"\xff\xfe\x00",
        b'{"a": NaN}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_hostile_body(kind, body):
    parse = parser_of(kind)
    for name in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        in_order(parse, Post(body, NOW, kind, {"content-type": name}))


@pytest.mark.parametrize("kind", TYPES)
def test_long_texts_take_their_time_and_no_more(kind):
    parse = parser_of(kind)
    for post in POSTS[kind]:
        body = json.dumps(grown(json.loads(post.body))).encode() if is_json(post.body) else post.body * 500
        before = process_time()
        in_order(parse, replace(post, body=body))
        took = process_time() - before
        assert took < 1 + len(body) / 1e6, f"{took:.1f} s for {len(body)} bytes"
