"""What a group remembers of its current incidents, so that an alert finds its own without loading any. Pure.

All of it is bounded: ``MOST`` incidents, ``PLACES`` places and ``VALUES`` values of each field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import exp

import msgspec
from msgspec.structs import replace

from correlation.strategies import ByTopology
from domain.alert import Alert
from domain.fields import AlertFields
from domain.times import Millis
from domain.topology import Topology

MOST = 8
PLACES = 64
VALUES = 8
LONG = 200
"""Characters that are kept of a value."""
BITS = 4_096
"""Of the Bloom filter that tells which alerts an incident has: with 400 of them it errs for one in thirty others."""
SLOW = 6
"""The slow part of a place's weight fades over so many times ``fade``,"""
SHARE = 0.1
"""and is this much of it."""
HALF = 0.5
"""What a hop leaves of a weight."""
SETTLED: Millis = 30_000
"""An incident of this age draws half as much as a new one: most of its alerts have come."""
_FAR = 30.0
"""Weights are written for one moment. When it is so many times ``fade`` ago, another is taken."""
_NEVER = 500.0
"""So many times ``fade`` leave nothing; more would be no number."""


class Candidate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An incident that alerts may still join."""

    incident: str
    opened_at: Millis
    last_at: Millis
    """When an alert last joined."""
    alerts: int = 1
    places: dict[str, tuple[float, float]] = {}
    """What was hit, each with its fast and its slow weight as of ``weighed_at``."""
    weighed_at: Millis = 0
    values: dict[str, tuple[str, ...]] = {}
    """The last values of the fields that the rule's strategies look at."""
    members: bytes = b""
    """Bloom filter of the alerts that joined."""
    cause: str = ""
    """The deepest place hit."""
    returns: float = 0.0
    """Alerts of its own that fired anew of late."""
    returned_at: Millis = 0


def places_of(alert: Alert, rule: ByTopology, topology: Topology) -> tuple[str, ...]:
    """Say where an alert is from, then which peers it names: as exactly as the graph knows it."""
    peers = [alert.labels[name] for name in rule.peers if name in alert.labels]
    names = (_place(alert, topology), *(peer for peer in peers if peer))
    return tuple(dict.fromkeys(name for name in names if name))


def _place(alert: Alert, topology: Topology) -> str:
    for name in (alert.resource, alert.service):
        if name in topology:
            return name
    return alert.resource or alert.service


def score(candidate: Candidate, near: Mapping[str, int], rule: ByTopology, now: Millis) -> float:
    """Say how much an incident draws an alert: what was hit near it and lately, less as the incident settles.

    A self-exciting process: each alert raises the likelihood of more around it, which fades with time and hops.
    """
    fast = slow = 0.0
    for name, (quick, lasting) in candidate.places.items():
        hops = near.get(name)
        if hops is not None and hops <= rule.hops:
            share = HALF**hops
            fast += quick * share
            slow += lasting * share
    age = max(0, now - candidate.opened_at)
    quick_left, slow_left = _fading(candidate.weighed_at, now, rule)
    return (fast / quick_left + SHARE * slow / slow_left) / (1 + age / SETTLED)


def _fading(since: Millis, now: Millis, rule: ByTopology) -> tuple[float, float]:
    """Say what weights have to be divided by that were written for *since*."""
    passed = min(max(0, now - since) / rule.fade, _NEVER)
    return exp(passed), exp(passed / SLOW)


def with_places(candidate: Candidate, names: Sequence[str], rule: ByTopology, now: Millis) -> Candidate:
    """Have an alert raise the weight of the places it is about."""
    if now - candidate.weighed_at > _FAR * rule.fade:
        candidate = _weighed(candidate, rule, now)
    gain = _fading(candidate.weighed_at, now, rule)
    places = dict(candidate.places)
    for name in names:
        quick, lasting = places.get(name, (0.0, 0.0))
        places[name] = (quick + gain[0], lasting + gain[1])
    if len(places) > PLACES:
        del places[min(places, key=places.__getitem__)]
    return replace(candidate, places=places)


def _weighed(candidate: Candidate, rule: ByTopology, now: Millis) -> Candidate:
    """Write the weights for another moment."""
    quick_left, slow_left = _fading(candidate.weighed_at, now, rule)
    places = {
        name: (quick / quick_left, lasting / slow_left) for name, (quick, lasting) in candidate.places.items()
    }
    return replace(candidate, places=places, weighed_at=now)


def has(candidate: Candidate, key: str) -> bool:
    """Tell whether the alert called *key* has joined; wrong now and then, and only for one that has not."""
    return bool(candidate.members) and all(candidate.members[bit >> 3] >> (bit & 7) & 1 for bit in _bits(key))


def with_key(candidate: Candidate, key: str) -> Candidate:
    """Remember that the alert called *key* has joined."""
    members = bytearray(candidate.members or BITS // 8)
    for bit in _bits(key):
        members[bit >> 3] |= 1 << (bit & 7)
    return replace(candidate, members=bytes(members))


def _bits(key: str) -> tuple[int, int]:
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest[:2]) % BITS, int.from_bytes(digest[2:]) % BITS


def with_values(candidate: Candidate, alert: Alert, fields: Sequence[str]) -> Candidate:
    """Remember the alert's values of *fields*."""
    if not fields:
        return candidate
    values = dict(candidate.values)
    found = AlertFields(alert)
    for name in fields:
        value = text_of(alert, found, name)
        if value and value not in values.get(name, ()):
            values[name] = (*values.get(name, ())[1 - VALUES :], value)
    return replace(candidate, values=values)


def text_of(alert: Alert, fields: AlertFields, name: str) -> str:
    """Read a field of an alert; its texts, too."""
    text = getattr(alert, name) if name in ("summary", "description") else fields.get(name)
    return str(text)[:LONG]
