"""How deep a JSON body is nested, found without reading it as JSON."""

from __future__ import annotations

import re
from itertools import accumulate

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = b"{}[]"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STEPS = {byte: 1 if byte in b"{[" else -1 for byte in _BRACKETS}


def is_deeper(body: bytes, most: int) -> bool:
    r"""Tell whether *body* is nested more than *most* levels.

    Brackets in texts can make it look shallower, never deeper: whoever hides the depth of a body so gains nothing,
    as all that reads it bears any depth. This only spares the work.

    >>> is_deeper(b'[[{"a": "[[[["}]]', 3), is_deeper(b'[[{"a": []}]]', 3), is_deeper(b'"]]"[[', 1)
    (False, True, True)
    """
    brackets = body.translate(_ONE_KIND, _OTHERS)
    return len(brackets) > most and _looks_deeper(brackets, most) and _depth(_TEXT.sub(b"", body)) > most


def _looks_deeper(brackets: bytes, most: int) -> bool:
    """Take the innermost pairs away, level by level: common bodies have few, and each is gone at once."""
    for _ in range(most):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _depth(body: bytes) -> int:
    """Count brackets, those in texts too."""
    steps = map(_STEPS.__getitem__, body.translate(None, _OTHERS))
    return max(accumulate(steps), default=0)
