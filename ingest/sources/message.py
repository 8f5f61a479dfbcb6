"""A request written down as a file: request line, headers, empty line, body. For samples, fixtures and replays."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from domain.times import Millis
from ingest.sources.post import Post

SUFFIX = ".http"
"""Of such files."""
NOT_WRITTEN = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "host"})
"""Headers that are about the journey, not about what was sent."""
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


def read_message(text: bytes, source: str, received_at: Millis) -> Post:
    r"""Read a request; the line break that ends the file is not part of the body.

    >>> read_message(b"POST /ingest/x?a=1\nContent-Type: text/plain\n\nhello\n", "x", 0).body
    b'hello'

    Raises:
        ValueError: if it does not begin with a request line.
    """
    head, *bodies = _EMPTY_LINE.split(text, maxsplit=1)
    body = bodies[0] if bodies else b""
    line, *lines = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    method, target = line.split(" ")[:2]
    parts = urlsplit(target)
    return Post(
        body=body.removesuffix(b"\n"),
        received_at=received_at,
        source=source,
        headers={
            name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)
        },
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        method=method,
        path=parts.path.removeprefix("/ingest/").partition("/")[2],
    )


def write_message(post: Post) -> bytes:
    r"""Write a request down, so that ``read_message`` gives it back.

    >>> write_message(Post(b"{}", 0, "x", {"a": "b", "host": "h"}, {"c": "d e"}, "PUT", "push"))
    b'PUT /ingest/x/push?c=d+e HTTP/1.1\na: b\n\n{}\n'
    """
    path = f"/{post.path}" if post.path else ""
    query = f"?{urlencode(post.query)}" if post.query else ""
    headers = [f"{name}: {value}" for name, value in post.headers.items() if name not in NOT_WRITTEN]
    head = "\n".join([f"{post.method} /ingest/{post.source}{path}{query} HTTP/1.1", *headers])
    return head.encode("utf-8", "surrogateescape") + b"\n\n" + post.body + b"\n"
