"""Puts a change together from what a parser found, with the same care for all tools."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from domain.change import Change, ChangeState
from domain.times import Millis
from ingest.sources.circumstances import not_after
from ingest.sources.post import Post

LONGEST_KEY = 200
LONGEST = 300
"""Characters of a title."""
MOST = 50
"""Services, or configuration items, of one change."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a parser found of one change; what the tool does not tell is left out."""

    key: str
    """What stays the same from its beginning to its end."""
    kind: str
    state: ChangeState
    title: str = ""
    services: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    environment: str = ""
    starts_at: Millis | None = None
    ends_at: Millis | None = None
    actor: str = ""
    url: str = ""
    at: Millis | None = None
    """When the tool said so; now where it does not tell."""


def build_change(post: Post, told: Told) -> Change:
    """Make the change. What is over has an end; a plan may lie ahead, but nothing that is done."""
    now = post.received_at
    at = not_after(told.at or now, now)
    ends_at = told.ends_at
    if told.state.is_over:
        ends_at = not_after(ends_at or at, now)
    starts_at = told.starts_at or (ends_at if told.state.is_over and ends_at is not None else at)
    return Change(
        id=f"{post.source}/{_short(told.key)}",
        source=post.source,
        kind=told.kind,
        state=told.state,
        at=at,
        title=(" ".join(told.title.split()) or f"{told.kind} {told.key}")[:LONGEST],
        services=_some(told.services),
        resources=_some(told.resources),
        environment=told.environment[:LONGEST],
        starts_at=starts_at if told.state is ChangeState.PLANNED else not_after(starts_at, now),
        ends_at=ends_at,
        actor=told.actor[:LONGEST],
        url=told.url[:2_000],
    )


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    clean = (" ".join(name.split())[:LONGEST] for name in names)
    return tuple(dict.fromkeys(name for name in clean if name))[:MOST]


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
