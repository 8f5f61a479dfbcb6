"""Labelled streams: read, laid over one another, and told as a monitoring tool tells them.

A line of a stream is a JSON object: ``ts`` (ms), ``kind``, ``resource``, ``check``, ``incident`` (the truth; the
correlator never sees it), and some of ``host``, ``peer``, ``direction`` and ``message``. Beside it is
``NAME.topology.json``, the system's graph.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from domain.alert import Alert, AlertState, Severity
from domain.times import Millis
from domain.topology import Topology

ENDINGS = tuple(
    f"{middle}.{kind}{packed}"
    for middle in ("", ".alerts")
    for kind in ("jsonl", "ndjson")
    for packed in ("", ".gz")
)
TOPOLOGY = ".topology.json"
HOUR: Millis = 3_600_000
START: Millis = 1_700_000_000_000
REPEAT_EVERY: Millis = 60_000
SHORTEST: Millis = 30_000
"""An alert fires for at least so long,"""
ON_AVERAGE: Millis = 60_000
"""and on average for so much longer."""


class NoStreams(Exception):
    """There is nothing to measure with."""


class Event(msgspec.Struct, frozen=True):
    """A line of a stream."""

    ts: Millis
    resource: str
    check: str
    incident: str | int | None = None
    kind: str | None = None
    host: str | None = None
    peer: str | None = None
    direction: str | None = None
    message: str | None = None

    @property
    def identity(self) -> str:
        """What tells one alert from another."""
        return "|".join(
            each or "" for each in (self.kind, self.resource, self.peer, self.check, self.direction)
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """A system's alerts and its graph."""

    name: str
    events: Sequence[Event]
    topology: Path


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a monitoring tool posts."""

    at: Millis
    order: int
    alert: Alert
    event: int | None
    """Place of the event that it begins; None for a repeat or an end."""


def find(folder: Path) -> list[Stream]:
    """Read all streams in a folder and below.

    Raises:
        NoStreams: there is none.
    """
    graphs = sorted(folder.rglob(f"*{TOPOLOGY}"))
    found = [stream for graph in graphs if (stream := _stream(graph)) is not None]
    if not found:
        raise NoStreams(
            f"{folder} holds no stream: NAME{TOPOLOGY} with NAME.jsonl or NAME.alerts.ndjson.gz beside it"
        )
    return found


def _stream(graph: Path) -> Stream | None:
    name = graph.name.removesuffix(TOPOLOGY)
    files = (graph.with_name(f"{name}{ending}") for ending in ENDINGS)
    file = next((file for file in files if file.exists()), None)
    if file is None:
        return None
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    events = msgspec.json.Decoder(Event).decode_lines(raw)
    return Stream(name, sorted(events, key=lambda event: event.ts), graph)


def laid_over(events: Sequence[Event], rate: float, seed: int, noise: float) -> list[Event]:
    """Begin the incidents anew at random, *rate* an hour, each as it went; add a share of noise."""
    chance = random.Random(seed)
    incidents: dict[str, list[Event]] = {}
    for event in events:
        incidents.setdefault(str(event.incident), []).append(event)
    names = sorted(incidents)
    chance.shuffle(names)
    begun, moved = float(START), []
    for name in names:
        begun += chance.expovariate(rate / HOUR)
        first = incidents[name][0].ts
        moved += [_at(event, int(begun) + event.ts - first) for event in incidents[name]]
    end = max(event.ts for event in moved)
    moved += [
        msgspec.structs.replace(_at(chance.choice(events), chance.randint(START, end)), incident=None)
        for _ in range(int(noise * len(moved)))
    ]
    return sorted(moved, key=lambda event: event.ts)


def _at(event: Event, ts: Millis) -> Event:
    return msgspec.structs.replace(event, ts=ts)


def told(events: Sequence[Event], topology: Topology, seed: int) -> list[Told]:
    """Post each event as an alert that fires, is repeated while it does, and ends."""
    chance = random.Random(seed)
    posts: list[Told] = []
    for place, event in enumerate(events):
        alert = alert_of(event, topology)
        ends = event.ts + SHORTEST + int(chance.expovariate(1 / ON_AVERAGE))
        posts.append(Told(event.ts, place, alert, place))
        posts += [Told(at, place, alert, None) for at in range(event.ts + REPEAT_EVERY, ends, REPEAT_EVERY)]
        posts.append(Told(ends, place, _ended(alert, ends), None))
    return sorted(posts, key=lambda post: (post.at, post.order))


def _ended(alert: Alert, at: Millis) -> Alert:
    return msgspec.structs.replace(alert, state=AlertState.RESOLVED, ends_at=at)


def alert_of(event: Event, topology: Topology) -> Alert:
    """Say it in Tocsin's words."""
    service = topology.service_of(event.resource) if event.resource in topology else ""
    given = {
        "alertname": event.check,
        "kind": event.kind,
        "service": service,
        "resource": event.resource,
        "host": event.host,
        "peer": event.peer,
        "direction": event.direction,
    }
    return Alert(
        source="stream",
        fingerprint=event.identity,
        state=AlertState.FIRING,
        severity=severity_of(event),
        name=event.check,
        summary=event.message or " ".join(filter(None, (event.resource, event.check, event.direction))),
        labels={name: str(value) for name, value in given.items() if value},
        annotations={},
        starts_at=event.ts,
        service=service,
        resource=event.resource,
    )


def severity_of(event: Event) -> Severity:
    """Judge it as a rule for such alerts would: failed calls, then slow ones and errors in logs, then figures."""
    if event.kind == "trace" and (event.direction or "")[:1] in ("4", "5"):
        return Severity.CRITICAL
    return Severity.HIGH if event.kind in ("trace", "log") else Severity.MEDIUM


def true_incidents(events: Sequence[Event]) -> Iterator[str | None]:
    """Say of each event where it belongs; None for noise."""
    for event in events:
        yield None if event.incident is None else str(event.incident)
