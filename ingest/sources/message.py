"""A request written down as a file: request line, headers, empty line, body. For samples, fixtures and replays."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from domain.times import Millis
from ingest.sources.post import Post


def read_message(text: bytes, source: str, received_at: Millis) -> Post:
    r"""Read a request; the line break that ends the file is not part of the body.

    >>> read_message(b"POST /ingest/x?a=1\nContent-Type: text/plain\n\nhello\n", "x", 0).body
    b'hello'

    Raises:
        ValueError: if it does not begin with a request line.
    """
    head, _, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    line, *lines = head.decode("utf-8").splitlines()
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
