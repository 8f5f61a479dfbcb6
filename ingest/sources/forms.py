"""Bodies that are forms: urlencoded, multipart, or the query of a GET."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ingest.sources.body import BadBody
from ingest.sources.node import Node
from ingest.sources.post import Post

MOST_FIELDS = 1_000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(r'[;\s]name=(?:"([^"]*)"|([^;\s]+))', re.IGNORECASE)


def form(post: Post) -> Node:
    """Return the fields of a form as an object of texts; those of the query where there is no body.

    Raises:
        BadBody: if it is none.
    """
    if not post.body.strip():
        return Node(dict(post.query))
    if post.content_type == MULTIPART:
        return Node(_multipart(post))
    return Node(_urlencoded(post.body))


def form_or_json(post: Post) -> Node:
    """Return the fields of a form, or the document: whatever the body turns out to be.

    Raises:
        BadBody: if it is neither.
    """
    body = post.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if post.content_type == MULTIPART or not body:
        return form(post)
    if post.content_type == FORM and not body.startswith((b"{", b"[")):
        return form(post)
    return Node.json(post.body)


def _urlencoded(body: bytes) -> dict[str, str]:
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise BadBody(f"is no form: {error}") from None


def _multipart(post: Post) -> dict[str, str]:
    match = _BOUNDARY.search(post.headers.get("content-type", ""))
    if match is None:
        raise BadBody("multipart without a boundary")
    delimiter = f"\n--{match[1] or match[2]}".encode("utf-8", "surrogateescape")
    _, *parts = (b"\n" + post.body.replace(b"\r\n", b"\n")).split(delimiter, MOST_FIELDS)
    fields = dict(field for part in parts if (field := _part(part)))
    if not fields:
        raise BadBody("multipart without a field")
    return fields


def _part(part: bytes) -> tuple[str, str] | None:
    """Read what is between two boundaries; None for the end mark and what has no name."""
    head, _, value = part.partition(b"\n\n")
    match = _NAME.search(head.decode("utf-8", "replace"))
    return (match[1] or match[2] or "", value.decode("utf-8", "replace")) if match else None
