"""What rules in shadow would have done: counted, and the last of it written down. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from domain.batch import Batch
from domain.times import Millis

SHADOWS = "shadows:"
KEPT = 100
"""Lines that a shard keeps; the oldest go first."""


class Would(NamedTuple):
    """What a rule in shadow would have done."""

    kind: str
    """Part of the configuration it stands in: groups, enrich or routes."""
    rule: str
    says: str


class Shadow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of what rules in shadow would have done."""

    at: Millis
    kind: str
    rule: str
    says: str
    alert: str
    incident: str
    """The one that the alert belongs to, as things are."""


class ShadowLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last lines of a shard, the oldest first."""

    lines: tuple[Shadow, ...] = ()


def note(batch: Batch, would: Would, at: Millis, alert: str, incident: str) -> None:
    """Count it, and write it down."""
    batch.count(f"shadow.{would.kind}.{would.rule}")
    known = batch.get(SHADOWS, ShadowLog) or ShadowLog()
    line = Shadow(at, would.kind, would.rule, would.says, alert, incident)
    batch.put(SHADOWS, ShadowLog((*known.lines[1 - KEPT :], line)))
