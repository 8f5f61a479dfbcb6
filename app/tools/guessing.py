"""What a body in a file would have claimed to be, had it been posted."""

from __future__ import annotations

import re

from ingest.sources import Kind

_FIELD = re.compile(rb"[^\s{}<>\"=&]+=[^\r\n]*\s*", re.DOTALL)
_BOUNDARY = re.compile(rb"--([^\r\n]+)\r?\n")


def content_type_of(body: bytes) -> str:
    r"""Guess the ``Content-Type``.

    >>> content_type_of(b'{"a": 1}'), content_type_of(b"a=1&b=2"), content_type_of(b"--x\r\n")
    ('application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x')
    """
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"[", b'"'):
        return Kind.JSON.value
    if match := _BOUNDARY.match(start):
        return f"{Kind.MULTIPART.value}; boundary={match[1].decode('latin-1')}"
    return Kind.FORM.value if _FIELD.fullmatch(start) else Kind.TEXT.value
