"""The identity that Prometheus and Alertmanager give to a label set.

It is FNV-1a, 64 bits, over names and values in the order of the names, each ended by 0xff (prometheus/common,
``model.LabelSet.Fingerprint``). Byte by byte that is slow in Python, so whole pairs are remembered. FNV's
exclusive-or reaches only the low byte of the state; so with ``low = state & 0xff``, n bytes of text do this:
``hash(state) = hash(low) + (state - low) * PRIME**n``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_MODULUS = 1 << 64
_MASK = _MODULUS - 1
_LONGEST_REMEMBERED = 200


def fingerprint(labels: Mapping[str, str]) -> str:
    """Compute the fingerprint of a label set, 16 hex digits.

    >>> fingerprint({"alertname": "High CPU Temperature", "host": "andromeda", "severity": "critical"})
    'a1bc48475b20e73d'
    """
    state = _OFFSET
    for name in sorted(labels):
        value = labels[name]
        hashed = _remembered if len(value) <= _LONGEST_REMEMBERED else _hash_pair
        low = state & 0xFF
        end, factor = hashed(name, value, low)
        state = (end + (state - low) * factor) & _MASK
    return f"{state:016x}"


def _hash_pair(name: str, value: str, low: int) -> tuple[int, int]:
    text = b"%b\xff%b\xff" % (name.encode(), value.encode())
    state = low
    for byte in text:
        state = ((state ^ byte) * _PRIME) & _MASK
    return state, pow(_PRIME, len(text), _MODULUS)


_remembered = lru_cache(maxsize=16_384)(_hash_pair)
