"""An alert: an event that needs attention, one per identity."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.times import Millis

NEVER: Millis = 0
"""When a heartbeat began that nobody has sent yet, but that is expected."""


class AlertState(StrEnum):
    """What a tool says of a condition: that it holds, or not any more, or something beside."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    """Somebody took it on, in the tool."""
    HEARTBEAT = "heartbeat"
    """A sign of life; its absence is the alert."""
    TEST = "test"
    """Sent to see whether it arrives; opens nothing."""


class Severity(StrEnum):
    """How bad the monitoring tool says it is: one scale for all tools, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst; grows as it gets milder."""
        return _RANKS[self]


SEVERITIES = tuple(Severity)
_RANKS = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Alert(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one tool said about one condition, in our words. A parser makes it, nobody changes it."""

    source: str
    """Name of the configured source it came by."""
    fingerprint: str
    """The tool's own identity of the condition; empty where the tool has none."""
    state: AlertState
    severity: Severity
    name: str
    summary: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Millis
    """When this episode began. With the state it orders what arrives in disorder."""
    ends_at: Millis | None = None
    service: str = ""
    """Service of the catalogue that is affected; empty where unknown."""
    url: str = ""
    """Link back to the tool."""
    description: str = ""
    resource: str = ""
    """The configuration item that is hit: host, device, address, ...; empty where unknown."""
    links: dict[str, str] = {}
    """Others by name: runbook, dashboard, image, ..."""

    @property
    def position(self) -> tuple[Millis, bool]:
        """Place in the life of the identity: a later episode beats an earlier one, a resolve its own firing."""
        return self.starts_at, self.state is AlertState.RESOLVED


class AlertHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of a written ``Alert``: it tells a repeat from news, at a sixth of what reading all of it takes.

    What stands between is left as it is written.
    """

    source: str
    fingerprint: str
    state: AlertState
    severity: Severity
    name: msgspec.Raw
    summary: msgspec.Raw
    labels: msgspec.Raw
    annotations: msgspec.Raw
    starts_at: Millis


class Sightings(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How often something was heard of. Kept apart from what it counts: a duplicate costs one small write."""

    count: int
    last_seen: Millis

    def plus(self, other: Sightings) -> Sightings:
        """Add up.

        >>> Sightings(2, 50).plus(Sightings(1, 40))
        Sightings(count=3, last_seen=50)
        """
        return Sightings(self.count + other.count, max(self.last_seen, other.last_seen))


class Phase(StrEnum):
    """Where an identity is in its life, as far as was heard."""

    FIRING = "firing"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    """Not heard of for so long that it is taken for resolved."""
    AHEAD = "ahead"
    """Its resolve came, its firing has not been seen yet."""
    ALIVE = "alive"
    """A heartbeat that comes as expected."""
    FLAPPING = "flapping"
    """It begins and ends too often to be believed: it holds its incident open until it is quiet."""
    WAITING = "waiting"
    """It fires, but something holds it back: it opens nothing yet."""


class Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an alert waits for."""

    kind: str
    """hold, silence, maintenance, threshold or inhibition."""
    by: str
    """Id of the silence, window or rule."""
    reason: str


class AlertRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one identity."""

    key: str
    """``source/fingerprint``."""
    alert: Alert
    """What was last said, in the order of ``Alert.position``."""
    phase: Phase
    incident: str
    """Id of the incident it last belonged to; empty for one that never fired."""
    first_seen: Millis
    changed_at: Millis
    """When its phase, not its counts, changed last."""
    look_at: Millis | None = None
    """When one that waits, or flaps, is looked at again."""
    held: Held | None = None
    """What one that waits is waiting for."""
    changes: tuple[Millis, ...] = ()
    """When it began and ended lately, as many as it takes to flap."""

    @property
    def fires(self) -> bool:
        """Whether it keeps its incident open."""
        return self.phase is Phase.FIRING or self.phase is Phase.FLAPPING
