"""The three works of the benchmark as Alertmanager posts them: webhook v4 bodies of about 0.9 KB an alert.

Everything here is pure and seeded: the same arguments give the same bytes. Another seed gives other services
and other alerts, so a second phase against the same server starts from nothing known.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SPREAD = timedelta(minutes=5)
"""Time over which the alerts of a work began. None may begin after it is posted: no tool says that."""
FAULTS = (
    ("HighErrorRate", "critical", "Error rate of {service} on {pod} is above 5% for 5 minutes"),
    ("HighLatencyP99", "warning", "99th percentile latency of {service} on {pod} is above 1.5 s"),
    ("PodCrashLooping", "critical", "Pod {pod} of {service} restarted more than 5 times in 10 minutes"),
    ("MemoryNearLimit", "warning", "Pod {pod} of {service} uses more than 90% of its memory limit"),
    ("CPUThrottlingHigh", "info", "Pod {pod} of {service} is throttled 35% of the time"),
    ("QueueBacklogGrowing", "warning", "The queue of {service} on {pod} grows for 15 minutes"),
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One identity of a work: the *number*-th alert, raised on the *service*-th service."""

    number: int
    service: int
    firing: bool = True


@dataclass(frozen=True, slots=True)
class Work:
    """A list of POST bodies, and for each service the index of the POST that names it first."""

    name: str
    per_post: int
    alerts: int
    bodies: tuple[bytes, ...]
    first_posts: dict[str, int]


def distinct(total: int = 20_000, services: int = 200, seed: int = 1) -> Iterator[Alert]:
    """Yield alerts that never repeat; the outage spreads evenly until it has reached every service."""
    rng = random.Random(seed)
    for number, service in enumerate(_spread(rng, total, services)):
        yield Alert(number, service)


def storm(total: int = 50_000, identities: int = 500, services: int = 50, seed: int = 1) -> Iterator[Alert]:
    """Yield the same few alerts over and over, in random order from the first moment."""
    rng = random.Random(seed)
    for _ in range(total):
        number = rng.randrange(identities)
        yield Alert(number, number % services)


def fire_resolve(total: int = 5_000, services: int = 200, seed: int = 1) -> Iterator[Alert]:
    """Yield alerts that never repeat, then the end of each in the same order."""
    fired = list(distinct(total, services, seed))
    yield from fired
    yield from (Alert(alert.number, alert.service, firing=False) for alert in fired)


WORKS: dict[str, Callable[..., Iterator[Alert]]] = {
    "distinct": distinct,
    "storm": storm,
    "fire_resolve": fire_resolve,
}


def build(
    name: str, alerts: Iterable[Alert], *, per_post: int, seed: int = 1, started: datetime = EPOCH
) -> Work:
    """Turn *alerts* into the POSTs that carry them.

    >>> work = build("storm", storm(40, identities=5), per_post=20)
    >>> len(work.bodies), work.alerts
    (2, 40)
    """
    bodies: list[bytes] = []
    first: dict[str, int] = {}
    total = 0
    for batch in _batches(alerts, per_post):
        for alert in batch:
            first.setdefault(service_name(alert.service, seed), len(bodies))
        bodies.append(body(batch, seed, started))
        total += len(batch)
    return Work(name, per_post, total, tuple(bodies), first)


def body(batch: list[Alert], seed: int = 1, started: datetime = EPOCH) -> bytes:
    """Write one webhook; its ``status`` is firing while any of its alerts is, as Alertmanager has it."""
    status = "firing" if any(alert.firing for alert in batch) else "resolved"
    webhook = {
        "receiver": "tocsin",
        "status": status,
        "alerts": [_alert(alert, seed, started) for alert in batch],
        "groupLabels": {},
        "commonLabels": {"environment": "production"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    }
    return msgspec.json.encode(webhook)


def service_name(service: int, seed: int = 1) -> str:
    """Name a service; the seed is in it, so that two phases share none."""
    return f"shop-{seed}-{service:04d}"


def _alert(alert: Alert, seed: int, started: datetime) -> dict[str, Any]:
    labels = _labels(alert, seed)
    _, _, text = FAULTS[alert.number % len(FAULTS)]
    begun = started + timedelta(seconds=alert.number % SPREAD.seconds)
    return {
        "status": "firing" if alert.firing else "resolved",
        "labels": labels,
        "annotations": _annotations(labels, text),
        "startsAt": begun,
        "endsAt": "0001-01-01T00:00:00Z" if alert.firing else begun + timedelta(minutes=10),
        "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=sum+by+%28service%2C+pod%29+%28"
        "rate%28http_requests_total%7Bcode%3D~%225..%22%7D%5B5m%5D%29%29+%3E+0.05&g0.tab=1",
        "fingerprint": _fingerprint(labels),
    }


def _labels(alert: Alert, seed: int) -> dict[str, str]:
    name, severity, _ = FAULTS[alert.number % len(FAULTS)]
    service = service_name(alert.service, seed)
    number = alert.number
    return {
        "alertname": name,
        "cluster": f"eu-west-1-{number % 3}",
        "environment": "production",
        "instance": f"10.{seed % 256}.{number >> 8 & 255}.{number & 255}:9102",
        "job": "kubernetes-pods",
        "pod": f"{service}-7c9d8f{number:06x}-{number * 7919 % 46656:04x}",
        "service": service,
        "severity": severity,
    }


def _annotations(labels: dict[str, str], text: str) -> dict[str, str]:
    summary = text.format(**labels)
    return {
        "description": f"{summary}. Cluster {labels['cluster']}, instance {labels['instance']}.",
        "runbook_url": f"https://runbooks.example.com/{labels['service']}/{labels['alertname']}",
        "summary": summary,
    }


def _fingerprint(labels: dict[str, str]) -> str:
    return blake2b(repr(labels).encode(), digest_size=8).hexdigest()


def _spread(rng: random.Random, total: int, targets: int) -> Iterator[int]:
    """Yield *total* picks; every ``total / targets`` picks one more target is in reach, and is hit first."""
    reached = 0
    for index in range(total):
        due = 1 + index * targets // total
        yield reached if due > reached else rng.randrange(reached)
        reached = max(reached, min(due, reached + 1))


def _batches(alerts: Iterable[Alert], size: int) -> Iterator[list[Alert]]:
    source = iter(alerts)
    while batch := list(islice(source, size)):
        yield batch
