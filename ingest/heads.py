"""Heads of requests that ingest can answer without the application around it. Each distinct one is read once.

A sender repeats its head byte for byte, but for the length of the body. They are read by aiohttp's own parser, so
what is taken for a request here is what aiohttp would take for it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpVersion11, RawRequestMessage
from multidict import CIMultiDictProxy

from ingest.headers import Headers

LONGEST_HEAD: Final = 4096
REMEMBERED: Final = 1024
"""Heads kept: with what they say, some megabytes at most."""
PUSH_PATH: Final = "api/v2/alerts"

_INGEST = re.compile(rf"/ingest/(?P<source>\w[\w.~-]*)(?:/(?P<push>{PUSH_PATH}))?", re.ASCII)
_ANSWERED_ELSEWHERE = ("Content-Encoding", "Expect", "Transfer-Encoding", "Upgrade")


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a request before its body: a POST of alerts, as it is sent thousands of times."""

    source: str | None
    """Named in the path or the query; None where the credentials tell."""
    path: str
    """What follows the name of the source."""
    headers: CIMultiDictProxy[str]
    told: Headers
    """The same, for parsers."""
    query: Mapping[str, str]
    content_length: int


@dataclass(slots=True)  # a value all the same; frozen, it would take five times as long to make
class Whole:
    """A request that has arrived whole. It has what is looked at of aiohttp's, by the same names."""

    head: Head
    body: bytes
    remote: str | None
    method: str = "POST"

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """As they were sent."""
        return self.head.headers

    @property
    def query(self) -> Mapping[str, str]:
        """What follows the question mark."""
        return self.head.query

    @property
    def query_string(self) -> bool:
        """Whether there is a query."""
        return bool(self.head.query)

    @property
    def body_exists(self) -> bool:
        """Whether there is a body."""
        return bool(self.body)


class Heads:
    """Those read lately."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._known: dict[bytes, Head] = {}

    def get(self, head: bytes) -> Head | None:
        """Read *head*, up to and with its empty line; None if it is not for ingest alone to answer."""
        known = self._known.get(head)
        if known is None and (known := self._read(head)) is not None:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[head] = known
        return known

    def _read(self, head: bytes) -> Head | None:
        parser = HttpRequestParser(BaseProtocol(self._loop), self._loop, 1 << 16, auto_decompress=False)
        try:
            messages, upgraded, rest = parser.feed_data(head)
        except HttpProcessingError:
            return None
        if upgraded or rest or len(messages) != 1:
            return None
        message, payload = messages[0]
        if payload.is_eof() or payload.read_nowait():  # there is no body, or it began within
            return None
        return _plain(message)


def _plain(message: RawRequestMessage) -> Head | None:
    """Give what a POST of alerts says; None if it wants more than that."""
    headers = message.headers
    if message.method != "POST" or message.version != HttpVersion11 or message.should_close:
        return None
    if message.chunked or any(name in headers for name in _ANSWERED_ELSEWHERE):
        return None
    place = _place(message)
    return place and Head(
        *place, headers, Headers(headers), message.url.query, int(headers["Content-Length"])
    )


def _place(message: RawRequestMessage) -> tuple[str | None, str] | None:
    path = message.path.partition("?")[0]
    if path == f"/{PUSH_PATH}":
        return message.url.query.get("source"), PUSH_PATH
    named = _INGEST.fullmatch(path)
    return (named["source"], named["push"] or "") if named else None
