"""How people write lengths of time in YAML: ``90s``, ``1h30m``, ``7d``, or plain seconds."""

from __future__ import annotations

import re

from domain.times import Millis

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|[smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(text: str | float) -> Millis:
    """Read a length of time.

    >>> parse_duration("1h30m"), parse_duration("90s"), parse_duration(90)
    (5400000, 90000, 90000)

    Raises:
        ValueError: saying how it should be written.
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return round(text * 1000)
    if isinstance(text, str) and _WHOLE.fullmatch(text):
        return round(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
    message = f"{text!r} is not a length of time; write it like 30s, 5m, 1h30m, 7d, or as plain seconds"
    raise ValueError(message)


def lasting(length: Millis) -> str:
    """Write a length of time as people do.

    >>> lasting(5_400_000), lasting(86_400_000), lasting(0)
    ('1h30m', '1d', '0s')
    """
    parts, rest = [], length
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
