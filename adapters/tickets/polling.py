"""Lists of what changed, read page by page, for tools that are asked. Pure but for the asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from domain.ports import Polled
from domain.ticket import TicketSeen
from domain.times import Millis

R = TypeVar("R")

PAGE = 100
SHARED = 10
"""Rows that a page has in common with the one before: a ticket that changes meanwhile moves to the end, and all
after it move up."""
PAGES = 50
OVERLAP: Millis = 10_000
"""How much of the past a poll looks at again: a change may become visible after a later one."""


async def all_rows(page: Callable[[int, int], Awaitable[Sequence[R]]]) -> list[R]:
    """Collect the pages of a list. *page* takes an offset and a limit; what comes twice is for the caller to know."""
    rows: list[R] = []
    for number in range(PAGES):
        got = await page(number * (PAGE - SHARED), PAGE)
        rows += got
        if len(got) < PAGE:
            break
    return rows


def polled(cursor: str, seen: Sequence[TicketSeen], start: Millis) -> Polled:
    """Say what a poll brought: where it ends is where the next begins. *start* is for one with no cursor.

    >>> polled("", [], 5).cursor, polled("5", [TicketSeen("1", 9)], 7).cursor
    ('5', '9')
    """
    if not cursor:
        return Polled((), str(start))
    ordered = sorted({(one.at, one.id): one for one in seen}.values(), key=lambda one: (one.at, one.id))
    return Polled(ordered, str(max([since(cursor), *(one.at for one in ordered)])))


def since(cursor: str) -> Millis:
    """Read a cursor back; one that another version wrote begins anew."""
    return int(cursor) if cursor.isdecimal() else 0
