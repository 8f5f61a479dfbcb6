"""Comparing secrets in a time that tells nothing of them. Nothing else in this package compares one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def is_one_of(given: bytes, known: Iterable[bytes]) -> bool:
    """Tell whether *given* is among *known*; all are compared, whichever it is."""
    return sum(hmac.compare_digest(given, each) for each in known) > 0


def digest(kind: bytes, secret: bytes) -> bytes:
    """Make what is compared in place of a *secret*, so that its length does not show either."""
    return hashlib.sha256(kind + b" " + secret).digest()


def octets(text: str) -> bytes:
    r"""Give the bytes of a text that came from outside; it may hold what is not Unicode.

    >>> octets("h\udcfcsh"), octets("\ud800")
    (b'h\xfcsh', b'\xed\xa0\x80')
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
