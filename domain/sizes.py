"""How people write amounts of memory in YAML: ``5MiB``, ``1.5GiB``, ``500kB``, or plain bytes."""

from __future__ import annotations

import re

_FACTORS = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_SIZE = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,15}})?)\s*({'|'.join(_FACTORS)})")


def parse_size(text: str | float) -> int:
    """Read an amount of memory as bytes.

    >>> parse_size("5MiB"), parse_size("1.5kB"), parse_size(4096)
    (5242880, 1500, 4096)

    Raises:
        ValueError: saying how it should be written.
    """
    match = _SIZE.fullmatch(str(text).strip().lower())
    if match is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is not a size; write it like 500kB, 5MiB, 1GiB, or as plain bytes")
    number, unit = match.groups()
    return round(float(number) * _FACTORS[unit])
