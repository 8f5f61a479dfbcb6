"""A change: an addition or modification that could affect services (ITIL 4 practice guide: change enablement)."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.times import Millis


class ChangeState(StrEnum):
    """How far a change is."""

    PLANNED = "planned"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done."""
        return self in _OVER


_OVER = {ChangeState.SUCCEEDED, ChangeState.FAILED, ChangeState.ROLLED_BACK}
_ORDER = {state: place for place, state in enumerate(ChangeState)}


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a tool tells of one change. It may tell several times; the last word counts."""

    id: str
    """``source/key``."""
    source: str
    kind: str
    """deployment, pipeline, sync, build, change_request, or the tool's own word."""
    state: ChangeState
    at: Millis
    """When the tool said so."""
    title: str
    services: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """The configuration items that are changed."""
    environment: str = ""
    starts_at: Millis = 0
    """When it began, or is to begin."""
    ends_at: Millis | None = None
    """When it ended, or is to end; None while nobody knows."""
    actor: str = ""
    url: str = ""

    @property
    def place(self) -> tuple[Millis, int, str]:
        """Its place in the life of the change: what is greater is news."""
        rest = (self.title, self.kind, self.url, self.actor, self.ends_at, self.environment)
        return self.at, _ORDER[self.state], f"{rest}{self.services}{self.resources}"


def merged(known: Change | None, news: Change) -> Change:
    """Take in what a tool tells, in whatever order and how often it comes.

    >>> begun = Change("a/1", "a", "deployment", ChangeState.STARTED, 5, "v2", starts_at=5)
    >>> done = Change("a/1", "a", "deployment", ChangeState.SUCCEEDED, 9, "v2", starts_at=9, ends_at=9)
    >>> merged(begun, done) == merged(done, begun), merged(begun, done).starts_at
    (True, 5)
    """
    if known is None:
        return news
    last = max(known, news, key=lambda each: each.place)
    return replace(last, starts_at=min(known.starts_at, news.starts_at))
