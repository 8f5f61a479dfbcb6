"""What was delivered lately, by the name its sender gave it: sent again, it gets the same answer and is not taken.

What was put into quarantine is on durable storage too: sent again, it is refused again and not kept twice.

Kept in memory, so a repeat that reaches another process is taken again; there it is a duplicate like any other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from domain.times import Millis
from ingest.sources import Post, Tool

WINDOW: Millis = 3_600_000
MOST = 20_000
LONGEST_NAME = 512
GENERAL = ("idempotency-key", "webhook-id")
"""Headers in which any tool may name a delivery."""


class Answer(NamedTuple):
    """What a sender was told."""

    status: int
    content_type: str
    """Empty where there is no body."""
    body: bytes
    headers: Mapping[str, str] = {}

    def response(self) -> web.Response:
        """Say it by aiohttp."""
        if not self.content_type:
            return web.Response(status=self.status, headers=self.headers)
        return web.Response(
            status=self.status, body=self.body, content_type=self.content_type, headers=self.headers
        )


class Deliveries:
    """Answers by the name of the delivery, the oldest forgotten first."""

    def __init__(self, window: Millis = WINDOW, most: int = MOST) -> None:
        self._window = window
        self._most = most
        self._answers: OrderedDict[tuple[str, str], tuple[Millis, Answer]] = OrderedDict()

    def answer(self, source: str, name: str, now: Millis) -> Answer | None:
        """Return what was answered to this delivery, if it is known."""
        found = self._answers.get((source, name))
        return found[1] if found is not None and now - found[0] <= self._window else None

    def remember(self, source: str, name: str, now: Millis, answer: Answer) -> None:
        """Note an answer. Only those to what is on durable storage may be noted."""
        self._answers[source, name] = now, answer
        self._answers.move_to_end((source, name))
        while len(self._answers) > self._most or self._oldest() < now - self._window:
            self._answers.popitem(last=False)

    def _oldest(self) -> Millis:
        return next(iter(self._answers.values()))[0]


def delivery_of(tool: Tool, post: Post) -> str:
    """Name a delivery; empty where nobody did."""
    get = post.headers.get
    for header in GENERAL:
        if name := get(header):
            return f"{header} {name}"[:LONGEST_NAME]
    if tool.delivery_headers and all(names := [get(header, "") for header in tool.delivery_headers]):
        return " ".join(names)[:LONGEST_NAME]
    return tool.delivery_id(post)[:LONGEST_NAME] if tool.delivery_id else ""
