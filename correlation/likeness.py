"""How alike two texts are, numbers and addresses left out: they differ where the same thing happens twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

_VARIABLE = re.compile(r"\b(?:0x[0-9a-f]+|[0-9a-f]{8,}|\d[\d.:,/-]*)[a-z%]{0,2}\b", re.IGNORECASE)


def template(text: str) -> str:
    """Leave out of a text what varies.

    >>> template("disk /dev/sda1 at 93.5% on 10.0.0.7:9100, request 5f2c9ab01d")
    'disk /dev/sda1 at # on #, request #'
    """
    return _VARIABLE.sub("#", text).replace("#%", "#")


def likeness(text: str, known: Sequence[str]) -> float:
    """Compare with the most alike of *known*: 100 for the same words, whatever their order."""
    if not text:
        return 0.0
    ours = template(text)
    return max((fuzz.token_sort_ratio(ours, template(other)) for other in known), default=0.0)
