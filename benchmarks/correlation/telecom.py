"""The telecom alarms: whether a child is in the incident of the parent that caused it, so that it is suppressed.

``alarm.csv`` has alarms by type and device with start and end in seconds; ``topology.npy`` says which devices are
connected, ``true_graph.npy`` which type of alarm causes which. No alarm is labelled: that a parent of a child's type
fired on the same or a connected device just before is taken for the truth, so some of it is coincidence.
"""

from __future__ import annotations

import csv
import gzip
import io
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.correlation.playing import defaults, play
from benchmarks.correlation.streams import START, Told
from correlation.models import BY_TOPOLOGY
from domain.alert import Alert, AlertState, Severity
from domain.topology import Edge, Relation, Topology

SECOND = 1_000
RECENT = 60
"""Seconds for which a parent that is over may still have caused a child."""
GAP = 60


@dataclass(frozen=True, slots=True)
class Alarm:
    """A line of the file; times are in seconds."""

    kind: int
    device: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """How well children were put together with their parents; shares, from 0 to 1."""

    precision: float
    """Of the pairs of alarms in one incident, those of a parent and its child."""
    recall: float
    """Of the pairs of a parent and its child, those in one incident."""
    suppressed: float
    """Alarms that open no incident."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """The result."""

    count: int
    rows: Mapping[str, Pairs]


def measured(folder: Path) -> Alarms | None:
    """Measure with the alarms in *folder*; None if there are none."""
    graphs = sorted(folder.rglob("true_graph.npy"))
    if not graphs:
        return None
    place = graphs[0].parent
    alarms = sorted(_alarms(place), key=lambda alarm: (alarm.start, alarm.kind, alarm.device))
    parents = _parents(alarms, matrix(graphs[0].read_bytes()), matrix((place / "topology.npy").read_bytes()))
    ways = {
        "no correlation": [str(place) for place in range(len(alarms))],
        "60 s gap": _gap(alarms),
        "**Tocsin as shipped**": _tocsin(alarms, matrix((place / "topology.npy").read_bytes())),
    }
    return Alarms(len(alarms), {name: _pairs(groups, parents) for name, groups in ways.items()})


def _alarms(place: Path) -> Iterator[Alarm]:
    packed = place / "alarm.csv.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (place / "alarm.csv").read_bytes()
    for row in csv.DictReader(io.StringIO(text.decode())):
        yield Alarm(
            int(row["alarm_id"]),
            int(row["device_id"]),
            int(row["start_timestamp"]),
            int(row["end_timestamp"]),
        )


def matrix(raw: bytes) -> list[tuple[float, ...]]:
    """Read a square matrix of doubles in NumPy's format (numpy.org/doc/stable/reference/generated/numpy.lib.format)."""
    length = int.from_bytes(raw[8:10], "little")
    body = raw[10 + length :]
    size = round((len(body) / 8) ** 0.5)
    return [struct.unpack_from(f"<{size}d", body, row * size * 8) for row in range(size)]


def _parents(
    alarms: Sequence[Alarm], causes: Sequence[Sequence[float]], connected: Sequence[Sequence[float]]
) -> list[set[int]]:
    """Find for each alarm those before it that may have caused it."""
    found: list[set[int]] = []
    recent: list[int] = []
    for place, alarm in enumerate(alarms):
        recent = [each for each in recent if alarm.start <= alarms[each].end + RECENT]
        found.append(
            {
                each
                for each in recent
                if causes[alarms[each].kind][alarm.kind] and _beside(alarms[each], alarm, connected)
            }
        )
        recent.append(place)
    return found


def _beside(one: Alarm, other: Alarm, connected: Sequence[Sequence[float]]) -> bool:
    return one.device == other.device or bool(connected[one.device][other.device])


def _gap(alarms: Sequence[Alarm]) -> list[str]:
    groups: list[str] = []
    for place, alarm in enumerate(alarms):
        follows = place > 0 and alarm.start - alarms[place - 1].start <= GAP
        groups.append(groups[-1] if follows else str(place))
    return groups


def _tocsin(alarms: Sequence[Alarm], connected: Sequence[Sequence[float]]) -> list[str]:
    settings = defaults(None)
    edges = [
        Edge(f"device-{one}", Relation.CONNECTS_TO, f"device-{other}")
        for one, row in enumerate(connected)
        for other, is_connected in enumerate(row)
        if is_connected
    ]
    rules = replace(settings.correlation, topology=Topology(edges), groups=(BY_TOPOLOGY.compile(),))
    posts: list[Told] = []
    for place, alarm in enumerate(alarms):
        fires = _alert(alarm, AlertState.FIRING)
        posts.append(Told(START + alarm.start * SECOND, place, fires, place))
        ends = max(alarm.end, alarm.start + 1)
        posts.append(Told(START + ends * SECOND, place, _alert(alarm, AlertState.RESOLVED), None))
    posts.sort(key=lambda post: (post.at, post.order))
    return play(posts, rules, settings, lambda _: None).groups


def _alert(alarm: Alarm, state: AlertState) -> Alert:
    device, kind = f"device-{alarm.device}", f"alarm-{alarm.kind}"
    return Alert(
        source="alarms",
        fingerprint=f"{kind}|{device}",
        state=state,
        severity=Severity.MEDIUM,
        name=kind,
        summary=f"{kind} on {device}",
        labels={"alertname": kind, "resource": device},
        annotations={},
        starts_at=START + alarm.start * SECOND,
        ends_at=START + alarm.end * SECOND if state is AlertState.RESOLVED else None,
        resource=device,
    )


def _pairs(groups: Sequence[str], parents: Sequence[set[int]]) -> Pairs:
    causal = sum(map(len, parents))
    right = sum(groups[parent] == groups[child] for child, found in enumerate(parents) for parent in found)
    sizes = Counter(groups)
    together = sum(size * (size - 1) // 2 for size in sizes.values())
    return Pairs(
        right / together if together else 1.0,
        right / causal if causal else 1.0,
        1 - len(sizes) / len(groups),
    )
