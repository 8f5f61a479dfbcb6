"""What a decision on an alert is about, and what it says. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from correlation.grouping import Group
from correlation.placing import Choice
from correlation.state import PARTS
from domain.alert import Alert, AlertRecord
from domain.incident import Incident
from domain.times import Millis


class Verdict(StrEnum):
    """What became of an alert. Logged, counted, shown; each accepted alert gets exactly one."""

    OPENED = "opened"
    JOINED = "joined"
    SYMPTOM = "symptom"
    """It joined the incident of something that it depends on."""
    REOPENED = "reopened"
    DUPLICATE = "duplicate"
    UPDATED = "updated"
    RESOLVED = "resolved"
    STRAY_RESOLVE = "stray_resolve"
    LATE_FIRING = "late_firing"
    OUTDATED = "outdated"
    ACKNOWLEDGED = "acknowledged"
    HEARTBEAT = "heartbeat"
    TEST = "test"
    HELD = "held"
    SUPPRESSED = "suppressed"
    FLAPPING = "flapping"
    QUARANTINED = "quarantined"


class Stay(msgspec.Struct, frozen=True, gc=False):
    """What holds a firing alert back for now: it opens nothing and joins nothing."""

    verdict: Verdict
    reason: str
    look_at: Millis
    """When to look again."""
    kind: str
    """hold, silence, maintenance, threshold or inhibition."""
    by: str
    """Id of the silence, window or rule."""
    list: str = ""
    """List on which it waits to be looked at sooner; empty for none."""
    until: Millis = 0
    """When those on the list are looked at, if not before."""
    parts: int = PARTS
    """Records that the list is spread over."""


class Case(msgspec.Struct, frozen=True, gc=False):
    """One alert and all that the decision on it may look at."""

    key: str
    alert: Alert
    now: Millis
    group: Group
    record: AlertRecord | None
    own: Incident | None
    """The incident that the alert last belonged to."""
    latest: Incident | None
    """The group's most recent incident."""
    shard: str
    """Where this is decided: groups of two shards may be called the same, their incidents must not."""
    stay: Stay | None = None
    """What holds it back, if it fires."""
    told: bool = True
    """Whether a tool just said so; else it is looked at again."""
    adopted: bool = False
    """Whether the group's most recent incident is that of another, into which its own was merged."""
    choice: Choice | None = None
    """Which of the group's current incidents it belongs to; then that is ``latest``. For rules with strategies."""
    previous: str = ""
    """The incident that such a group opened last."""
    below: Incident | None = None
    """The open incident of something that the alert's service cannot work without."""
    places: tuple[str, ...] = ()
    """Where in the graph the alert is from, then the peers it names."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The verdict, why, and what is to be remembered from now on."""

    verdict: Verdict
    reason: str
    record: AlertRecord | None = None
    """None leaves the record as it is."""
    incident: Incident | None = None
    """None leaves every incident as it is."""
    stay: Stay | None = None
    """What holds the alert back; None if nothing does."""
    left: Incident | None = None
    """The incident that the alert belonged to until now, where it goes on in another."""
