"""No body takes a parser out of proportion: eight times as much takes about eight times as long."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import process_time
from typing import Any

import pytest

from ingest.sources import TOOLS
from ingest.sources.body import BadBody
from ingest.sources.post import Post
from tests.ingest.messages import EVERY, NOW, parser_of
from tests.ingest.test_fuzz_sources import is_json

SIZE = 40_000
TIMES = 8
AT_MOST = 24.0
"""Thrice what is in proportion; what is quadratic takes 64 times as long."""
FLOOR = 0.25
"""Seconds below which nothing is judged."""
RUNS = 4

BAIT = [" ", "[a] ", "{", "${A} ", "(was: a) ", "k=v,", "labels {a="]


def every_text(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: every_text(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [every_text(part, text) for part in value]
    return text if isinstance(value, str) else value


def texts(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, str) + sum(map(texts, parts))


def baited(document: Any, piece: str, size: int) -> Any:
    """Make one text after the other long; all at once a first one would be refused, and the rest not read."""
    return every_text(document, piece * (size // len(piece) // max(1, texts(document))))


def wide(document: Any, _: str, size: int) -> Any:
    """Give each object many members, and each list many parts."""
    if isinstance(document, dict):
        more = {f"k{n}": "v" for n in range(size // 12)} if document else {}
        return {**document, **more}
    return document * (size // max(1, len(json.dumps(document)))) if isinstance(document, list) else document


def wide_within(document: Any, _: str, size: int) -> Any:
    """Do so one level down."""
    if not isinstance(document, dict):
        return document
    parts = max(1, sum(isinstance(part, dict | list) for part in document.values()))
    return {key: wide(part, "", size // parts) for key, part in document.items()}


def took(kind: str, post: Post, body: bytes) -> float:
    parse = parser_of(kind)
    posted = replace(post, body=body)
    before = process_time()
    with suppress(BadBody):
        parse(posted)
    return process_time() - before


def in_proportion(kind: str, post: Post, make: Callable[[int], bytes]) -> bool:
    """Measure more than once only where there is something to measure."""
    large = make(SIZE * TIMES)
    if took(kind, post, large) < FLOOR:
        return True
    small = make(SIZE)
    slow = min(took(kind, post, large) for _ in range(RUNS))
    return slow < FLOOR or slow < AT_MOST * max(min(took(kind, post, small) for _ in range(RUNS)), FLOOR / 50)


def first_post(kind: str) -> Post:
    return next(each.post() for each in EVERY if each.type == kind)


def unfit(kind: str) -> list[str]:
    post = first_post(kind)
    document = json.loads(post.body) if is_json(post.body) else None

    def made(piece: str, size: int) -> bytes:
        if document is None:
            return (piece * (size // len(piece))).encode()
        return json.dumps(baited(document, piece, size)).encode()

    return [piece for piece in BAIT if not in_proportion(kind, post, partial(made, piece))]


@pytest.mark.parametrize("kind", sorted(TOOLS))
def test_bait(kind):
    assert unfit(kind) == []


@pytest.mark.parametrize("kind", sorted(TOOLS))
@pytest.mark.parametrize("shape", [wide, wide_within], ids=lambda shape: shape.__name__)
def test_many_members(kind, shape):
    post = first_post(kind)
    if is_json(post.body):
        document = json.loads(post.body)
        assert in_proportion(kind, post, lambda size: json.dumps(shape(document, "", size)).encode())


@pytest.mark.parametrize("kind", sorted(TOOLS))
@pytest.mark.parametrize("piece", ['{"a":[', "a=b&"])
def test_nesting(kind, piece):
    post = replace(first_post(kind), received_at=NOW)
    assert in_proportion(kind, post, lambda size: piece.encode() * (size // len(piece)))


def test_what_is_quadratic_is_noticed(monkeypatch):
    """The test is a test."""

    def quadratic(post: Post) -> None:
        text = post.body.decode()
        while text:
            text = text[20:]

    monkeypatch.setattr("tests.ingest.test_linear_sources.parser_of", lambda _: quadratic)
    assert not in_proportion("grafana", first_post("grafana"), lambda size: b"a" * size * 10)
